#include "services/agent/core/command_book.h"

#include <gtest/gtest.h>

#include "tests/agent/builder.h"

namespace evenkeel::agent {
namespace {

const StorageId kOwn = storage_of('a');
const Instant kStart{};

Command verify(std::uint64_t id, StorageId storage = kOwn, Duration allowed = Duration(1'000)) {
  const ChunkContent content{ChunkId(1), ChunkVersion(1), Bytes(1), checksum_of('x')};
  return {CommandId(id), Reason::kVerify, storage, allowed, Verify{content}};
}
Command deletion(std::uint64_t id) {
  const ChunkContent content{ChunkId(1), ChunkVersion(1), Bytes(1), checksum_of('x')};
  return {CommandId(id), Reason::kTrim, kOwn, Duration(0), Delete{content}};
}
CommandResult done(std::uint64_t id) {
  return {CommandId(id), Outcome::kDone, Why::kNone, "", JournalNumber(id), {}, {}, {}};
}
CommandBook book(CommandBook::Past past = {}, CommandBook::Limits limits = {}) {
  return {kOwn, Epoch(5), std::move(past), limits};
}
std::vector<std::uint64_t> ids(const std::vector<CommandResult>& results) {
  std::vector<std::uint64_t> ids;
  for (const auto& result : results) ids.push_back(result.command.value());
  return ids;
}
using Ids = std::vector<std::uint64_t>;

TEST(CommandBook, TakesEachCommandOnce) {
  auto b = book();
  EXPECT_TRUE(std::holds_alternative<Begin>(b.receive(verify(7), Epoch(5), kStart)));
  EXPECT_TRUE(std::holds_alternative<UnderWay>(b.receive(verify(7), Epoch(5), kStart)));
  b.begin(CommandId(7));
  EXPECT_TRUE(std::holds_alternative<UnderWay>(b.receive(verify(7), Epoch(5), kStart)));
  b.finish(done(7), kStart);
  const auto again = b.receive(verify(7), Epoch(5), kStart);
  ASSERT_TRUE(std::holds_alternative<Repeat>(again));
  EXPECT_EQ(std::get<Repeat>(again).result.journal, JournalNumber(7));
  b.confirm(CommandId(7));
  EXPECT_TRUE(std::holds_alternative<Repeat>(b.receive(verify(7), Epoch(5), kStart)));
}

struct Objection {
  const char* name;
  Command command;
  Epoch epoch;
  Why why;
};
TEST(CommandBook, RefusesByName) {
  const Objection cases[] = {
      {"lower epoch", verify(1), Epoch(4), Why::kStaleEpoch},
      {"epoch not written down", verify(1), Epoch(6), Why::kStaleEpoch},
      {"another storage", verify(1, storage_of('b')), Epoch(5), Why::kWrongStorage},
      {"no time", verify(1, kOwn, Duration(0)), Epoch(5), Why::kExpired},
  };
  for (const auto& c : cases) {
    auto b = book();
    const auto receipt = b.receive(c.command, c.epoch, kStart);
    ASSERT_TRUE(std::holds_alternative<Decline>(receipt)) << c.name;
    EXPECT_EQ(std::get<Decline>(receipt).refusal.why, c.why) << c.name;
    EXPECT_TRUE(std::holds_alternative<UnderWay>(b.receive(c.command, c.epoch, kStart))) << c.name;
  }
}

TEST(CommandBook, TheFenceGoesDownWithTime) {
  auto b = book();
  b.receive(verify(1), Epoch(5), kStart);
  b.receive(deletion(2), Epoch(5), kStart);
  EXPECT_FALSE(b.fence(CommandId(1), kStart + Duration(999)));
  EXPECT_EQ(b.fence(CommandId(1), kStart + Duration(1'000))->why, Why::kExpired);
  EXPECT_FALSE(b.fence(CommandId(2), kStart + Duration(1'000'000'000))) << "a delete never expires";
}

TEST(CommandBook, AHigherEpochEndsWhatItDoesNotNameAndHasHadNoEffect) {
  auto b = book();
  for (std::uint64_t id = 1; id <= 6; ++id) b.receive(verify(id), Epoch(5), kStart);
  for (std::uint64_t id = 2; id <= 5; ++id) b.begin(CommandId(id));
  b.place(CommandId(3));
  b.finish(done(4), kStart);
  b.raise(Epoch(9));
  for (const std::uint64_t id : {1, 2, 5, 6}) {
    EXPECT_FALSE(b.endorsed(CommandId(id)));
    EXPECT_FALSE(b.fence(CommandId(id), kStart)) << "it may be named yet";
  }
  for (const std::uint64_t id : {5, 6}) {
    EXPECT_TRUE(std::holds_alternative<Endorse>(b.receive(verify(id), Epoch(9), kStart)));
    EXPECT_TRUE(std::holds_alternative<UnderWay>(b.receive(verify(id), Epoch(9), kStart)));
  }
  EXPECT_TRUE(std::holds_alternative<Repeat>(b.receive(verify(4), Epoch(9), kStart)));
  EXPECT_EQ(b.end_unendorsed(), (std::vector{CommandId(1), CommandId(2)}));
  EXPECT_TRUE(b.end_unendorsed().empty()) << "once";
  EXPECT_EQ(b.fence(CommandId(1), kStart)->why, Why::kStaleEpoch);
  EXPECT_TRUE(b.endorsed(CommandId(5)) && !b.fence(CommandId(5), kStart));
  EXPECT_TRUE(std::holds_alternative<UnderWay>(b.receive(verify(1), Epoch(9), kStart)))
      << "it is on its way to its end";
  EXPECT_EQ(b.fence(CommandId(1), kStart)->why, Why::kStaleEpoch);
}

TEST(CommandBook, WhatIsWithdrawnEndsUnlessItIsADeleteOrPastItsLastLook) {
  auto b = book();
  for (const std::uint64_t id : {1, 2, 3, 4}) b.receive(verify(id), Epoch(5), kStart);
  b.receive(deletion(5), Epoch(5), kStart);
  for (const std::uint64_t id : {2, 3, 4}) b.begin(CommandId(id));
  b.place(CommandId(3));
  b.finish(done(4), kStart);
  const std::vector all{CommandId(1), CommandId(2), CommandId(3),
                        CommandId(4), CommandId(5), CommandId(99)};
  EXPECT_EQ(b.withdraw(all), (std::vector{CommandId(1), CommandId(2)}));
  EXPECT_TRUE(b.withdraw(all).empty()) << "once";
  for (const std::uint64_t id : {1, 2}) {
    EXPECT_EQ(b.fence(CommandId(id), kStart)->why, Why::kCancelled);
  }
  for (const std::uint64_t id : {3, 5}) EXPECT_FALSE(b.fence(CommandId(id), kStart));
  EXPECT_EQ(b.result(CommandId(4))->outcome, Outcome::kDone);
  EXPECT_FALSE(b.knows(CommandId(99)));
  b.raise(Epoch(9));
  EXPECT_TRUE(std::holds_alternative<UnderWay>(b.receive(verify(1), Epoch(9), kStart)))
      << "it is on its way to its end";
}

TEST(CommandBook, ACommandIsNotEndorsedByAnotherOneOfItsId) {
  auto b = book();
  b.receive(verify(1), Epoch(5), kStart);
  b.raise(Epoch(9));
  Command other_chunk = verify(1);
  std::get<Verify>(other_chunk.order).content.chunk = ChunkId(2);
  for (const Command& other : {deletion(1), other_chunk, verify(1, storage_of('b'))}) {
    EXPECT_TRUE(std::holds_alternative<UnderWay>(b.receive(other, Epoch(9), kStart)));
    EXPECT_FALSE(b.endorsed(CommandId(1)));
  }
  EXPECT_TRUE(std::holds_alternative<Endorse>(b.receive(verify(1), Epoch(9), kStart)));
  EXPECT_TRUE(b.endorsed(CommandId(1)));
}

TEST(CommandBook, ACommandIsEndorsedAnewInEachEpochAndItsTimeCountsFromThen) {
  auto b = book();
  b.receive(verify(1), Epoch(5), kStart);
  for (const std::uint64_t epoch : {6, 8}) {
    b.raise(Epoch(epoch));
    EXPECT_FALSE(b.endorsed(CommandId(1)));
    b.receive(verify(1), Epoch(5), kStart);
    EXPECT_FALSE(b.endorsed(CommandId(1))) << "by a message of a lower one";
    const Instant named = kStart + Duration(500 * epoch);
    EXPECT_TRUE(std::holds_alternative<Endorse>(b.receive(verify(1), Epoch(epoch), named)));
    EXPECT_TRUE(b.endorsed(CommandId(1)));
    EXPECT_FALSE(b.fence(CommandId(1), named + Duration(999)));
    EXPECT_EQ(b.fence(CommandId(1), named + Duration(1'000))->why, Why::kExpired);
  }
}

TEST(CommandBook, SaysResultsAgainUntilConfirmed) {
  auto b = book();
  b.receive(verify(1), Epoch(5), kStart);
  b.begin(CommandId(1));
  b.finish(done(1), kStart);
  std::vector<std::int64_t> said;
  for (std::int64_t ms = 0; ms <= 100'000; ms += 500) {
    if (!b.due(kStart + Duration(ms), 10).empty()) said.push_back(ms / 1'000);
  }
  EXPECT_EQ(said, (std::vector<std::int64_t>{0, 1, 3, 7, 15, 31, 61, 91}));
  EXPECT_TRUE(b.confirm(CommandId(1)));
  EXPECT_FALSE(b.confirm(CommandId(1)));
  EXPECT_TRUE(b.due(kStart + Duration(1'000'000), 10).empty());
}

TEST(CommandBook, AConfirmedResultIsSaidOnceMoreWhenAsked) {
  auto b = book({std::nullopt, {{done(3), true}}});
  EXPECT_TRUE(b.due(kStart, 10).empty());
  b.say_again(done(3), kStart);
  EXPECT_EQ(ids(b.due(kStart, 10)), Ids{3});
  EXPECT_TRUE(b.due(kStart + Duration(60'000), 10).empty());
}

TEST(CommandBook, BelowTheWatermarkNothingIsDone) {
  auto b = book({}, {.confirmed_kept = 2});
  for (std::uint64_t id = 10; id < 14; ++id) {
    b.receive(verify(id), Epoch(5), kStart);
    b.begin(CommandId(id));
    b.finish(done(id), kStart);
    b.confirm(CommandId(id));
  }
  EXPECT_EQ(b.forget(), (std::vector{CommandId(10), CommandId(11)}));
  EXPECT_EQ(b.watermark(), CommandId(11));
  for (const std::uint64_t id : {3, 10, 11}) {
    EXPECT_TRUE(std::holds_alternative<TooOld>(b.receive(verify(id), Epoch(5), kStart))) << id;
  }
  EXPECT_TRUE(std::holds_alternative<Repeat>(b.receive(verify(12), Epoch(5), kStart)));
}

TEST(CommandBook, KnowsItsPast) {
  auto b = book({CommandId(4), {{done(5), true}, {done(9), false}}});
  EXPECT_EQ(ids(b.due(kStart, 10)), Ids{9});
  EXPECT_EQ(b.highest(), CommandId(9));
  EXPECT_TRUE(b.knows(CommandId(2)) && b.knows(CommandId(5)) && !b.knows(CommandId(8)));
  EXPECT_TRUE(std::holds_alternative<Begin>(b.receive(verify(8), Epoch(5), kStart)))
      << "a lower id may come later than a higher one";
}

/// A database that was restored must not give its id out again.
TEST(CommandBook, HasSeenADeleteThatWasCutOff) {
  auto b = book({.watermark = CommandId(4), .intended = CommandId(7)});
  EXPECT_EQ(b.highest(), CommandId(7));
  EXPECT_TRUE(std::holds_alternative<Begin>(b.receive(verify(7), Epoch(5), kStart)));
}

TEST(CommandBook, SaysNoMoreAtOnceThanIsAsked) {
  CommandBook::Past past;
  for (std::uint64_t id = 1; id <= 5; ++id) past.results.push_back({done(id), false});
  auto b = book(past);
  EXPECT_EQ(ids(b.due(kStart, 2)), (Ids{1, 2}));
  EXPECT_EQ(ids(b.due(kStart, 9)), (Ids{3, 4, 5}));
}

TEST(CommandState, EveryWayEndsInAResult) {
  for (std::size_t from = 0; from < kCommandStates; ++from) {
    const auto state = static_cast<CommandState>(from);
    const bool out = may_go(state, CommandState::kFinished) ||
                     may_go(state, CommandState::kConfirmed) || state == CommandState::kConfirmed;
    EXPECT_TRUE(out) << from;
    EXPECT_FALSE(may_go(CommandState::kConfirmed, state));
  }
}

}  // namespace
}  // namespace evenkeel::agent
