#include "common/base/data_dir.h"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

namespace evenkeel {
namespace {

class DataDirTest : public testing::Test {
 protected:
  DataDirTest() {
    std::string made = testing::TempDir() + "data_dir_XXXXXX";
    dir_ = ::mkdtemp(made.data());
  }
  ~DataDirTest() override { std::filesystem::remove_all(dir_); }

  std::filesystem::path dir_;
};

TEST_F(DataDirTest, IsHeldByOneAtATime) {
  {
    const auto first = DataDir::hold(dir_, "keeper");
    ASSERT_TRUE(first.has_value());
    const auto second = DataDir::hold(dir_, "keeper");
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().code, ErrorCode::kBusy);
    EXPECT_NE(second.error().what.find("in use by another keeper"), std::string::npos);
  }
  EXPECT_TRUE(DataDir::hold(dir_, "keeper").has_value()) << "given back at the end";
}

TEST_F(DataDirTest, StaysHeldWhenItIsMoved) {
  auto first = DataDir::hold(dir_, "keeper");
  ASSERT_TRUE(first.has_value());
  const DataDir moved = std::move(*first);
  EXPECT_FALSE(DataDir::hold(dir_, "keeper").has_value());
}

TEST_F(DataDirTest, IsMadeWhenItIsNotThere) {
  const auto held = DataDir::hold(dir_ / "a" / "b", "keeper");
  ASSERT_TRUE(held.has_value());
  EXPECT_EQ(held->path(), dir_ / "a" / "b");
  EXPECT_TRUE(std::filesystem::is_directory(dir_ / "a" / "b"));
}

TEST_F(DataDirTest, ThatCannotBeMadeIsDenied) {
  std::ofstream(dir_ / "file") << "not a folder";
  const auto held = DataDir::hold(dir_ / "file" / "below", "keeper");
  ASSERT_FALSE(held.has_value());
  EXPECT_EQ(held.error().code, ErrorCode::kDenied);
}

}  // namespace
}  // namespace evenkeel
