#include "tools/sim/simulation.h"

#include <gtest/gtest.h>

#include "common/base/random.h"
#include "services/rebalancer/core/drained.h"
#include "tests/rebalancer/cluster_builder.h"

namespace evenkeel::sim {
namespace {

constexpr Rates kFree{.disk = Bytes(0), .network = Bytes(0), .copy_cost = Duration(0)};

Forecast after(Simulation& simulation, const std::string& words) {
  const auto forecast = simulation.run(*parse_step(words));
  EXPECT_TRUE(forecast) << forecast.error().what;
  return forecast.value_or(Forecast{});
}

std::uint64_t repaired(const Forecast& forecast) {
  const auto found = forecast.copied.find(Reason::kRepair);
  return found == forecast.copied.end() ? 0 : found->second.bytes.count();
}

// Two chunks of 100 bytes lose one of two replicas each, and change places.
constexpr const char* kPair = R"(
    s1 A/1 1000
    s2 B/1 1000
    s3 C/1 1000
    c1 2 100 = s1 s2
    c2 2 100 = s1 s3)";

TEST(Simulation, TimesAndBytesAreThoseOfTheHand) {
  const Cluster cluster(kPair);
  // Each disk reads 100 bytes and writes 100, at 100 a second.
  Simulation simulation(cluster.view(), {}, {.disk = Bytes(100), .network = Bytes(0)},
                        {.detection = Duration(2'000)});
  const Forecast forecast = after(simulation, "lose s1");
  EXPECT_EQ(forecast.detection, Duration(2'000));
  EXPECT_EQ(forecast.missing.count, 2U);
  EXPECT_EQ(forecast.missing.bytes, Bytes(200));
  EXPECT_EQ(repaired(forecast), 200U);
  EXPECT_EQ(forecast.first_copy, Duration(0));
  EXPECT_EQ(forecast.last_copy, Duration(2'050));
  EXPECT_EQ(forecast.safe, Duration(2'050));
  EXPECT_EQ(forecast.whole, Duration(2'050));
  EXPECT_GE(forecast.rest, Duration(2'050));
  EXPECT_EQ(forecast.hottest(), ServerId(2));
  EXPECT_EQ(forecast.traffic.at(ServerId(2)).in.bytes, Bytes(100));
  EXPECT_EQ(forecast.traffic.at(ServerId(2)).out.bytes, Bytes(100));
  EXPECT_EQ(forecast.lost.amount.count, 0U);
  EXPECT_TRUE(forecast.not_whole.empty());
  EXPECT_FALSE(forecast.cut_off);
}

TEST(Simulation, OneNetworkForAllOfAMachine) {
  const Cluster cluster(kPair);  // where all have an address on the same host
  Simulation simulation(cluster.view(), {}, {.disk = Bytes(0), .network = Bytes(50)}, {});
  EXPECT_EQ(after(simulation, "lose s1").last_copy, Duration(4'050));
}

TEST(Simulation, EachSetRateOfACopyIsKept) {
  const Cluster cluster(kPair);
  Limits limits;
  limits.copy_rate = Bytes(10);
  Simulation simulation(cluster.view(), limits, kFree, {});
  EXPECT_EQ(after(simulation, "lose s1").last_copy, Duration(10'000));
}

TEST(Simulation, LosingAllHoldersLosesTheChunk) {
  const Cluster cluster(R"(
      s1 A/1 1000
      s2 B/1 1000
      s3 C/1 1000
      c1 2 100 = s1 s2
      c2 2 100 = s1 s3)");
  Simulation simulation(cluster.view(), {}, kFree, {});
  const Forecast forecast = after(simulation, "lose s1 and s2");
  EXPECT_EQ(forecast.lost.amount.count, 1U);
  EXPECT_EQ(forecast.lost.some, std::vector{ChunkId(1)});
  ASSERT_EQ(forecast.not_whole.size(), 1U);  // one server is left for two replicas of c2
  EXPECT_EQ(forecast.not_whole.begin()->first, "no server can take it: holds a replica, not alive");
  EXPECT_EQ(forecast.not_whole.begin()->second.some, std::vector{ChunkId(2)});
  EXPECT_EQ(repaired(forecast), 0U);
  EXPECT_FALSE(forecast.whole);
}

TEST(Simulation, WhatWasLostBeforeIsNotCountedAgain) {
  const Cluster cluster(kPair);
  Simulation simulation(cluster.view(), {}, kFree, {});
  EXPECT_EQ(after(simulation, "lose s1, s2, s3").lost.amount.count, 2U);
  EXPECT_EQ(after(simulation, "add 3 servers").lost.amount.count, 0U);
}

TEST(Simulation, StepsGoOnFromEachOther) {
  const Cluster cluster(kPair);
  Simulation simulation(cluster.view(), {}, kFree, {});
  EXPECT_EQ(after(simulation, "lose s1").lost.amount.count, 0U);  // both are on s2 and s3 now
  const Forecast second = after(simulation, "lose s2");
  EXPECT_EQ(second.lost.amount.count, 0U);
  EXPECT_EQ(second.not_whole.size(), 1U);
  const Forecast third = after(simulation, "add a server");
  EXPECT_TRUE(third.not_whole.empty());
  EXPECT_EQ(repaired(third), 200U);
  EXPECT_EQ(simulation.timeline().marks().size(), 3U);
}

TEST(Simulation, WhatReadsFromTheLostServerGoesOnFromAnother) {
  const Cluster cluster(R"(
      s1 A/1 1000
      s2 B/1 1000
      s3 C/1 1000
      c1 3 100 = s1 s2
      c1: s1 -> s3)");
  Simulation simulation(cluster.view(), {}, {.disk = Bytes(0), .network = Bytes(10)},
                        {.detection = Duration(60'000)});
  EXPECT_EQ(simulation.under_way().bytes, Bytes(100));
  const Forecast forecast = after(simulation, "lose s1");
  EXPECT_EQ(forecast.traffic.at(ServerId(2)).out.bytes, Bytes(100));
  EXPECT_FALSE(forecast.traffic.contains(ServerId(1)));
}

TEST(Simulation, ALostTargetIsReplaced) {
  const Cluster cluster(R"(
      s1 A/1 1000
      s2 B/1 1000
      s3 C/1 1000
      c1 2 100 = s1
      c1: s1 -> s3)");
  Simulation simulation(cluster.view(), {}, {.disk = Bytes(0), .network = Bytes(10)}, {});
  const Forecast forecast = after(simulation, "lose s3");
  EXPECT_EQ(repaired(forecast), 100U);
  EXPECT_EQ(forecast.traffic.at(ServerId(2)).in.bytes, Bytes(100));
}

TEST(Simulation, NamesThatAreNotThereAreErrors) {
  const Cluster cluster(kPair);
  Simulation simulation(cluster.view(), {}, kFree, {});
  EXPECT_FALSE(simulation.run(*parse_step("lose s9")));
  EXPECT_FALSE(simulation.run(*parse_step("lose rack Z")));
  after(simulation, "lose s1");
  EXPECT_FALSE(simulation.run(*parse_step("lose s1")));  // it is dead
  EXPECT_EQ(after(simulation, "lose rack B").words, "lose rack B");
}

TEST(Simulation, WhatCannotEndIsCutOff) {
  const Cluster cluster(kPair);
  Simulation simulation(cluster.view(), {}, {.disk = Bytes(1), .network = Bytes(0)},
                        {.detection = Duration(0), .longest = Duration(60'000)});
  EXPECT_TRUE(after(simulation, "lose s1").cut_off);
}

constexpr const char* kWide = R"(
    s1 z/r1/h1 1000
    s2 z/r2/h2 1000
    s3 z/r3/h3 1000
    s4 z/r4/h4 1000
    s5 z/r5/h5 1000
    s6 z/r6/h6 1000
    s7 z/r7/h7 1000
    s8 z/r8/h8 1000
    c1 3 100 = s1 s5 s6
    c2 3 100 = s2 s6 s7
    c3 3 100 = s3 s7 s8
    c4 1 100 = s4)";

TEST(Simulation, PatienceIsHonouredUnlessItIsToBeNow) {
  for (const bool now : {false, true}) {
    const Cluster cluster(kWide);
    Limits limits;
    limits.patience_server = 7min;
    Simulation simulation(cluster.view(), limits, kFree, {.now = now});
    const Forecast forecast = after(simulation, "lose s1");
    EXPECT_EQ(repaired(forecast), 100U);
    ASSERT_TRUE(forecast.first_copy);
    EXPECT_GE(*forecast.first_copy, now ? 0min : 7min);
    EXPECT_LT(*forecast.first_copy, now ? 1s : 7min + 1s);
    EXPECT_TRUE(forecast.not_whole.empty());
  }
}

TEST(Simulation, TheBrakeHoldsUnlessItIsToBeNow) {
  for (const bool now : {false, true}) {
    const Cluster cluster(kWide);
    Simulation simulation(cluster.view(), {}, kFree, {.now = now});
    const Forecast forecast = after(simulation, "lose s1, s2, s3");
    EXPECT_EQ(forecast.missing.count, 3U);
    EXPECT_EQ(repaired(forecast), now ? 300U : 0U);
    EXPECT_EQ(forecast.held.empty(), now);
    std::uint64_t left = 0;
    for (const auto& [why, chunks] : forecast.not_whole) left += chunks.amount.count;
    EXPECT_EQ(left, now ? 0U : 3U);
    if (!now) {
      EXPECT_NE(forecast.held.find("3 of 8 servers went at once"), std::string::npos);
    }
  }
}

TEST(Simulation, WhatCanNotLeaveADrainedServerIsSaidToStay) {
  const Cluster cluster(kPair);
  Simulation simulation(cluster.view(), {}, kFree, {});
  EXPECT_TRUE(after(simulation, "drain s2").not_whole.empty());
  const Forecast forecast = after(simulation, "drain s3");
  ASSERT_EQ(forecast.not_whole.size(), 1U);
  EXPECT_EQ(forecast.not_whole.begin()->second.amount.count, 2U);
}

/// Servers on hosts of their own in three racks, chunks of all sizes with goals from 1 to 3.
Cluster drawn_by_chance(Rng& rng, int servers, int chunks) {
  std::string drawing;
  for (int s = 1; s <= servers; ++s) {
    drawing += "s" + std::to_string(s) + " z/r" + std::to_string(s % 3) + "/h" + std::to_string(s) +
               " 1000000\n";
  }
  for (int c = 1; c <= chunks; ++c) {
    std::vector<int> holders;
    for (int s = 1; s <= servers; ++s) holders.push_back(s);
    rng.shuffle(holders);
    const auto goal = rng.between(1, 3);
    drawing += "c" + std::to_string(c) + " " + std::to_string(goal) + " " +
               std::to_string(rng.between(0, 3000)) + " =";
    for (std::uint64_t i = 0; i < goal; ++i) {
      drawing += " s" + std::to_string(holders[static_cast<std::size_t>(i)]);
    }
    drawing += "\n";
  }
  return Cluster(drawing);
}

TEST(Simulation, WhatADrainedServerHoldsIsCopiedOnceAndNothingRestsOnItAnyMore) {
  Rng rng(11);
  const Cluster cluster = drawn_by_chance(rng, 6, 200);
  Simulation simulation(cluster.view(), {}, kFree, {});
  after(simulation, "add a server");
  Bytes held;
  for (const ChunkSlot slot : simulation.view().find(ServerId(2))->chunks) {
    held += simulation.view().chunk(slot).size;
  }
  ASSERT_GT(held, Bytes(1000));
  const Forecast forecast = after(simulation, "drain s2");
  EXPECT_EQ(forecast.detection, Duration(0));
  EXPECT_EQ(forecast.missing.bytes, held);
  // The only replica of a chunk is copied as one that is at risk.
  EXPECT_EQ(forecast.copied.at(Reason::kDrain).bytes + forecast.copied.at(Reason::kRepair).bytes,
            held);
  EXPECT_TRUE(forecast.not_whole.empty());
  const ClusterView& view = simulation.view();
  EXPECT_FALSE(anything_rests_on(view, *view.slot_of(ServerId(2))));
  EXPECT_FALSE(simulation.run(*parse_step("drain s99")));
}

/// What the loss of a server must cost, by a look at each chunk.
std::uint64_t to_make_up(const ClusterView& view, ServerId lost, std::uint64_t& gone) {
  std::uint64_t bytes = 0;
  for (ChunkSlot slot = 0; slot < view.chunk_count(); ++slot) {
    const Chunk& chunk = view.chunk(slot);
    int others = 0;
    bool held = false;
    for (const Replica& replica : chunk.replicas) {
      if (!replica.valid()) continue;
      view.server(replica.server).id() == lost ? held = true : ++others != 0;
    }
    if (!held) continue;
    if (others == 0) ++gone;
    if (others > 0 && others < chunk.goal) bytes += chunk.size.count();
  }
  return bytes;
}

TEST(Simulation, WhatALostServerCostsIsWhatItHeld) {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const Cluster cluster = drawn_by_chance(rng, static_cast<int>(rng.between(5, 9)), 120);
    Simulation simulation(cluster.view(), {}, {.disk = Bytes(1 << 20)}, {});
    const Forecast before = after(simulation, "add a server");
    EXPECT_EQ(before.missing.count, 0U);
    const ServerId lost(rng.between(1, 5));
    std::uint64_t gone = 0;
    const std::uint64_t bytes = to_make_up(simulation.view(), lost, gone);
    const Forecast forecast = after(simulation, "lose " + to_string(lost));
    EXPECT_EQ(forecast.missing.bytes.count(), bytes);
    EXPECT_EQ(repaired(forecast), bytes);
    EXPECT_EQ(forecast.lost.amount.count, gone);
    EXPECT_TRUE(forecast.not_whole.empty());
    simulation.view().check();
    const Tally anew(simulation.view());
    EXPECT_EQ(simulation.tally().all(), anew.all());
    EXPECT_EQ(simulation.tally().not_whole(), anew.not_whole());
    EXPECT_EQ(simulation.tally().of(Health::kAtRisk), anew.of(Health::kAtRisk));
  }
}

TEST(Simulation, EqualArgumentsGiveEqualForecasts) {
  std::string first;
  for (int run = 0; run < 2; ++run) {
    Rng rng(7);
    const Cluster cluster = drawn_by_chance(rng, 8, 300);
    Simulation simulation(cluster.view(), {}, {.disk = Bytes(1 << 16)}, {});
    const Forecast forecast = after(simulation, "lose rack z/r1, add 3 servers");
    std::string words = std::to_string(forecast.rest.count());
    for (const auto& [id, traffic] : forecast.traffic) {
      words += " " + to_string(id) + ":" + std::to_string(traffic.in.bytes.count()) + "/" +
               std::to_string(traffic.out.bytes.count());
    }
    if (run == 0) first = words;
    EXPECT_EQ(words, first);
  }
}

TEST(Simulation, NewServersAreFilledToTheirShare) {
  Rng rng(3);
  const Cluster cluster = drawn_by_chance(rng, 6, 400);
  Simulation simulation(cluster.view(), {}, kFree, {});
  const Forecast forecast = after(simulation, "add 2 servers and a server of 512KiB in z/r9");
  EXPECT_GT(forecast.copied.at(Reason::kBalance).count, 50U);
  EXPECT_EQ(forecast.deleted.bytes, forecast.copied_in_all().bytes);  // each was a move
  EXPECT_EQ(forecast.missing.count, 0U);
  EXPECT_EQ(forecast.detection, Duration(0));
  const ClusterView& view = simulation.view();
  double bytes = 0, capacity = 0;
  for (const auto& [id, slot] : view.servers()) {
    bytes += static_cast<double>(view.server(slot).used.count());
    capacity += static_cast<double>(view.server(slot).member.capacity.count());
  }
  for (const std::uint64_t id : {7, 8, 9}) {
    const Server& server = *view.find(ServerId(id));
    const double share = bytes / capacity * static_cast<double>(server.member.capacity.count());
    EXPECT_NEAR(static_cast<double>(server.used.count()), share, 4'000) << id;
  }
  EXPECT_EQ(view.find(ServerId(7))->member.capacity, Bytes(1'000'000));
  EXPECT_EQ(view.find(ServerId(9))->member.capacity, Bytes(512 << 10));
  EXPECT_EQ(view.find(ServerId(9))->member.location, "z/r9/new-s9");
}

}  // namespace
}  // namespace evenkeel::sim
