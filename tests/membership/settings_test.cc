#include "services/membership/settings.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_dir.h"

namespace evenkeel::membership {
namespace {

using namespace std::chrono_literals;
using Words = config::Reader::Overrides;

Result<Settings> read(const Words& words) {
  auto reader = config::Reader::of_text("settings", "", words);
  return read_settings(reader);
}

Result<Settings> read_file(const std::filesystem::path& file, const Words& words = {}) {
  config::Reader reader(file, words);
  return read_settings(reader);
}

TEST(Settings, DefaultsNeedOnlyAPlace) {
  const auto settings = read({"data_dir=/x"});
  ASSERT_TRUE(settings.has_value()) << settings.error().what;
  EXPECT_EQ(settings->data_dir, "/x");
  const Options& options = settings->options;
  EXPECT_EQ(options.cluster, "evenkeel");
  EXPECT_EQ(options.events_endpoint, "tcp://127.0.0.1:7401");
  EXPECT_EQ(options.requests_endpoint, "tcp://127.0.0.1:7402");
  EXPECT_EQ(options.patience.suspect_after, 3s);
  EXPECT_EQ(options.patience.dead_after, 30s);
  EXPECT_EQ(options.judge_interval, 250ms);
  EXPECT_EQ(options.beacon_interval, 1s);
  EXPECT_EQ(settings->log.level, log::Level::kInfo);
  EXPECT_EQ(settings->log.format, log::Format::kText);
}

TEST(Settings, TheCommandLineWinsOverTheFile) {
  const TempDir dir;
  const auto file = dir.path() / "membership.toml";
  std::ofstream(file) << "data_dir = '/x'\nsuspect_after = '5s'\nlog_json = true\n";
  const auto settings = read_file(file, {"suspect_after=7s", "log_level=debug"});
  ASSERT_TRUE(settings.has_value()) << settings.error().what;
  EXPECT_EQ(settings->options.patience.suspect_after, 7s);
  EXPECT_EQ(settings->log.format, log::Format::kJson);
  EXPECT_EQ(settings->log.level, log::Level::kDebug);
}

TEST(Settings, WhatIsWrongIsNamed) {
  struct Case {
    std::vector<std::string> given;
    const char* named;
  };
  for (const Case& c : {
           Case{{}, "data_dir"},
           Case{{"data_dir=/x", "cluster=Big"}, "cluster"},
           Case{{"data_dir=/x", "cluster=" + std::string(64, 'a')}, "cluster"},
           Case{{"data_dir=/x", "suspect_after=3"}, "suspect_after"},
           Case{{"data_dir=/x", "suspect_after=0s"}, "suspect_after"},
           Case{{"data_dir=/x", "dead_after=3s"}, "dead_after"},
           Case{{"data_dir=/x", "judge_interval=0s"}, "judge_interval"},
           Case{{"data_dir=/x", "judge_interval=4s"}, "judge_interval"},
           Case{{"data_dir=/x", "beacon_interval=0s"}, "beacon_interval"},
           Case{{"data_dir=/x", "events_endpoint=7401"}, "events_endpoint"},
           Case{{"data_dir=/x", "log_level=loud"}, "log_level"},
           Case{{"data_dir=/x", "suspect=3s"}, "suspect"},
       }) {
    const auto settings = read(c.given);
    ASSERT_FALSE(settings.has_value()) << c.named;
    EXPECT_EQ(settings.error().code, ErrorCode::kMalformed);
    EXPECT_NE(settings.error().what.find(c.named), std::string::npos) << settings.error().what;
  }
}

TEST(Settings, AFileThatIsNotThereIsAFault) {
  EXPECT_FALSE(read_file("/nowhere/membership.toml", {"data_dir=/x"}).has_value());
}

/// The documented file is read as it is, and says what the defaults are.
TEST(Settings, TheFileInDeployShowsTheDefaults) {
  std::ifstream in(DEPLOY_FILE);
  ASSERT_TRUE(in.is_open()) << DEPLOY_FILE;
  const TempDir dir;
  const auto file = dir.path() / "membership.toml";
  std::ofstream out(file);
  for (std::string line; std::getline(in, line);) {
    const bool is_key = line.starts_with("# ") && line.find(" = ") != std::string::npos;
    out << (is_key ? line.substr(2) : line) << "\n";
  }
  out.close();
  const auto shown = read_file(file);
  ASSERT_TRUE(shown.has_value()) << shown.error().what;
  const Options defaults;
  EXPECT_EQ(shown->options.cluster, defaults.cluster);
  EXPECT_EQ(shown->options.events_endpoint, defaults.events_endpoint);
  EXPECT_EQ(shown->options.requests_endpoint, defaults.requests_endpoint);
  EXPECT_EQ(shown->options.patience.suspect_after, defaults.patience.suspect_after);
  EXPECT_EQ(shown->options.patience.dead_after, defaults.patience.dead_after);
  EXPECT_EQ(shown->options.judge_interval, defaults.judge_interval);
  EXPECT_EQ(shown->options.beacon_interval, defaults.beacon_interval);
  EXPECT_TRUE(read_file(DEPLOY_FILE).has_value());
}

}  // namespace
}  // namespace evenkeel::membership
