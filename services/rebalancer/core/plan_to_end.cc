#include "services/rebalancer/core/plan_to_end.h"

#include "services/rebalancer/core/draft.h"
#include "services/rebalancer/core/evening.h"
#include "services/rebalancer/core/planner.h"

namespace evenkeel {
namespace {

void run(Draft& draft, Task task) {
  switch (task) {
    case Task::kRepair:
      repair(draft);
      return even_out(draft);
    case Task::kDrain:
      drain(draft);
      return even_out(draft);
    case Task::kRebalance:
      return balance(draft);
  }
}

/// Whose place a copy without a drop takes: the `nth` replica that does not stay.
ServerSlot replaced(const ClusterView& view, ChunkSlot chunk, int nth) {
  for (const PackedReplica replica : view.table().replicas(chunk)) {
    const ServerSlot server = replica.server();
    const bool stays = replica.valid() && view.counts(server) && view.stays(server);
    if (!stays && nth-- == 0) return server;
  }
  return kNoServer;
}

void collect(const ClusterView& view, const Draft& draft, std::vector<Relocation>& all) {
  const std::vector<Copy>& copies = draft.copies();
  int nth = 0;  // of the copies of one chunk, which follow each other
  for (std::size_t i = 0; i < copies.size(); ++i) {
    const Copy& copy = copies[i];
    nth = i > 0 && copies[i - 1].chunk == copy.chunk ? nth + 1 : 0;
    const ServerSlot old = copy.drop != kNoServer ? copy.drop : replaced(view, copy.chunk, nth);
    all.push_back({copy.chunk, old, copy.target, copy.source});
  }
}

}  // namespace

Limits unhurried(Limits limits) {
  constexpr int kMany = 1 << 30;
  limits.commands_per_turn = limits.examined_per_turn = kMany / 8;
  limits.copies_in = limits.copies_out = limits.checks = kMany;
  limits.bytes_in = limits.bytes_out = Bytes(std::uint64_t{1} << 60);
  limits.looks_per_turn = SIZE_MAX;
  limits.dead_band = Ratio(0);
  limits.prefer_spread = limits.prefer_near = limits.note_losers = false;
  limits.largest_first = true;
  return limits;
}

std::vector<Relocation> plan_to_end(ClusterView& view, const Limits& limits, Task task) {
  std::vector<Relocation> all;
  while (true) {
    Draft draft(view, limits, view.started());
    // Its new replica may not be there yet when another is to be read or moved.
    for (const Relocation& relocation : all) draft.exclude(relocation.chunk);
    run(draft, task);
    const std::size_t before = all.size();
    collect(view, draft, all);
    if (all.size() == before || !(draft.left_over() || draft.full())) return all;
    for (std::size_t i = before; i < all.size(); ++i) {
      if (all[i].old != kNoServer) view.settle(all[i].chunk, all[i].old, all[i].target);
    }
  }
}

}  // namespace evenkeel
