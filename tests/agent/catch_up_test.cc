#include "services/agent/core/catch_up.h"

#include <gtest/gtest.h>

namespace evenkeel::agent {
namespace {

const Instant kStart{};
Instant at(std::int64_t ms) {
  return kStart + Duration(ms);
}

/// Has asked at the start and been told that there is nothing.
CatchUp settled() {
  CatchUp c(kStart);
  EXPECT_TRUE(c.question(kStart));
  c.answered(std::nullopt, std::nullopt, false, kStart);
  return c;
}

TEST(CatchUp, AsksAtTheStart) {
  CatchUp c(kStart);
  const auto question = c.question(kStart);
  ASSERT_TRUE(question);
  EXPECT_EQ(question->after, std::nullopt);
  EXPECT_FALSE(c.question(at(500))) << "an answer is on its way";
  EXPECT_TRUE(c.question(at(1'000))) << "or was lost";
}

TEST(CatchUp, AsksWhenSomethingIsMissing) {
  auto c = settled();
  c.heard_beacon(at(1'500));
  EXPECT_FALSE(c.question(at(1'500)));
  c.heard_of(CommandId(7), true);
  EXPECT_FALSE(c.question(at(2'000)));
  c.heard_of(CommandId(9), false);
  EXPECT_TRUE(c.question(at(2'000)));
}

TEST(CatchUp, DoesNotAskForWhatIsClosed) {
  auto c = settled();
  c.heard_beacon(at(2'000));
  c.heard_of(CommandId(9), false);
  EXPECT_TRUE(c.question(at(2'000)));
  c.answered(std::nullopt, std::nullopt, false, at(2'000));
  for (std::int64_t ms = 3'000; ms < 60'000; ms += 1'000) {
    c.heard_beacon(at(ms));
    c.heard_of(CommandId(9), false);
    EXPECT_FALSE(c.question(at(ms))) << ms;
  }
}

TEST(CatchUp, AsksOnWhileThereIsMore) {
  CatchUp c(kStart);
  c.question(kStart);
  EXPECT_FALSE(c.answered(std::nullopt, CommandId(40), true, kStart));
  const auto next = c.question(kStart);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->after, CommandId(40));
  EXPECT_TRUE(c.answered(CommandId(40), CommandId(55), false, kStart));
  c.heard_beacon(at(5'000));
  EXPECT_FALSE(c.question(at(5'000)));
}

TEST(CatchUp, AnAnswerToAnEarlierQuestionEndsNothing) {
  CatchUp c(kStart);
  c.question(kStart);
  c.answered(std::nullopt, CommandId(40), true, kStart);
  c.want();  // a new epoch, while the second question was under way
  EXPECT_FALSE(c.answered(CommandId(40), std::nullopt, false, kStart));
  ASSERT_TRUE(c.question(kStart));
  EXPECT_TRUE(c.answered(std::nullopt, CommandId(55), false, kStart));
}

TEST(CatchUp, AsksInSilenceLessAndLessOften) {
  auto c = settled();
  int asked = 0;
  for (std::int64_t ms = 0; ms < 120'000; ms += 100) asked += c.question(at(ms)).has_value();
  EXPECT_GE(asked, 5);
  EXPECT_LE(asked, 9);
}

}  // namespace
}  // namespace evenkeel::agent
