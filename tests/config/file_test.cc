#include "common/config/file.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace evenkeel {
namespace {

using config::Reader;

constexpr Reader::Range kPorts{1, 65535};

/// Reads `text` as one wanting each kind of setting would; gives the faults, empty if none.
std::string faults_of(std::string_view text, const Reader::Overrides& overrides = {}) {
  Reader reader = Reader::of_text("agent.toml", text, overrides);
  reader.string("name", "");
  reader.integer("port", 7, kPorts);
  reader.boolean("json", false);
  reader.duration("detector.suspect_after", Duration(1));
  reader.bytes("chunk_max", 1_MiB);
  reader.ratio("fill_limit", Ratio(0.9));
  reader.endpoint("events", "tcp://127.0.0.1:1");
  reader.host_port("listen", "127.0.0.1:1");
  reader.strings("racks", {});
  reader.string_table("labels");
  const auto read = reader.finish();
  return read ? "" : read.error().what;
}

TEST(Reader, TellsWhatIsInForceAndWhetherItWasGiven) {
  Reader reader = Reader::of_text("agent.toml", "port = 7401\nwait = \"120s\"\n", {"json=true"});
  reader.string("name", "a");
  reader.integer("port", 7, kPorts);
  reader.integer("other_port", 8, kPorts);
  reader.boolean("json", false);
  reader.duration("wait", Duration(1));
  reader.bytes("chunk_max", 1_MiB);
  reader.ratio("fill_limit", Ratio(0.9));
  reader.strings("racks", {"r1", "r2"});
  ASSERT_TRUE(reader.finish());
  std::string all;
  for (const auto& [key, setting] : reader.in_force()) {
    all += key + (setting.given ? "!" : "") + "=" + setting.value + " ";
  }
  EXPECT_EQ(all,
            "chunk_max=1MiB fill_limit=90% json!=true name=a other_port=8 port!=7401 racks=r1,r2 "
            "wait!=2min ");
}

TEST(Reader, GivesWhatIsInTheFileAndElseTheFallback) {
  Reader reader = Reader::of_text("agent.toml", R"(
name = "a1"
port = 7401
json = true
chunk_max = "64MiB"
fill_limit = "92.5%"
listen = "[::1]:0"
racks = ["r1", "r2"]
[detector]
suspect_after = "3s"
[labels]
disk = "ssd"
)");
  EXPECT_EQ(reader.string("name"), "a1");
  EXPECT_EQ(reader.integer("port", kPorts), 7401);
  EXPECT_TRUE(reader.boolean("json", false));
  EXPECT_EQ(reader.bytes("chunk_max"), 64_MiB);
  EXPECT_EQ(reader.ratio("fill_limit"), Ratio(0.925));
  EXPECT_EQ(reader.host_port("listen"), "[::1]:0");
  EXPECT_EQ(reader.strings("racks", {}), (std::vector<std::string>{"r1", "r2"}));
  EXPECT_EQ(reader.duration("detector.suspect_after"), Duration(3000));
  EXPECT_EQ(reader.duration("detector.dead_after", Duration(30'000)), Duration(30'000));
  EXPECT_EQ(reader.string_table("labels"), (std::map<std::string, std::string>{{"disk", "ssd"}}));
  EXPECT_TRUE(reader.has("port"));
  EXPECT_FALSE(reader.has("detector.dead_after"));
  const auto read = reader.finish();
  EXPECT_TRUE(read.has_value()) << read.error().what;
}

TEST(Reader, AFaultNamesFileLineAndKey) {
  struct Case {
    const char* text;
    const char* fault;
  };
  const Case cases[] = {
      {"\n\n[detector]\nsuspect_after = \"30\"",
       "agent.toml:4: 'detector.suspect_after': '30' is not a duration such as \"250ms\", \"30s\", "
       "\"5min\", \"2h\" or \"7d\""},
      {"detector.suspect_after = 30",
       "agent.toml:1: 'detector.suspect_after': '30' is not a duration such as \"250ms\", \"30s\", "
       "\"5min\", \"2h\" or \"7d\", in quotes"},
      {"name = 5", "agent.toml:1: 'name': must be text in quotes"},
      {"name = [1]", "agent.toml:1: 'name': must be text in quotes"},
      {"port = 0", "agent.toml:1: 'port': 0 is not a whole number from 1 to 65535"},
      {"port = \"80\"", "agent.toml:1: 'port': must be a whole number from 1 to 65535"},
      {"port = 1.5", "agent.toml:1: 'port': must be a whole number from 1 to 65535"},
      {"json = 1", "agent.toml:1: 'json': must be true or false"},
      {"chunk_max = \"5MB\"",
       "agent.toml:1: 'chunk_max': '5MB' is not a size such as \"512B\", \"64MiB\" or \"2GiB\""},
      {"fill_limit = \"0.9\"",
       "agent.toml:1: 'fill_limit': '0.9' is not a share from \"0%\" to \"100%\""},
      {"racks = \"r1\"", "agent.toml:1: 'racks': must be a list of texts such as [\"a\", \"b\"]"},
      {"racks = [1]", "agent.toml:1: 'racks': must be a list of texts such as [\"a\", \"b\"]"},
      {"labels.disk = 1", "agent.toml:1: 'labels.disk': must be text in quotes"},
      {"\nprot = 1", "agent.toml:2: 'prot': unknown key; did you mean 'port'?"},
      {"[detektor]\nsuspect_after = \"1s\"",
       "agent.toml:2: 'detektor.suspect_after': unknown key; did you mean "
       "'detector.suspect_after'?"},
      {"[nothing_like_it]", "agent.toml:1: 'nothing_like_it': unknown key"},
  };
  for (const auto& [text, fault] : cases) EXPECT_EQ(faults_of(text), fault) << text;
}

TEST(Reader, AddressesAreChecked) {
  for (const char* good :
       {"tcp://*:*", "tcp://10.0.0.7:7401", "tcp://[::1]:80", "ipc:///run/x", "inproc://a"}) {
    EXPECT_EQ(faults_of("events = \"" + std::string(good) + "\""), "") << good;
  }
  for (const char* bad :
       {"", "10.0.0.7:1", "tcp://", "tcp://host", "tcp://host:", "tcp://:1", "tcp://host:65536",
        "tcp://host:-1", "tcp://ho st:1", "udp://h:1", "ipc://", "tcp://a:b:1"}) {
    EXPECT_NE(faults_of("events = \"" + std::string(bad) + "\""), "") << bad;
  }
  for (const char* good : {"0.0.0.0:0", "localhost:80", "[::]:1"}) {
    EXPECT_EQ(faults_of("listen = \"" + std::string(good) + "\""), "") << good;
  }
  for (const char* bad : {"", "80", ":80", "h:*", "h:99999", "::1:80", "tcp://h:1"}) {
    EXPECT_NE(faults_of("listen = \"" + std::string(bad) + "\""), "") << bad;
  }
}

TEST(Reader, TellsOfAllFaultsAtOnce) {
  EXPECT_EQ(faults_of("port = 0\njson = 2\nx = 1"),
            "agent.toml:1: 'port': 0 is not a whole number from 1 to 65535\n"
            "agent.toml:2: 'json': must be true or false\n"
            "agent.toml:3: 'x': unknown key");
}

TEST(Reader, ATableOfNothingIsNoFault) {
  EXPECT_EQ(faults_of("[detector]\n[labels]"), "");
}

TEST(Reader, NamesWhatIsMissing) {
  Reader reader = Reader::of_text("agent.toml", "");
  reader.string("name");
  reader.integer("port", kPorts);
  reader.duration("wait");
  const auto read = reader.finish();
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().what,
            "agent.toml: 'name': missing, and there is no default\n"
            "agent.toml: 'port': missing, and there is no default\n"
            "agent.toml: 'wait': missing, and there is no default");
}

TEST(Reader, TheCommandLineWinsAndItsFaultsNameIt) {
  const Reader::Overrides overrides{"port=80", "name=5", "json=true", "racks=a,b",
                                    "detector.suspect_after=9s"};
  Reader reader = Reader::of_text("agent.toml", "port = 70\nname = \"n\"", overrides);
  EXPECT_EQ(reader.integer("port", kPorts), 80);
  EXPECT_EQ(reader.string("name"), "5");
  EXPECT_TRUE(reader.boolean("json", false));
  EXPECT_EQ(reader.strings("racks", {}), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(reader.duration("detector.suspect_after"), Duration(9000));
  EXPECT_TRUE(reader.finish().has_value());

  EXPECT_EQ(faults_of("", {"port=x"}), "--set port: must be a whole number from 1 to 65535");
  EXPECT_EQ(faults_of("", {"prot=1"}), "--set prot: unknown key; did you mean 'port'?");
  EXPECT_EQ(faults_of("", {"port"}), "--set port: not of the form key=value");
  EXPECT_EQ(faults_of("", {"=1"}), "--set =1: not of the form key=value");
}

TEST(Reader, ACallersOwnFaultIsPutToTheLine) {
  Reader reader = Reader::of_text("agent.toml", "\nport = 70");
  reader.integer("port", kPorts);
  reader.fault("port", "must differ from the other");
  EXPECT_EQ(reader.finish().error().what, "agent.toml:2: 'port': must differ from the other");
}

TEST(Reader, AFileThatIsNoTomlIsOneFault) {
  const std::string fault = faults_of("port = \n");
  EXPECT_EQ(fault.rfind("agent.toml:1: ", 0), 0u) << fault;
  EXPECT_EQ(fault.find('\n'), std::string::npos) << fault;
}

TEST(Reader, AFileThatCannotBeReadIsOneFault) {
  for (const std::string& path : {std::string("/nonexistent/agent.toml"), testing::TempDir()}) {
    Reader reader{std::filesystem::path(path)};
    reader.string("name");
    EXPECT_EQ(reader.finish().error().what, path + ": cannot be read");
  }
}

TEST(Reader, ReadsFiles) {
  const auto path = std::filesystem::path(testing::TempDir()) / "evenkeel_reader_test.toml";
  std::ofstream(path) << "name = \"a\"\nbad = 1\n";
  Reader reader(path);
  EXPECT_EQ(reader.string("name"), "a");
  EXPECT_EQ(reader.finish().error().what, path.string() + ":2: 'bad': unknown key");
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace evenkeel
