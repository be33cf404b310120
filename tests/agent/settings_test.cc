#include "services/agent/settings.h"

#include <gtest/gtest.h>

#include "common/model/text.h"

namespace evenkeel::agent {
namespace {

const config::Reader::Overrides kLeast{"server=7", "data_dir=/tmp/x"};

Result<Settings> read(const std::string& text, config::Reader::Overrides overrides = kLeast) {
  auto reader = config::Reader::of_text("agent.toml", text, overrides);
  return read_settings(reader);
}

TEST(Settings, TheDeployedFileHoldsTheDefaults) {
  config::Reader reader(std::filesystem::path(DEPLOY_FILE));
  const auto settings = read_settings(reader);
  ASSERT_TRUE(settings) << settings.error().what;
  const auto least = read("");
  ASSERT_TRUE(least) << least.error().what;
  EXPECT_EQ(settings->cluster, least->cluster);
  EXPECT_EQ(settings->data_port.listen, least->data_port.listen);
  EXPECT_EQ(settings->server, ServerId(1));
}

TEST(Settings, RefusesByKey) {
  const struct {
    const char* text;
    const char* key;
  } cases[] = {
      {"cluster = \"A\"", "cluster"},
      {"location = \"a//b\"", "location"},
      {"capacity = \"5\"", "capacity"},
      {"capacity = \"1MiB\"\nreserve = \"2MiB\"", "reserve"},
      {"listen = \"0.0.0.0:7420\"", "advertise"},
      {"copies_in = 0", "copies_in"},
      {"copy_memory = \"1MiB\"", "copy_memory"},
      {"heartbeat_interval = \"1\"", "heartbeat_interval"},
      {"presence_fresh = \"5min\"", "presence_fresh"},
      {"rescan_interval = \"10ms\"", "rescan_interval"},
      {"log_level = \"loud\"", "log_level"},
      {"lisen = \"127.0.0.1:1\"", "lisen"},
  };
  for (const auto& c : cases) {
    const auto settings = read(c.text);
    ASSERT_FALSE(settings) << c.text;
    EXPECT_NE(settings.error().what.find(c.key), std::string::npos) << settings.error().what;
  }
  EXPECT_NE(read("[labels]\nDisk = \"ssd\"").error().what.find("Disk"), std::string::npos);
  EXPECT_NE(read("[labels]\ndisk = \"\"").error().what.find("disk"), std::string::npos);
  EXPECT_FALSE(read("", {"server=0", "data_dir=/tmp/x"}));
  EXPECT_FALSE(read("", {"server=1"}));
}

TEST(Settings, LabelsAreATableOfTheirOwn) {
  const auto settings = read("[labels]\ntier = \"hot\"\ndisk = \"ssd\"\n");
  ASSERT_TRUE(settings) << settings.error().what;
  EXPECT_EQ(settings->labels, (Labels{{"disk", "ssd"}, {"tier", "hot"}}));
  const auto least = read("", {"server=1", "data_dir=/tmp/x", "labels.disk=hdd"});
  ASSERT_TRUE(least) << least.error().what;
  EXPECT_EQ(least->labels, (Labels{{"disk", "hdd"}}));
}

TEST(Settings, WithoutALocationAnAgentIsAtItsHostAlone) {
  const auto settings = read("");
  ASSERT_TRUE(settings) << settings.error().what;
  EXPECT_TRUE(is_location(settings->location));
  EXPECT_EQ(settings->location.find('/'), std::string::npos);
}

}  // namespace
}  // namespace evenkeel::agent
