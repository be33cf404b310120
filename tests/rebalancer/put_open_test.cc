#include <filesystem>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "common/base/system_clock.h"
#include "services/rebalancer/rebalancer.h"

namespace evenkeel {
namespace {

namespace fs = std::filesystem;

/// A rebalancer without any server: files can be opened, and nothing can be placed.
class PutOpenTest : public testing::Test {
 protected:
  ~PutOpenTest() override { fs::remove_all(folder_); }

  PutOpened open(const std::string& name, std::uint64_t size, int goal = 0) {
    std::optional<Answer> answer;
    const Asked asked{PutOpen{name, goal, Bytes(size)}, [&](Answer made) { answer = made; }};
    rebalancer_.handle({}, {&asked, 1});
    EXPECT_TRUE(answer && std::holds_alternative<PutOpened>(*answer));
    return std::get<PutOpened>(*answer);
  }

  const fs::path folder_ =
      fs::temp_directory_path() / ("evenkeel-put-open-" + std::to_string(getpid()));
  const SystemClock clock_;
  Store store_{(fs::create_directories(folder_), folder_ / "rebalancer.db"),
               fs::path(EVENKEEL_SCHEMA_DIR) / "rebalancer", "test"};
  Rebalancer rebalancer_{store_, clock_, Limits{}};
};

TEST_F(PutOpenTest, TheSameRequestOnceMoreIsTheSameFile) {
  const PutOpened first = open("f", 100, 2);
  EXPECT_EQ(first.goal, 2);
  EXPECT_EQ(open("f", 100, 2).file, first.file);
  EXPECT_EQ(store_.file("f")->id, first.file);
}

TEST_F(PutOpenTest, AnotherOneBeginsTheFileAnew) {
  const PutOpened first = open("f", 100);
  EXPECT_EQ(first.goal, Limits{}.default_goal);
  EXPECT_NE(open("g", 100).file, first.file);
  const PutOpened larger = open("f", 101);
  EXPECT_NE(larger.file, first.file);
  const PutOpened safer = open("f", 101, 5);
  EXPECT_NE(safer.file, larger.file);
  EXPECT_EQ(safer.goal, 5);
  EXPECT_EQ(store_.file("f")->id, safer.file);
}

}  // namespace
}  // namespace evenkeel
