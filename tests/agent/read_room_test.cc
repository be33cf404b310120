#include "services/agent/io/read_room.h"

#include <gtest/gtest.h>

#include <vector>

namespace evenkeel::agent {
namespace {

TEST(ReadRoom, LetsInWhatFitsAndOneThatNeverWould) {
  const auto room = std::make_shared<ReadRoom>();
  auto huge = ReadRoom::take(room, 2 * ReadRoom::kBytesMax, [] {});
  ASSERT_TRUE(huge);
  EXPECT_FALSE(ReadRoom::take(room, 1, [] {}));
  huge.reset();
  const auto half = ReadRoom::take(room, ReadRoom::kBytesMax / 2, [] {});
  const auto rest = ReadRoom::take(room, ReadRoom::kBytesMax / 2, [] {});
  EXPECT_TRUE(half && rest);
  EXPECT_FALSE(ReadRoom::take(room, 1, [] {}));
}

TEST(ReadRoom, WhoeverWaitsIsCalledInOrderAndMayWaitAgain) {
  const auto room = std::make_shared<ReadRoom>();
  std::vector<int> called;
  std::vector<std::shared_ptr<ReadRoom::Share>> held;
  const std::function<void(int)> try_again = [&](int who) {
    called.push_back(who);
    auto share = ReadRoom::take(room, ReadRoom::kBytesMax, [&, who] { try_again(who); });
    if (share) held.push_back(std::move(share));
  };
  for (const int who : {1, 2, 3}) try_again(who);
  EXPECT_EQ(held.size(), 1U);
  called.clear();
  std::exchange(held, {}).clear();
  EXPECT_EQ(called, std::vector<int>({2})) << "there was no room left to call the third for";
  std::exchange(held, {}).clear();
  EXPECT_EQ(called, (std::vector<int>{2, 3}));
  held.clear();
  EXPECT_EQ(room->taken(), 0U);
}

}  // namespace
}  // namespace evenkeel::agent
