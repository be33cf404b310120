#include "services/rebalancer/core/draft.h"
#include "services/rebalancer/core/planner.h"

namespace evenkeel {

void retire_one(Draft& draft, ChunkSlot slot) {
  const ClusterView& view = draft.view();
  const Chunk chunk = view.chunk(slot);
  for (const Replica& replica : chunk.replicas) {
    if (!view.server(replica.server).works()) continue;
    if (!draft.may_check(replica.server)) return;
    // One at a time (S2); the acknowledgement brings the next.
    draft.remove(slot, replica.server, view.version_of(chunk, replica), Reason::kRetire, {}, true,
                 "its owner deleted the chunk");
    return;
  }
  draft.set_aside(slot, "retired; its last replicas are on servers that are away", 1min);
}

void retire(Draft& draft) {
  if (draft.view().deletes_held()) return;
  int examined = 0;
  for (const ChunkSlot slot : draft.view().queue(Queue::kRetired)) {
    if (draft.full() || ++examined > draft.limits().examined_per_turn) return;
    retire_one(draft, slot);
  }
}

}  // namespace evenkeel
