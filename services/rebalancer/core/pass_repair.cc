#include <algorithm>

#include "services/rebalancer/core/placement.h"
#include "services/rebalancer/core/planner.h"

namespace evenkeel {
namespace {

std::string because(const Draft& draft, const Chunk& chunk, ServerSlot source, ServerSlot target) {
  const ReplicaCount count = draft.view().count(chunk);
  const int share = static_cast<int>(draft.use(target) * 1000);
  return std::to_string(count.valid) + " of " + std::to_string(chunk.goal) +
         " replicas valid; from " + to_string(draft.view().server(source).id()) +
         " (fewest copies out) to " + to_string(draft.view().server(target).id()) + " (use " +
         std::to_string(share / 10) + "." + std::to_string(share % 10) + " %)";
}

bool any_source(const ClusterView& view, const Chunk& chunk) {
  return std::any_of(chunk.replicas.begin(), chunk.replicas.end(), [&](const Replica& replica) {
    return replica.valid() && view.server(replica.server).works();
  });
}

}  // namespace

void repair_one(Draft& draft, ChunkSlot slot) {
  const Chunk& chunk = draft.view().chunk(slot);
  if (!any_source(draft.view(), chunk)) {
    draft.set_aside(slot, "no live server with a valid replica has reported", draft.limits().aside);
    return;
  }
  const auto source = choose_source(draft, chunk);
  if (!source) return;  // all of them are busy: the end of a copy makes us look again
  const Choice target = choose_target(draft, chunk, source);
  if (target.server) {
    draft.keep_surplus(slot);
    draft.replicate(slot, *source, *target.server, Reason::kRepair, std::nullopt,
                    because(draft, chunk, *source, *target.server));
    return;
  }
  const bool only_busy = std::any_of(target.refused.begin(), target.refused.end(),
                                     [](const auto& r) { return r.second == Refusal::kBusy; });
  if (only_busy) return;
  draft.set_aside(slot, "no server can take it: " + in_words(target.refused), draft.limits().aside);
}

void repair(Draft& draft) {
  constexpr Queue kByRisk[] = {Queue::kRisk1, Queue::kRisk2, Queue::kRisk3, Queue::kRiskMore};
  int examined = 0;
  for (const Queue risk : kByRisk) {
    const auto waiting = draft.view().queue(risk);
    // Begins at another place each time, so that chunks whose servers are all busy cannot keep the
    // ones behind them from being looked at.
    const std::size_t start = waiting.empty() ? 0 : draft.view().revision() % waiting.size();
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (draft.full() || ++examined > draft.limits().examined_per_turn) return;
      repair_one(draft, waiting[(start + i) % waiting.size()]);
    }
  }
}

}  // namespace evenkeel
