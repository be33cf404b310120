#include "services/rebalancer/core/draft.h"
#include "services/rebalancer/core/planner.h"

namespace evenkeel {

void verify(Draft& draft) {
  int examined = 0;
  for (const ChunkSlot slot : draft.view().queue(Queue::kVerify)) {
    if (draft.full() || ++examined > draft.limits().examined_per_turn) return;
    const Chunk chunk = draft.view().chunk(slot);
    bool at_work = false;
    for (const Replica& replica : chunk.replicas) {
      if (replica.state != ReplicaState::kSuspect) continue;
      if (!draft.view().works(replica.server)) continue;
      at_work = true;
      if (!draft.may_check(replica.server)) continue;
      draft.verify(slot, replica.server, VerifyLevel::kContent, "it is suspect");
    }
    // Nobody who could be asked: what is valid must not wait for that.
    if (draft.view().paused(Reason::kRepair)) continue;
    const ReplicaCount count = draft.view().count(slot);
    if (!at_work && count.valid > 0 && count.projected < chunk.goal)
      repair_one(draft, slot, Reason::kRepair);
  }
}

}  // namespace evenkeel
