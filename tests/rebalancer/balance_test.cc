#include "common/base/random.h"
#include "tests/rebalancer/cluster_builder.h"

namespace evenkeel {
namespace {

struct Drawn {
  std::string drawing;
  std::uint64_t largest = 0;
};

/// Servers of different size in racks of their own, unevenly filled, and some that are empty.
Drawn unbalanced(Rng& rng) {
  Drawn result;
  const std::uint64_t servers = rng.between(4, 9), full = rng.between(3, servers);
  for (std::uint64_t s = 1; s <= servers; ++s) {
    result.drawing += "s" + std::to_string(s) + " r" + std::to_string(s) + "/h " +
                      std::to_string(rng.between(1, 3) * 20'000) + "\n";
  }
  const std::uint64_t chunks = rng.between(1, 120);
  for (std::uint64_t c = 1; c <= chunks; ++c) {
    const std::uint64_t goal = rng.between(1, 3), size = rng.between(1, 100);
    result.largest = std::max(result.largest, size);
    result.drawing +=
        "c" + std::to_string(c) + " " + std::to_string(goal) + " " + std::to_string(size) + " =";
    std::vector<std::uint64_t> holders;
    for (std::uint64_t s = 1; s <= full; ++s) holders.push_back(s);
    rng.shuffle(holders);
    for (std::uint64_t i = 0; i < goal; ++i) result.drawing += " s" + std::to_string(holders[i]);
    result.drawing += "\n";
  }
  return result;
}

/// What would have to move if chunks could be cut at will.
double lower_bound(const Cluster& cluster) {
  double bytes = 0, capacity = 0, over = 0;
  for (const auto& [id, slot] : cluster.view().servers()) {
    bytes += static_cast<double>(cluster.view().server(slot).used.count());
    capacity += static_cast<double>(cluster.view().server(slot).member.capacity.count());
  }
  for (const auto& [id, slot] : cluster.view().servers()) {
    const Server& server = cluster.view().server(slot);
    const double share = bytes / capacity * static_cast<double>(server.member.capacity.count());
    over += std::max(0.0, static_cast<double>(server.used.count()) - share);
  }
  return over;
}

void expect_safe(const Cluster& cluster) {
  for (ChunkSlot slot = 0; slot < cluster.view().chunk_count(); ++slot) {
    const Chunk chunk = cluster.view().chunk(slot);
    ASSERT_GE(cluster.view().count(chunk).valid, chunk.goal) << to_string(chunk.id);
  }
  for (const auto& [id, slot] : cluster.view().servers()) {
    const Server& server = cluster.view().server(slot);
    ASSERT_LE(server.used, server.member.capacity * cluster.limits_now().fill_limit);
  }
}

TEST(Balancing, EndsNearTheLeastThatHasToMoveAndNeverBelowGoal) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const Drawn drawn = unbalanced(rng);
    Cluster cluster(drawn.drawing);
    const double least = lower_bound(cluster);
    double moved = 0;
    int turns = 0;
    for (bool rest = false; !rest && turns < 2'000; ++turns) {
      const Changes planned = cluster.planned();
      for (const Change& change : planned) {
        const auto* issued = std::get_if<CommandIssued>(&change);
        if (issued && issued->command.kind == CommandKind::kReplicate) {
          moved += static_cast<double>(issued->command.size.count());
        }
      }
      cluster.apply(planned);
      auto open = cluster.open();
      rng.shuffle(open);
      // Some end sooner than others.
      open.erase(open.begin() + static_cast<std::ptrdiff_t>((open.size() + 1) / 2), open.end());
      for (const CommandRecord& command : open) {
        cluster.take(cluster.ack(command));
        expect_safe(cluster);
        if (testing::Test::HasFatalFailure()) return;
      }
      rest = planned.empty() && open.empty();
    }
    ASSERT_LT(turns, 2'000) << "no rest";
    for (ChunkSlot slot = 0; slot < cluster.view().chunk_count(); ++slot) {
      const Chunk chunk = cluster.view().chunk(slot);
      ASSERT_EQ(cluster.view().count(chunk).valid, chunk.goal);
    }
    const double servers = static_cast<double>(cluster.view().server_slots());
    ASSERT_LE(moved, 2 * least + servers * static_cast<double>(drawn.largest));
  }
}

TEST(Balancing, WhatIsInFlightIsAsGoodAsDone) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    Cluster issued(unbalanced(rng).drawing);
    for (int turn = 0; turn < 500; ++turn) issued.apply(issued.planned());
    std::map<ServerId, Bytes> promised;
    for (const auto& [id, slot] : issued.view().servers()) {
      promised.emplace(id, issued.view().server(slot).projected());
    }
    for (bool again = true; again;) {  // only what was ordered, and what that leads to, no more
      again = false;
      for (const CommandRecord& command : issued.open()) {
        again = true;
        issued.take(issued.ack(command));
      }
      for (const Change& change : issued.planned()) {
        const auto* more = std::get_if<CommandIssued>(&change);
        if (!more || more->command.kind == CommandKind::kReplicate) continue;
        CommandRecord record = more->command;
        record.id = issued.view().next_command();
        issued.apply({CommandIssued{record}});
      }
    }
    for (const auto& [id, slot] : issued.view().servers()) {
      ASSERT_EQ(issued.view().server(slot).used, promised.at(id)) << to_string(id);
    }
  }
}

}  // namespace
}  // namespace evenkeel
