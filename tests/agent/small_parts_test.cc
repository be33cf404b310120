#include <gtest/gtest.h>

#include "services/agent/core/age_clock.h"
#include "services/agent/core/block_plan.h"
#include "services/agent/core/rate_limit.h"
#include "services/agent/core/replica_table.h"
#include "services/agent/core/sources.h"
#include "services/agent/core/space.h"
#include "tests/agent/builder.h"

namespace evenkeel::agent {
namespace {

constexpr Duration kHour = std::chrono::hours(1);
Instant instant(Duration d) {
  return Instant{} + d;
}
Timestamp wall(Duration d) {
  return Timestamp{} + d;
}

TEST(AgeClock, GoesOnDuringOneBootWhateverTheWallClockSays) {
  const AgeClock first(std::nullopt, "b1", instant(kHour), wall(100 * kHour));
  const AgeReading then = first.reading(instant(2 * kHour));
  const AgeMark mark = first.mark(instant(3 * kHour), wall(50 * kHour));
  const AgeClock second(mark, "b1", instant(7 * kHour), wall(1 * kHour));
  EXPECT_EQ(second.age(then, instant(8 * kHour)), 6 * kHour);
}

TEST(AgeClock, AddsTheGapOfTheWallClockOverABoot) {
  const AgeClock first(std::nullopt, "b1", instant(kHour), wall(100 * kHour));
  const AgeReading then = first.reading(instant(kHour));
  const AgeMark mark = first.mark(instant(2 * kHour), wall(101 * kHour));
  const AgeClock second(mark, "b2", instant(Duration(0)), wall(110 * kHour));
  EXPECT_EQ(second.age(then, instant(kHour)), 11 * kHour);
}

TEST(AgeClock, KnowsNothingWhenTheWallClockWasSetBackOverABoot) {
  const AgeClock first(std::nullopt, "b1", instant(kHour), wall(100 * kHour));
  const AgeReading then = first.reading(instant(kHour));
  const AgeMark mark = first.mark(instant(2 * kHour), wall(101 * kHour));
  const AgeClock second(mark, "b2", instant(Duration(0)), wall(90 * kHour));
  EXPECT_EQ(second.age(then, instant(kHour)), std::nullopt);
  EXPECT_EQ(second.age(second.reading(instant(kHour)), instant(2 * kHour)), kHour);
}

TEST(BlockPlan, WhatOneSourceDeliveredStays) {
  BlockPlan plan(5);
  EXPECT_EQ(plan.ask(2), (BlockRange{0, 2}));
  EXPECT_EQ(plan.ask(2), (BlockRange{2, 2}));
  EXPECT_TRUE(plan.have(2));
  EXPECT_FALSE(plan.have(2)) << "twice";
  EXPECT_FALSE(plan.have(4)) << "unasked";
  EXPECT_FALSE(plan.have(77));
  plan.source_gone();
  EXPECT_EQ(plan.outstanding(), 0U);
  EXPECT_EQ(plan.ask(9), (BlockRange{0, 2}));
  EXPECT_EQ(plan.ask(9), (BlockRange{3, 2}));
  EXPECT_EQ(plan.ask(9), std::nullopt);
  for (const std::uint64_t block : {0, 1, 3, 4}) EXPECT_TRUE(plan.have(block));
  EXPECT_TRUE(plan.complete());
}

TEST(BlockPlan, WhatWasThereBeforeIsNotAskedFor) {
  BlockPlan plan(3);
  EXPECT_TRUE(plan.had_before(1));
  EXPECT_FALSE(plan.had_before(1)) << "twice";
  EXPECT_FALSE(plan.had_before(3));
  EXPECT_EQ(plan.ask(9), (BlockRange{0, 1}));
  EXPECT_FALSE(plan.had_before(0)) << "it has been asked for";
  EXPECT_EQ(plan.ask(9), (BlockRange{2, 1}));
  EXPECT_TRUE(plan.have(0) && plan.have(2));
  EXPECT_TRUE(plan.complete());
}

TEST(BlockPlan, AnEmptyChunkIsCompleteAtOnce) {
  BlockPlan plan(0);
  EXPECT_TRUE(plan.complete());
  EXPECT_EQ(plan.ask(4), std::nullopt);
}

Source source(std::uint64_t server) {
  return {ServerId(server), storage_of('s'), "h:1", ""};
}

TEST(Sources, BlamesInOrderAndEnds) {
  Sources s({source(1), source(2)});
  EXPECT_EQ(s.current()->server, ServerId(1));
  s.blame(Fault::kCorrupt);
  EXPECT_EQ(s.current()->server, ServerId(2));
  s.blame(Fault::kMissing);
  EXPECT_EQ(s.current(), nullptr);
  EXPECT_FALSE(s.next_round());
  ASSERT_EQ(s.blamed().size(), 2U);
  EXPECT_EQ(s.blamed()[0].fault, Fault::kCorrupt);
}

TEST(Sources, TheBusyAreAskedAgainAndNotBlamed) {
  Sources s({source(1), source(2), source(3)});
  s.skip_busy();
  s.blame(Fault::kUnreachable);
  s.skip_busy();
  EXPECT_EQ(s.current(), nullptr);
  ASSERT_TRUE(s.next_round());
  EXPECT_EQ(s.current()->server, ServerId(1));
  s.skip_busy();
  EXPECT_EQ(s.current()->server, ServerId(3));
  EXPECT_EQ(s.blamed().size(), 1U);
}

TEST(Sources, NoneIsAnEndToo) {
  Sources s({});
  EXPECT_EQ(s.current(), nullptr);
  EXPECT_FALSE(s.next_round());
}

Source fresh(std::uint64_t server) {
  Source s = source(server);
  s.token = "fresh";
  return s;
}

TEST(Sources, FreshOnesReplaceTheOldAndTheBlamedStayBlamed) {
  Sources s({source(1), source(2)});
  s.blame(Fault::kCorrupt);
  s.renew({fresh(1), fresh(3), fresh(2)}, true);
  EXPECT_EQ(s.current()->server, ServerId(2)) << "which is in use";
  EXPECT_EQ(s.current()->token, "fresh");
  s.renew({fresh(1), fresh(3)}, true);
  EXPECT_EQ(s.current()->server, ServerId(2)) << "and goes on though it is not named";
  s.blame(Fault::kUnreachable);
  EXPECT_EQ(s.current()->server, ServerId(3));
  s.blame(Fault::kUnreachable);
  EXPECT_EQ(s.current(), nullptr) << "1 was blamed before";
}

TEST(Sources, FreshOnesAreBegunWithWhereNoneIsInUse) {
  Sources s({source(1), source(2)});
  s.skip_busy();
  s.renew({fresh(2), fresh(3)}, false);
  EXPECT_EQ(s.current()->server, ServerId(2));
  s.blame(Fault::kMissing);
  s.renew({fresh(2)}, false);
  EXPECT_EQ(s.current(), nullptr);
  EXPECT_FALSE(s.next_round());
}

TEST(RateLimit, AveragesToTheRate) {
  RateLimit limit(1_MiB, Instant{});
  Instant now{};
  std::uint64_t sent = 0;
  for (; now < instant(Duration(10'000)); now += Duration(10)) {
    while (limit.wait(now) == Duration::zero()) {
      limit.took(256_KiB, now);
      sent += 256 << 10;
    }
  }
  EXPECT_EQ(sent, std::uint64_t{10} << 20);
  // Looked at every 50 ms only, with pieces that cost 5 ms: the same.
  RateLimit fast(200_MiB, Instant{});
  now = Instant{};
  for (sent = 0; now < instant(Duration(10'000)); now += Duration(50)) {
    while (fast.wait(now) == Duration::zero()) {
      fast.took(1_MiB, now);
      sent += 1 << 20;
    }
  }
  EXPECT_NEAR(static_cast<double>(sent), 2000.0 * (1 << 20), 20.0 * (1 << 20));
  // Whoever has done nothing for long has not saved it up.
  now += Duration(60'000);
  for (sent = 0; fast.wait(now) == Duration::zero(); sent += 1 << 20) fast.took(1_MiB, now);
  EXPECT_LE(sent, std::uint64_t{22} << 20);
  RateLimit none(Bytes(), Instant{});
  none.took(1_GiB, Instant{});
  EXPECT_EQ(none.wait(Instant{}), Duration::zero());
}

struct Room {
  const char* name;
  Space space;
  Bytes size;
  bool admits;
};
TEST(Space, NeverPastTheReserve) {
  // capacity, reserve, disk_free, trash, used, in_flight, written
  const Room cases[] = {
      {"room enough", {1_GiB, 64_MiB, 1_GiB, 0_B, 0_B, 0_B, 0_B}, 64_MiB, true},
      {"exactly", {128_MiB, 64_MiB, 1_GiB, 0_B, 0_B, 0_B, 0_B}, 64_MiB, true},
      {"one byte more", {128_MiB, 64_MiB, 1_GiB, 0_B, 0_B, 0_B, 0_B}, Bytes((64 << 20) + 1), false},
      {"in flight counts", {192_MiB, 64_MiB, 1_GiB, 0_B, 0_B, 65_MiB, 0_B}, 64_MiB, false},
      {"disk is fuller", {1_GiB, 64_MiB, 100_MiB, 0_B, 0_B, 0_B, 0_B}, 64_MiB, false},
      {"trash is free", {1_GiB, 64_MiB, 100_MiB, 28_MiB, 0_B, 0_B, 0_B}, 64_MiB, true},
      {"written is on the disk", {1_GiB, 64_MiB, 128_MiB, 0_B, 0_B, 64_MiB, 64_MiB}, 64_MiB, true},
      {"not yet written is not", {1_GiB, 64_MiB, 128_MiB, 0_B, 0_B, 64_MiB, 0_B}, 64_MiB, false},
      {"used up", {1_GiB, 64_MiB, 2_GiB, 0_B, 1_GiB, 0_B, 0_B}, 0_B, false},
  };
  for (const Room& c : cases) EXPECT_EQ(c.space.admits(c.size), c.admits) << c.name;
}

TEST(Space, EmptiesOnlyAsMuchTrashAsIsNeeded) {
  const Space space{1_GiB, 64_MiB, 100_MiB, 50_MiB, 0_B, 0_B, 0_B};
  EXPECT_EQ(space.trash_to_empty(36_MiB), 0_B);
  EXPECT_EQ(space.trash_to_empty(40_MiB), 4_MiB);
  EXPECT_EQ(space.trash_to_empty(900_MiB), 50_MiB);
  EXPECT_EQ(space.free(), 150_MiB);
}

TEST(Space, TheDefaultReserveSuitsDisksOfAllSizes) {
  EXPECT_EQ(default_reserve(1000_GiB), 50_GiB);
  EXPECT_EQ(default_reserve(15_GiB), 1_GiB);
  EXPECT_LE(default_reserve(100_MiB), 10_MiB);
}

TEST(ReplicaTable, KnowsTheNewestVersionAndWhatIsUsed) {
  ReplicaTable table;
  table.put({ChunkId(2), ChunkVersion(1)}, {Bytes(10), checksum_of('a')});
  table.put({ChunkId(2), ChunkVersion(3)}, {Bytes(20), checksum_of('b')});
  table.put({ChunkId(4), ChunkVersion(1)}, {Bytes(40), checksum_of('c')});
  EXPECT_EQ(table.newest(ChunkId(2))->version, ChunkVersion(3));
  EXPECT_EQ(table.newest(ChunkId(1)), std::nullopt);
  EXPECT_EQ(table.newest(ChunkId(3)), std::nullopt);
  EXPECT_EQ(table.newest(ChunkId(5)), std::nullopt);
  table.put({ChunkId(2), ChunkVersion(3)}, {Bytes(5), checksum_of('d')});
  EXPECT_EQ(table.used(), Bytes(55));
  EXPECT_TRUE(table.erase({ChunkId(4), ChunkVersion(1)}));
  EXPECT_FALSE(table.erase({ChunkId(4), ChunkVersion(1)}));
  EXPECT_EQ(table.used(), Bytes(15));
}

TEST(ReplicaTable, CountsWhatReplicasWereFoundToBe) {
  ReplicaTable table;
  const ReplicaKey one{ChunkId(1), ChunkVersion(1)}, two{ChunkId(2), ChunkVersion(1)};
  table.put(one, {Bytes(10), checksum_of('a')});
  table.put(two, {Bytes(20), checksum_of('b'), ReplicaFinding::kShort});
  EXPECT_EQ(table.count(ReplicaFinding::kOk), 1U);
  EXPECT_EQ(table.count(ReplicaFinding::kShort), 1U);
  table.set_finding(one, ReplicaFinding::kCorrupt);
  table.set_finding(one, ReplicaFinding::kCorrupt);
  EXPECT_EQ(table.count(ReplicaFinding::kOk), 0U);
  EXPECT_EQ(table.count(ReplicaFinding::kCorrupt), 1U);
  table.put(one, {Bytes(10), checksum_of('c')});
  table.erase(two);
  EXPECT_EQ(table.count(ReplicaFinding::kOk), 1U);
  EXPECT_EQ(table.count(ReplicaFinding::kCorrupt), 0U);
  EXPECT_EQ(table.count(ReplicaFinding::kShort), 0U);
}

TEST(FreeLately, WhatWasWrittenSinceIsNotFreeAnyMore) {
  FreeLately lately;
  EXPECT_TRUE(lately.is_old(Instant{}));
  lately.asked(10_MiB, Instant{});
  EXPECT_FALSE(lately.is_old(instant(Duration(49))));
  EXPECT_TRUE(lately.is_old(instant(Duration(50))));
  lately.wrote(4_MiB);
  EXPECT_EQ(lately.free(), 6_MiB);
  lately.wrote(8_MiB);
  EXPECT_EQ(lately.free(), 0_B);
  lately.asked(3_MiB, instant(Duration(50)));
  EXPECT_EQ(lately.free(), 3_MiB);
}

}  // namespace
}  // namespace evenkeel::agent
