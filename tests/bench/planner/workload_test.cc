#include "tests/bench/planner/workload.h"

#include <fstream>
#include <functional>
#include <iterator>
#include <map>

#include <gtest/gtest.h>
#include <unistd.h>

#include "common/checksum/checksum.h"
#include "tests/bench/planner/generate.h"

namespace evenkeel::workload {
namespace {

namespace fs = std::filesystem;

/// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "planner.XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void put(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string sum_of(const fs::path& path) {
  const std::string bytes = content(path);
  ChunkHasher hasher;
  hasher.update({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  return to_string(chunk_checksum(hasher.finish()));
}

Workload twentieth(const std::string& name) {
  const auto specs = read_specs(EVENKEEL_WORKLOADS);
  EXPECT_TRUE(specs.has_value()) << specs.error().what;
  return *generate(*scaled(*find_spec(*specs, name), 20));
}

// --- the generator ------------------------------------------------------------------------------

struct Generated {
  const char* name;
  const char* servers;  // checksums of the files at a twentieth, made by another implementation
  const char* chunks;
  const char* meta;
};

const Generated kGenerated[] = {
    {"W1", "6a29042001f523790c9289172d992083", "a7afb77774f935662f9afca52796dead", "repair"},
    {"W2", "df5423dec84112b57fd0e98dd9f43acd", "9ab627cac32cf810ebde5d61f7192096", "repair"},
    {"W3", "1f33b166bf5eb0f8644ec25a90c74f7c", "f03b2ed153d4f68434f082191ed799ef", "rebalance"},
    {"W4", "6316a695a068be13dfe495326d302203", "aad4d872ed617f6ddb07e929260bad98", "rebalance"},
    {"W5", "67ed4cbc7004fe784734dd6a892c135f", "02193c0dfeec60c5b3e9e69423b24387", "drain"},
    {"W7a", "991bf6950473c6d151ff894caa1b953b", "50e9edb092cffb4e875ccf60da9617b4", "repair"},
    {"W7b", "fec881f63854a05c54b633a1daa0acfb", "367c7068997bd4cc4e70dce12a62ecc5", "rebalance"},
    {"W8a", "a00260c63d5627820a0bda8a150b2867", "2782139ed0d8c61fc74031a13ec48f6f", "repair"}};

TEST(Generate, GivesTheSameBytesAsAnotherImplementation) {
  for (const Generated& expected : kGenerated) {
    SCOPED_TRACE(expected.name);
    const Folder folder;
    save(twentieth(expected.name), folder.path());
    EXPECT_EQ(sum_of(folder.path() / "servers.csv"), expected.servers);
    EXPECT_EQ(sum_of(folder.path() / "chunks.bin"), expected.chunks);
    EXPECT_EQ(content(folder.path() / "meta.txt"), std::string("name=") + expected.name + " task=" +
                                                       expected.meta + " limit=0.95 r=3\n");
  }
}

TEST(Generate, SaysThatThereAreTooFewRacks) {
  const auto specs = read_specs(EVENKEEL_WORKLOADS);
  Spec spec = *scaled(*find_spec(*specs, "W1"), 20);
  spec.rack_size = 3;  // five servers in two racks
  const auto workload = generate(spec);
  ASSERT_FALSE(workload.has_value());
  EXPECT_EQ(workload.error().what, "W1: too few racks for 3 replicas: none found for chunk 0");
}

// --- the specification --------------------------------------------------------------------------

const std::map<std::string, std::string> kSound = {
    {"name", "X"},     {"servers", "10"},      {"rack_size", "2"}, {"racks_per_zone", "2"},
    {"new", "1"},      {"new_rack_size", "1"}, {"chunks", "100"},  {"r", "3"},
    {"size", "fixed"}, {"chunk_kib", "64"},    {"sigma", "0"},     {"fill", "0.5"},
    {"caps", "2:1"},   {"spread", "0"},        {"key", "bytes"},   {"down", "1,3-5"},
    {"drain", ""},     {"limit", "0.90"},      {"seed", "1"},      {"task", "drain"}};

std::string line_of(const std::map<std::string, std::string>& keys) {
  std::string line;
  for (const auto& [key, value] : keys) line += key + "=" + value + " ";
  return line + "\n";
}

TEST(Specs, AreReadAsTheyStand) {
  const auto specs = parse_specs("w.txt", "# none\n\n" + line_of(kSound));
  ASSERT_TRUE(specs.has_value()) << specs.error().what;
  ASSERT_EQ(specs->size(), 1U);
  const Spec& spec = specs->front();
  EXPECT_EQ(spec.capacity_classes, (std::vector<std::uint32_t>{2, 1}));
  EXPECT_EQ(spec.down, (std::set<ServerIndex>{1, 3, 4, 5}));
  EXPECT_TRUE(spec.draining.empty());
  EXPECT_EQ(spec.limit.value, 0.9);
  EXPECT_EQ(spec.limit.text, "0.90");
  EXPECT_EQ(spec.task, Task::kDrain);
}

TEST(Specs, TellTheFaultWithFileLineAndKey) {
  struct Case {
    const char* key;
    const char* value;
    const char* what;
  };
  const Case cases[] = {
      {"name", "", "is empty"},
      {"servers", "0", "'0' is not a number from 1 to 4294967295"},
      {"servers", "ten", "'ten' is not a number from 1 to 4294967295"},
      {"rack_size", "-1", "'-1' is not a number from 1 to 4294967295"},
      {"chunks", "5000000000", "'5000000000' is not a number from 1 to 4294967295"},
      {"r", "17", "'17' is not a number from 1 to 16"},
      {"size", "normal", "'normal' is none of fixed, lognormal"},
      {"fill", "1.5", "'1.5' is not a number from 0.001 to 1"},
      {"fill", "nan", "'nan' is not a number from 0.001 to 1"},
      {"spread", "1", "'1' is not a number from 0 to 0.99"},
      {"caps", "4::1", "'4::1' is not a list of capacities such as 4:2:1"},
      {"caps", "0", "'0' is not a list of capacities such as 4:2:1"},
      {"key", "size", "'size' is none of bytes, count"},
      {"down", "5-3", "'5-3' is not a list of servers such as 3,17 or 140-159"},
      {"down", "1,,2", "'1,,2' is not a list of servers such as 3,17 or 140-159"},
      {"down", "10", "there is no server 10"},
      {"drain", "4", "server 4 is down"},
      {"limit", "0", "'0' is not a number from 0.001 to 1"},
      {"seed", "", "is empty"},
      {"task", "spread", "'spread' is none of repair, drain, rebalance"},
      {"colour", "red", "unknown key"},
  };
  for (const Case& each : cases) {
    auto keys = kSound;
    keys[each.key] = each.value;
    if (each.key == std::string("servers")) keys["down"] = "";  // of which there would be none
    const auto specs = parse_specs("w.txt", "# first\n" + line_of(keys));
    ASSERT_FALSE(specs.has_value()) << each.key;
    EXPECT_EQ(specs.error().what, std::string("w.txt:2: '") + each.key + "': " + each.what);
  }
}

TEST(Specs, TellOfEveryMissingKeyOnce) {
  for (const auto& [key, value] : kSound) {
    auto keys = kSound;
    keys.erase(key);
    if (key == "servers") keys["down"] = "";
    const auto specs = parse_specs("w.txt", line_of(keys));
    ASSERT_FALSE(specs.has_value()) << key;
    EXPECT_EQ(specs.error().what, "w.txt:1: '" + key + "': is missing");
  }
}

TEST(Specs, TellOfAllFaultsAtOnce) {
  const std::string sound = line_of(kSound);
  const auto specs = parse_specs("w.txt", sound + "loose r=2 " + sound);
  ASSERT_FALSE(specs.has_value());
  EXPECT_EQ(specs.error().what,
            "w.txt:2: 'loose': is not key=value\n"
            "w.txt:2: 'r': is given twice\n"
            "w.txt:2: 'name': 'X' is there already");
}

TEST(Specs, AreNotFound) {
  EXPECT_EQ(read_specs("/nowhere/w.txt").error().what, "/nowhere/w.txt: cannot be read");
  const auto specs = parse_specs("w.txt", line_of(kSound));
  EXPECT_EQ(find_spec(*specs, "Y").error().what, "no workload 'Y'; there are: X");
  EXPECT_EQ(scaled(specs->front(), 11).error().what, "X: scale 11 leaves no servers or no chunks");
  EXPECT_EQ(scaled(specs->front(), 0).error().what, "X: scale 0 leaves no servers or no chunks");
}

// --- the files ----------------------------------------------------------------------------------

TEST(Files, GiveBackWhatWasSaved) {
  const Folder folder;
  const Workload saved = twentieth("W8a");
  save(saved, folder.path() / "made" / "anew");
  const auto loaded = load(folder.path() / "made" / "anew");
  ASSERT_TRUE(loaded.has_value()) << loaded.error().what;
  EXPECT_EQ(loaded->name, "W8a");
  EXPECT_EQ(loaded->task, saved.task);
  EXPECT_EQ(loaded->limit.text, saved.limit.text);
  EXPECT_EQ(loaded->servers, saved.servers);
  EXPECT_EQ(loaded->size_kib, saved.size_kib);
  EXPECT_EQ(loaded->holders, saved.holders);
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, text.npos) << what;
  return text.replace(at, what.size(), with);
}

/// `value` at `offset`, little-endian.
std::string patched(std::string bytes, std::size_t offset, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) bytes[offset + i] = static_cast<char>(value >> (8 * i));
  return bytes;
}

TEST(Files, ThatAreDamagedAreToldOf) {
  struct Case {
    const char* file;
    std::function<std::string(std::string)> damage;
    const char* what;  // after the file's name
  };
  using Text = std::string;
  const Case cases[] = {
      {"meta.txt", [](Text t) { return replaced(t, "repair", "mend"); },
       ":1: 'task': 'mend' is none of repair, drain, rebalance"},
      {"meta.txt", [](Text t) { return replaced(t, " limit=0.95", ""); },
       ":1: 'limit': is missing"},
      {"meta.txt", [](Text t) { return replaced(t, "r=3", "r=3 k=1"); }, ":1: 'k': unknown key"},
      {"servers.csv", [](Text t) { return replaced(t, "id,zone", "zone,id"); },
       ": does not begin with id,zone,rack,host,capacity_bytes,used_bytes,state"},
      {"servers.csv", [](Text t) { return t + "7,z0,r0,h7,1024,0,up\n"; },
       ":7: '7,z0,r0,h7,1024,0,up' is not a row for server 5"},
      {"servers.csv", [](Text t) { return t + "5,z0,r0,h5,1024,0,tired\n"; },
       ":7: '5,z0,r0,h5,1024,0,tired' is not a row for server 5"},
      {"servers.csv", [](Text t) { return t + "5,z0,0,h5,1024,0,up\n"; },
       ":7: '5,z0,0,h5,1024,0,up' is not a row for server 5"},
      {"servers.csv", [](Text t) { return t + "5,z0,r0,h5,0,0,up\n"; },
       ":7: '5,z0,r0,h5,0,0,up' is not a row for server 5"},
      {"servers.csv", [](Text t) { return t.substr(0, t.find('\n') + 1); },
       ": no server is usable"},
      {"chunks.bin", [](Text t) { return t.substr(0, 23); }, ": too short for its header"},
      {"chunks.bin", [](Text t) { return replaced(t, "GCHUNK1", "GCHUNK2"); },
       ": does not begin with GCHUNK1"},
      {"chunks.bin", [](Text t) { return patched(t, 20, 6); }, ": 6 servers, but 5 in servers.csv"},
      {"chunks.bin", [](Text t) { return patched(t, 16, 2); },
       ": 2 replicas a chunk, but 3 in meta.txt"},
      {"chunks.bin", [](Text t) { return t.substr(0, t.size() - 1); },
       ": too short for 5000 chunks"},
      {"chunks.bin", [](Text t) { return patched(t, 8, 5001); }, ": too short for 5001 chunks"},
      {"chunks.bin", [](Text t) { return patched(t, 12, 1U << 31); },
       ": too short for 9223372036854780808 chunks"},
      {"chunks.bin", [](Text t) { return patched(t, 8, 0); }, ": too short for 0 chunks"},
      {"chunks.bin", [](Text t) { return t + "x"; }, ": longer than its 5000 chunks"},
      {"chunks.bin", [](Text t) { return patched(t, t.size() - 4, 5); },
       ": chunk 4999 is on server 5 of 5"},
  };
  const Folder folder;
  const Workload sound = twentieth("W1");
  for (const Case& each : cases) {
    save(sound, folder.path());
    const fs::path path = folder.path() / each.file;
    put(path, each.damage(content(path)));
    const auto loaded = load(folder.path());
    ASSERT_FALSE(loaded.has_value()) << each.what;
    EXPECT_EQ(loaded.error().what, path.string() + each.what);
    EXPECT_EQ(loaded.error().code, ErrorCode::kMalformed);
  }
}

TEST(Files, MustAgreeOnWhatIsUsed) {
  const Folder folder;
  Workload workload = twentieth("W1");
  workload.servers[2].used += 1_KiB;
  save(workload, folder.path());
  const auto loaded = load(folder.path());
  ASSERT_FALSE(loaded.has_value());
  EXPECT_NE(loaded.error().what.find("servers.csv: server 2 is said to use "), std::string::npos);
}

TEST(Files, ThatAreMissingAreNamed) {
  for (const char* file : {"meta.txt", "servers.csv", "chunks.bin"}) {
    const Folder folder;
    save(twentieth("W1"), folder.path());
    fs::remove(folder.path() / file);
    const auto loaded = load(folder.path());
    ASSERT_FALSE(loaded.has_value());
    EXPECT_EQ(loaded.error().code, ErrorCode::kNotFound);
    EXPECT_EQ(loaded.error().what, (folder.path() / file).string() + ": cannot be read");
  }
}

TEST(Files, CannotBeWrittenWhereNoneMayBe) {
  const Folder folder;
  put(folder.path() / "file", "");
  EXPECT_ANY_THROW(save(twentieth("W1"), folder.path() / "file"));
}

}  // namespace
}  // namespace evenkeel::workload
