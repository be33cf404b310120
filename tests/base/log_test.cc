#include "common/log/log.h"

#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include <gtest/gtest.h>

#include "common/base/strong_id.h"

namespace evenkeel {
namespace {

struct BoxTag {
  static constexpr char prefix = 'b';
};

TEST(Log, NamesWhatHappenedAndItsFields) {
  const log::Capture capture;
  log::info("commit", {{"events", 3}, {"took_ms", 4u}, {"full", false}, {"share", 0.5}});
  log::warn("gone", {{"box", StrongId<BoxTag>(7)}, {"why", std::string("timeout")}});
  EXPECT_EQ(capture.lines(),
            (std::vector<std::string>{"info commit events=3 took_ms=4 full=false share=0.5",
                                      "warn gone box=b7 why=timeout"}));
}

TEST(Log, AValueCannotPassForAnotherFieldOrLine) {
  const auto line = [](std::string_view value) {
    return log::text_line(log::Level::kInfo, "svc", "x", {{"v", value}});
  };
  EXPECT_EQ(line("a=1"), "info svc x v=\"a=1\"");
  EXPECT_EQ(line("a b"), "info svc x v=\"a b\"");
  EXPECT_EQ(line(""), "info svc x v=\"\"");
  EXPECT_EQ(line("a\nerror svc y"), "info svc x v=\"a\\nerror svc y\"");
  EXPECT_EQ(line("\x1b[2J"), "info svc x v=\"\\u001b[2J\"");
  EXPECT_EQ(line("q\"\\"), "info svc x v=\"q\\\"\\\\\"");
}

TEST(Log, JsonIsValidWhateverTheValuesHold) {
  const double infinite = std::numeric_limits<double>::infinity();
  EXPECT_EQ(
      log::json_line("T", log::Level::kError, "svc", "x",
                     {{"text", "a\"b\tü\xff\xc0\x80"}, {"n", -1}, {"t", true}, {"inf", infinite}}),
      "{\"time\":\"T\",\"level\":\"error\",\"service\":\"svc\",\"event\":\"x\","
      "\"text\":\"a\\\"b\\u0009ü\\ufffd\\ufffd\\ufffd\",\"n\":-1,\"t\":true,"
      "\"inf\":\"inf\"}");
}

TEST(Log, WritesToTheFileFromItsLevelUp) {
  const auto path = std::filesystem::path(testing::TempDir()) / "evenkeel_log_test.log";
  std::filesystem::remove(path);
  log::init("svc", {.level = log::Level::kWarn, .file = path});
  log::info("unseen");
  log::error("seen", {{"n", 1}});
  log::init("-", {});
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_EQ(text.str().find("unseen"), std::string::npos);
  EXPECT_NE(text.str().find("Z error svc seen n=1\n"), std::string::npos) << text.str();
  std::filesystem::remove(path);
}

TEST(Log, LevelsHaveNames) {
  EXPECT_EQ(log::parse_level("warn"), log::Level::kWarn);
  EXPECT_EQ(log::parse_level("WARN"), std::nullopt);
}

}  // namespace
}  // namespace evenkeel
