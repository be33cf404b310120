#include "services/rebalancer/core/copysets.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "common/base/random.h"
#include "tests/rebalancer/cluster_builder.h"

namespace evenkeel {
namespace {

std::vector<Copysets::Member> members(std::uint32_t servers, std::uint32_t racks) {
  std::vector<Copysets::Member> all;
  for (std::uint32_t s = 0; s < servers; ++s) all.push_back({s, s + 1, {s, s % racks, 0}});
  return all;
}

TEST(Copysets, EveryServerHasItsWidthInSetsOverRacks) {
  for (const int width : {2, 4, 10}) {
    for (const std::uint32_t servers : {30U, 31U, 200U}) {
      const auto all = members(servers, 10);
      const Copysets sets(all, 3, width);
      for (const auto& member : all) {
        const ServerSlot one[] = {member.server};
        const auto others = sets.beside(one);
        EXPECT_GE(others.size(), static_cast<std::size_t>(width) / 2);  // some meet more than once
        EXPECT_LE(others.size(), static_cast<std::size_t>(width) * 2 + 4);
        for (const ServerSlot other : others) {
          EXPECT_NE(all[other].place.rack, member.place.rack);
          const ServerSlot two[] = {member.server, other};
          EXPECT_TRUE(sets.together(two));
          EXPECT_FALSE(sets.beside(two).empty());
        }
      }
      EXPECT_LE(sets.count(), static_cast<std::size_t>(width) / 2 * (servers / 3 + 30));
    }
  }
}

TEST(Copysets, AreNoneWhereThereAreTooFewDomains) {
  EXPECT_EQ(Copysets(members(2, 2), 3, 4).count(), 0U);
  EXPECT_GT(Copysets(members(6, 2), 3, 4).count(), 0U);  // two racks: by hosts
}

/// Replica sets of all live chunks that are at their goal.
std::set<std::set<ServerSlot>> sets_in_use(const Cluster& cluster) {
  std::set<std::set<ServerSlot>> all;
  for (ChunkSlot slot = 0; slot < cluster.view().chunk_count(); ++slot) {
    const Chunk chunk = cluster.view().chunk(slot);
    std::set<ServerSlot> holders;
    for (const Replica& replica : chunk.replicas) {
      if (replica.valid() && cluster.view().counts(replica.server)) holders.insert(replica.server);
    }
    if (static_cast<int>(holders.size()) == chunk.goal) all.insert(holders);
  }
  return all;
}

/// Chunks of which all replicas but the first, drawn by chance, were never made.
Cluster begun(int servers, int chunks) {
  std::string drawing;
  for (int s = 1; s <= servers; ++s) {
    drawing += "s" + std::to_string(s) + " z/r" + std::to_string(s % 10) + "/h" +
               std::to_string(s) + " 100000\n";
  }
  Rng rng(1);
  for (int c = 1; c <= chunks; ++c) {
    drawing += "c" + std::to_string(c) + " 3 " + std::to_string(rng.between(1, 40)) + " = s" +
               std::to_string(rng.between(1, static_cast<std::uint64_t>(servers))) + "\n";
  }
  return Cluster(drawing);
}

void play(Cluster& cluster, int turns) {
  for (int turn = 0; turn < turns; ++turn) {
    cluster.apply(cluster.planned());
    for (const CommandRecord& command : cluster.open()) {
      if (cluster.view().find(command.server)->works()) cluster.take(cluster.ack(command));
    }
    cluster.advance(Duration(300));
  }
}

TEST(Copysets, RepairAndBalanceKeepToThem) {
  Cluster cluster = begun(40, 800);
  cluster.limits().scatter_width = 4;
  cluster.limits().commands_per_turn = 100'000;
  play(cluster, 30);
  const Copysets* sets = cluster.view().copysets(3, 4);
  for (const auto& holders : sets_in_use(cluster)) {
    const std::vector<ServerSlot> servers(holders.begin(), holders.end());
    EXPECT_TRUE(sets->together(servers));
  }
  EXPECT_LE(sets_in_use(cluster).size(), sets->count());
  for (ChunkSlot slot = 0; slot < cluster.view().chunk_count(); ++slot) {
    EXPECT_EQ(cluster.view().count(slot).valid, 3);
  }
}

TEST(Copysets, AreFewerThanByChance) {
  Cluster wide = begun(40, 800), narrow = begun(40, 800);
  narrow.limits().scatter_width = 4;
  for (Cluster* cluster : {&wide, &narrow}) {
    cluster->limits().commands_per_turn = 100'000;
    play(*cluster, 30);
  }
  EXPECT_LT(sets_in_use(narrow).size() * 4, sets_in_use(wide).size());
}

TEST(Copysets, SafetyComesFirst) {
  // All sets of s1's chunks have a server that is dead for good.
  Cluster cluster = begun(6, 60);
  cluster.limits().scatter_width = 2;
  for (const std::uint64_t server : {2, 3, 4}) {
    Member member = cluster.view().find(ServerId(server))->member;
    member.liveness = Liveness::kDead;
    cluster.apply({ServerUpdated{member}});
  }
  play(cluster, 60);
  for (ChunkSlot slot = 0; slot < cluster.view().chunk_count(); ++slot) {
    if (cluster.view().count(slot).valid > 0) {
      EXPECT_EQ(cluster.view().count(slot).valid, 3);
    }
  }
}

}  // namespace
}  // namespace evenkeel
