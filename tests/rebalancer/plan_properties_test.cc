#include <algorithm>
#include <cstdlib>

#include "common/base/random.h"
#include "tests/rebalancer/cluster_builder.h"

namespace evenkeel {
namespace {

/// A cluster in which much is not as it should be.
std::string troubled(Rng& rng) {
  std::string drawing;
  const std::uint64_t servers = rng.between(4, 12);
  for (std::uint64_t s = 1; s <= servers; ++s) {
    drawing += "s" + std::to_string(s) + " z" + std::to_string(rng.below(2)) + "/r" +
               std::to_string(rng.below(5)) + "/h" + std::to_string(s) + " " +
               std::to_string(rng.between(1, 4) * 20'000);
    constexpr const char* kOdd[] = {" dead", " suspect", " draining", " presumed", " registering"};
    if (rng.chance(1, 4)) drawing += kOdd[rng.below(5)];
    drawing += "\n";
  }
  const std::uint64_t chunks = rng.between(1, 80);
  for (std::uint64_t c = 1; c <= chunks; ++c) {
    drawing += "c" + std::to_string(c) + " " + std::to_string(rng.between(1, 4)) + " " +
               std::to_string(rng.between(1, 200)) + " =";
    std::vector<std::uint64_t> holders;
    for (std::uint64_t s = 1; s <= servers; ++s) holders.push_back(s);
    rng.shuffle(holders);
    holders.resize(rng.below(std::min<std::uint64_t>(servers, 5) + 1));
    constexpr const char* kStates[] = {":surplus", ":suspect", ":corrupt", ":stale"};
    for (const std::uint64_t holder : holders) {
      drawing += " s" + std::to_string(holder);
      if (rng.chance(1, 6)) drawing += kStates[rng.below(4)];
    }
    drawing += "\n";
  }
  return drawing;
}

Limits without_bounds() {
  Limits limits;
  limits.commands_per_turn = limits.examined_per_turn = 100'000;
  limits.copies_in = limits.copies_out = limits.checks = 100'000;
  return limits;
}

/// Runs `test` on thousands of clusters; EVENKEEL_SEED picks one.
template <class Test>
void for_each_cluster(std::uint64_t clusters, const Test& test) {
  const char* only = std::getenv("EVENKEEL_SEED");
  const std::uint64_t first = only ? std::stoull(only) : 1;
  for (std::uint64_t seed = first; seed < first + (only ? 1 : clusters); ++seed) {
    SCOPED_TRACE("EVENKEEL_SEED=" + std::to_string(seed));
    Rng rng(seed);
    const std::string drawing = troubled(rng);
    SCOPED_TRACE(drawing);
    Cluster cluster(drawing);
    cluster.limits() = without_bounds();
    test(cluster, rng);
    if (testing::Test::HasFailure()) return;
  }
}

/// What balancing lowers, but for what no move changes: the sum of squared bytes over capacity.
double potential(const ClusterView& view) {
  double sum = 0;
  for (const auto& [id, slot] : view.servers()) {
    const double bytes = static_cast<double>(view.server(slot).projected().count());
    sum += bytes * bytes / static_cast<double>(view.server(slot).member.capacity.count());
  }
  return sum;
}

int commands_in(const Changes& changes) {
  return static_cast<int>(std::count_if(changes.begin(), changes.end(), [](const Change& change) {
    return std::holds_alternative<CommandIssued>(change);
  }));
}

/// What was chosen to go and is needed after all is taken back; nothing else is decided.
void take_back_all(Cluster& cluster) {
  for (bool again = true; again;) {
    again = false;
    for (const Change& change : cluster.planned()) {
      if (!std::holds_alternative<ReplicaChanged>(change)) continue;
      cluster.apply({change});
      again = true;
    }
  }
}

/// In flight counts as done.
TEST(Plan, AfterItsOwnOrdersNothing) {
  int commands = 0;
  for_each_cluster(3'000, [&](Cluster& cluster, Rng&) {
    take_back_all(cluster);
    const Changes first = cluster.planned();
    commands += commands_in(first);
    cluster.apply(first);
    EXPECT_EQ(commands_in(cluster.planned()), 0) << plan_of(cluster);
  });
  EXPECT_GT(commands, 30'000);
}

/// About a chunk of which a replica is taken back, a plan decides nothing else: the next ones do.
TEST(Plan, AfterItsOwnHoldsNoCopyForSafetyAndSoonNothing) {
  for_each_cluster(3'000, [](Cluster& cluster, Rng&) {
    cluster.apply(cluster.planned());
    const Changes second = cluster.planned();
    for (const Change& change : second) {
      const auto* issued = std::get_if<CommandIssued>(&change);
      if (!issued || issued->command.kind != CommandKind::kReplicate) continue;
      EXPECT_EQ(issued->command.reason, Reason::kBalance) << plan_of(cluster);
    }
    cluster.apply(second);
    for (int plans = 3; plans <= 8; ++plans) cluster.apply(cluster.planned());
    EXPECT_EQ(plan_of(cluster), "");
  });
}

TEST(Plan, OrdersNoMoreCopiesThanChunksLack) {
  for_each_cluster(3'000, [](Cluster& cluster, Rng&) {
    std::map<ChunkId, int> before;
    for (ChunkSlot slot = 0; slot < cluster.view().chunk_count(); ++slot) {
      before[cluster.view().chunk(slot).id] = cluster.view().count(slot).projected;
    }
    cluster.apply(cluster.planned());
    for (ChunkSlot slot = 0; slot < cluster.view().chunk_count(); ++slot) {
      const Chunk chunk = cluster.view().chunk(slot);
      EXPECT_LE(cluster.view().count(slot).projected, std::max<int>(before[chunk.id], chunk.goal))
          << to_string(chunk.id);
    }
  });
}

TEST(Plan, RepeatedEventsChangeNothing) {
  for_each_cluster(1'500, [](Cluster& cluster, Rng& rng) {
    cluster.apply(cluster.planned());
    for (const CommandRecord& command : cluster.open()) {
      const bool done = rng.chance(3, 4);
      const auto ack =
          done ? cluster.ack(command) : cluster.ack(command, Outcome::kFailed, Why::kNoSource);
      EXPECT_FALSE(cluster.take(ack).empty());
      EXPECT_TRUE(cluster.take(ack).empty()) << to_string(command.id);
    }
  });
}

TEST(Plan, EachMoveForEvennessLowersThePotential) {
  int moves = 0;
  for_each_cluster(1'500, [&](Cluster& cluster, Rng&) {
    for (int turn = 0; turn < 5; ++turn) {
      for (const Change& change : cluster.planned()) {
        const auto* issued = std::get_if<CommandIssued>(&change);
        const double before = potential(cluster.view());
        cluster.apply({change});
        if (!issued || issued->command.reason != Reason::kBalance || !issued->command.drop)
          continue;
        EXPECT_LT(potential(cluster.view()), before) << to_string(*issued->command.chunk);
        ++moves;
      }
      for (const CommandRecord& command : cluster.open()) cluster.take(cluster.ack(command));
    }
  });
  EXPECT_GT(moves, 1'000);
}

}  // namespace
}  // namespace evenkeel
