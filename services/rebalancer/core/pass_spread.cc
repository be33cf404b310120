#include "services/rebalancer/core/draft.h"
#include "services/rebalancer/core/placement.h"
#include "services/rebalancer/core/planner.h"

namespace evenkeel {
namespace {

/// Of the replicas that share a domain, the one on the fullest server.
std::optional<ServerSlot> to_move(const Draft& draft, const Chunk& chunk) {
  const ClusterView& view = draft.view();
  const SpreadLevel level = view.spread(chunk.policy);
  std::optional<ServerSlot> fullest;
  for (const Replica& one : chunk.replicas) {
    if (one.state != ReplicaState::kValid || !view.stays(one.server)) continue;
    bool shares = false;
    for (const Replica& other : chunk.replicas) {
      shares |= other.server != one.server && other.state == ReplicaState::kValid &&
                view.counts(other.server) && view.stays(other.server) &&
                view.place(other.server).at(level) == view.place(one.server).at(level);
    }
    if (!shares || !view.counts(one.server)) continue;
    if (!fullest || draft.use(one.server) > draft.use(*fullest)) fullest = one.server;
  }
  return fullest;
}

}  // namespace

void spread_one(Draft& draft, ChunkSlot slot) {
  const Chunk chunk = draft.view().chunk(slot);
  const auto from = to_move(draft, chunk);
  if (!from) return;
  const auto source = choose_source(draft, chunk);
  if (!source) return;
  const Choice target = choose_target(draft, chunk, source, {}, from);
  if (target.server) {
    draft.replicate(slot, *source, *target.server, Reason::kSpread, from);
    draft.instead_of(target.losers);
  } else if (!target.only_busy) {
    draft.set_aside(slot,
                    "two replicas share a failure domain; no server elsewhere can take one: " +
                        in_words(refusals(draft, chunk, 6)),
                    draft.limits().aside);
  }
}

void spread(Draft& draft) {
  const auto waiting = draft.view().queue(Queue::kSpread);
  int examined = 0;
  const std::size_t start = waiting.empty() ? 0 : draft.view().revision() % waiting.size();
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    if (draft.full() || ++examined > draft.limits().examined_per_turn) return;
    const ChunkSlot slot = waiting[(start + i) % waiting.size()];
    if (!draft.touched(slot)) spread_one(draft, slot);
  }
}

}  // namespace evenkeel
