// Budgets: what copies may move in a second, for servers, racks and reasons; and how much may be
// under way to a server, by the pace of its acknowledgements.
#include "services/rebalancer/core/metering.h"

#include <gtest/gtest.h>

#include <map>

#include "common/base/random.h"
#include "tests/rebalancer/cluster_builder.h"

namespace evenkeel {
namespace {

constexpr Metering::Order kOrder{.source = 0,
                                 .target = 1,
                                 .source_rack = 0,
                                 .target_rack = 1,
                                 .size = Bytes(100),
                                 .urgency = Urgency::kRepair};

TEST(Metering, WithoutBudgetsNothingIsHeld) {
  Metering metering;
  for (int i = 0; i < 1000; ++i) metering.spend(kOrder, Instant{});
  EXPECT_TRUE(metering.may_take(1, Urgency::kBackground, Instant{}));
  EXPECT_TRUE(metering.may_cross(0, 1, Urgency::kBackground, Instant{}));
}

/// What is ordered under a budget whenever it allows, in `time`.
Bytes ordered_in(const Budgets& budgets, Urgency urgency, Bytes size, Duration time) {
  Metering metering(budgets);
  Bytes all;
  Metering::Order order = kOrder;
  order.size = size;
  order.urgency = urgency;
  for (Duration at{}; at < time; at += Duration(3)) {
    const Instant now = Instant{} + at;
    while (metering.may_take(1, urgency, now) && metering.may_give(0, urgency, now) &&
           metering.may_cross(0, 1, urgency, now)) {
      metering.spend(order, now);
      all += size;
    }
  }
  return all;
}

TEST(Metering, OverAnyTimeTheRateIsKept) {
  const Budgets of[] = {{.server_in = Bytes(1000)},
                        {.server_out = Bytes(1000)},
                        {.rack_in = Bytes(1000)},
                        {.server_in = Bytes(5000), .rack_out = Bytes(1000)}};
  for (const Budgets& budgets : of) {
    for (const std::uint64_t size : {1, 7, 900, 1000, 5000}) {
      for (const int seconds : {1, 10, 100}) {
        const Bytes all =
            ordered_in(budgets, Urgency::kRepair, Bytes(size), std::chrono::seconds(seconds));
        const auto rated = static_cast<std::uint64_t>(seconds) * 1000;
        EXPECT_LE(all, Bytes(rated + 1000 + size)) << size << " bytes, " << seconds << " s";
        EXPECT_GE(all, Bytes(rated)) << size << " bytes, " << seconds << " s";
      }
    }
  }
}

TEST(Metering, BackgroundHasItsPartAndRepairTheRest) {
  const Budgets budgets{.server_in = Bytes(1000), .background = Ratio(0.5)};
  const Bytes all = ordered_in(budgets, Urgency::kBackground, Bytes(10), std::chrono::seconds(100));
  EXPECT_GE(all, Bytes(50'000));
  EXPECT_LE(all, Bytes(51'100));
  Metering metering(budgets);
  Metering::Order order = kOrder;
  order.urgency = Urgency::kBackground;
  order.size = Bytes(500);
  metering.spend(order, Instant{});
  EXPECT_FALSE(metering.may_take(1, Urgency::kBackground, Instant{}));
  EXPECT_TRUE(metering.may_take(1, Urgency::kRepair, Instant{}));
}

TEST(Metering, WhatIsAtRiskNeverWaits) {
  Metering metering({.server_in = Bytes(1), .server_out = Bytes(1), .rack_in = Bytes(1)});
  metering.spend(kOrder, Instant{});
  EXPECT_FALSE(metering.may_take(1, Urgency::kRepair, Instant{}));
  EXPECT_TRUE(metering.may_take(1, Urgency::kAtRisk, Instant{}));
  EXPECT_TRUE(metering.may_give(0, Urgency::kAtRisk, Instant{}));
  EXPECT_TRUE(metering.may_cross(0, 1, Urgency::kAtRisk, Instant{}));
  EXPECT_TRUE(metering.may_cross(0, 0, Urgency::kBackground, Instant{}));
}

/// Chunks of 10 bytes with two of three replicas on servers of the racks A and B, none in C.
Cluster to_repair(int chunks, int valid) {
  std::string drawing = R"(
      s1 A/1 100000
      s2 A/2 100000
      s3 B/3 100000
      s4 B/4 100000
      s5 C/5 100000
      s6 C/6 100000
  )";
  for (int c = 1; c <= chunks; ++c) {
    drawing += "c" + std::to_string(c) + " 3 10 = s" + std::to_string(c % 2 + 1) +
               (valid == 2 ? " s" + std::to_string(c % 2 + 3) : "") + "\n";
  }
  return Cluster(drawing);
}

struct Moved {
  std::map<ServerId, std::uint64_t> in, out;
  std::map<std::string, std::uint64_t> over;  // "A>C"
  std::uint64_t all = 0;
};

/// Plans and acknowledges for `time`.
Moved play(Cluster& cluster, Duration time) {
  Moved moved;
  const Instant end = cluster.now() + time;
  while (cluster.now() < end) {
    for (const Change& change : cluster.planned()) {
      cluster.apply({change});
      const auto* issued = std::get_if<CommandIssued>(&change);
      if (!issued || issued->command.kind != CommandKind::kReplicate) continue;
      const CommandRecord& command = issued->command;
      const std::uint64_t size = command.size.count();
      moved.in[command.server] += size;
      moved.out[*command.source] += size;
      moved.all += size;
      const auto rack = [&](ServerId id) {
        return std::string(rack_of(cluster.view().find(id)->member.location));
      };
      if (rack(*command.source) != rack(command.server)) {
        moved.over[rack(*command.source) + ">"] += size;
        moved.over[">" + rack(command.server)] += size;
      }
    }
    for (const CommandRecord& command : cluster.open()) cluster.take(cluster.ack(command));
    cluster.advance(Duration(50));
  }
  return moved;
}

TEST(Budgets, OfServersAreKeptByThePlanner) {
  Cluster cluster = to_repair(2000, 2);
  cluster.apply({BudgetsSet{{.server_in = Bytes(300), .server_out = Bytes(200)}}});
  const Moved moved = play(cluster, 10s);
  for (const auto& [server, bytes] : moved.in) EXPECT_LE(bytes, 300U * 11 + 10);
  for (const auto& [server, bytes] : moved.out) EXPECT_LE(bytes, 200U * 11 + 10);
  EXPECT_GT(moved.all, 5000U);
}

TEST(Budgets, OfRackUplinksAreKeptByThePlanner) {
  Cluster cluster = to_repair(2000, 2);
  cluster.apply({BudgetsSet{{.rack_in = Bytes(500), .rack_out = Bytes(200)}}});
  const Moved moved = play(cluster, 10s);
  EXPECT_LE(moved.over.at(">C"), 500U * 11 + 10);
  EXPECT_LE(moved.over.at("A>"), 200U * 11 + 10);
  EXPECT_LE(moved.over.at("B>"), 200U * 11 + 10);
  EXPECT_GT(moved.all, 3500U);
}

TEST(Budgets, AreNotForChunksWithOneReplicaLeft) {
  Cluster cluster = to_repair(200, 1);
  cluster.apply({BudgetsSet{{.server_in = Bytes(1), .server_out = Bytes(1), .rack_in = Bytes(1)}}});
  play(cluster, 5s);
  for (ChunkSlot slot = 0; slot < cluster.view().chunk_count(); ++slot) {
    EXPECT_GE(cluster.view().count(slot).valid, 2);
  }
}

/// A server that takes `each` for a copy, of a tenth of bytes_in if no other size is told.
Bytes window_after(int copies, Duration each, Bytes size = Bytes(100)) {
  Cluster cluster(R"(
      s1 A/1 100000
      s2 B/2 100000
  )");
  cluster.limits().bytes_in = Bytes(1000);
  cluster.limits().copies_in = 20;
  for (int i = 1; i <= copies; ++i) {
    const ChunkId chunk(static_cast<std::uint64_t>(i));
    cluster.apply({ChunkAdded{{chunk, ChunkVersion(3), size, checksum_of(chunk.value(), 3)},
                              2,
                              ChunkLife::kLive,
                              kDefaultPolicy},
                   ReplicaAdded{chunk, ServerId(1), ReplicaState::kValid, ChunkVersion(3),
                                JournalNumber(0)}});
    cluster.apply(cluster.planned());
    cluster.advance(each);
    for (const CommandRecord& command : cluster.open()) cluster.take(cluster.ack(command));
  }
  return cluster.view().find(ServerId(2))->window.value_or(cluster.limits().bytes_in);
}

TEST(Pace, AServerIsGivenMoreWhileItAnswersQuicklyAndLessWhileItDoesNot) {
  EXPECT_EQ(window_after(8, 3s), Bytes(1000));
  EXPECT_EQ(window_after(8, 1s), Bytes(1000 + 8 * 12));
  EXPECT_EQ(window_after(8, 6s), Bytes(1000 - 8 * 25));
  EXPECT_EQ(window_after(400, 1s), Bytes(4000));
  EXPECT_EQ(window_after(100, 6s), Bytes(62));
}

TEST(Pace, SmallChunksFillAWindowByTheirNumber) {
  constexpr Bytes kPartOfWindow{1000 / 20};
  EXPECT_EQ(window_after(8, 1s, Bytes(1)), Bytes(1000) + kPartOfWindow * Ratio(0.125) * 8);
  EXPECT_EQ(window_after(8, 6s, Bytes(1)), Bytes(1000) - kPartOfWindow * Ratio(0.25) * 8);
}

}  // namespace
}  // namespace evenkeel
