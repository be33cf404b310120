#pragma once
#include <algorithm>
#include <vector>

#include "common/base/random.h"
#include "tests/bench/planner/judge.h"
#include "tests/bench/planner/workload.h"

namespace evenkeel::workload {

/// A plan that breaks no rule but pays no heed to balance: whatever has to leave goes to a random
/// server that may take it, and so does one replica in twenty where there is no need.
inline std::vector<Move> draw_careless_plan(const Workload& workload, Rng& rng) {
  std::vector<Move> plan;
  std::vector<std::uint64_t> used;
  for (const Server& server : workload.servers) used.push_back(server.used.count());
  std::vector<ServerIndex> now = workload.holders;

  for (std::size_t at = 0; at < now.size(); ++at) {
    const auto chunk = static_cast<ChunkIndex>(at / workload.replicas);
    const ServerIndex old = now[at];
    if (usable(workload.servers[old].state) && !rng.chance(1, 20)) continue;
    const auto before = workload.holders_of(chunk);
    const ServerIndex from = before[rng.below(before.size())];
    if (workload.servers[from].state == ServerState::kDown) continue;
    const auto dst = static_cast<ServerIndex>(rng.below(workload.servers.size()));
    const Server& target = workload.servers[dst];
    const std::uint64_t filled = used[dst] + workload.size_of(chunk).count();
    const auto* first = &now[std::size_t{chunk} * workload.replicas];
    if (!usable(target.state) ||
        static_cast<double>(filled) >
            workload.limit.value * static_cast<double>(target.capacity.count()) ||
        std::any_of(first, first + workload.replicas, [&](ServerIndex holder) {
          return workload.servers[holder].rack == target.rack;
        })) {
      continue;
    }
    used[dst] = filled;
    now[at] = dst;
    plan.push_back({chunk, old, dst, from});
  }
  return plan;
}

/// One that breaks them all: chunks and servers at random, some of which there are not.
inline std::vector<Move> draw_broken_plan(const Workload& workload, Rng& rng) {
  std::vector<Move> plan;
  const std::size_t chunks = workload.size_kib.size(), servers = workload.servers.size();
  for (std::size_t i = 0; i < chunks; ++i) {
    const auto chunk = static_cast<ChunkIndex>(rng.below(chunks));
    const auto before = workload.holders_of(chunk);
    const auto any = [&] { return static_cast<ServerIndex>(rng.below(servers + 2)); };
    const auto holder = [&] { return before[rng.below(before.size())]; };
    const ServerIndex old = rng.chance(9, 10) ? holder() : any();
    // A few servers get the most, so that they overflow.
    const ServerIndex dst = rng.chance(1, 2) ? any() : static_cast<ServerIndex>(rng.below(3));
    const ServerIndex from = rng.chance(9, 10) ? holder() : any();
    plan.push_back({chunk, old, dst, from});
  }
  return plan;
}

}  // namespace evenkeel::workload
