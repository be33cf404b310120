#include "services/rebalancer/core/draft.h"
#include "services/rebalancer/core/planner.h"

namespace evenkeel {

void verify(Draft& draft) {
  int examined = 0;
  for (const ChunkSlot slot : draft.view().queue(Queue::kVerify)) {
    if (draft.full() || ++examined > draft.limits().examined_per_turn) return;
    const Chunk& chunk = draft.view().chunk(slot);
    for (const Replica& replica : chunk.replicas) {
      if (replica.state != ReplicaState::kSuspect) continue;
      if (!draft.view().server(replica.server).works() || !draft.may_check(replica.server))
        continue;
      draft.verify(slot, replica.server, VerifyLevel::kContent, "it is suspect");
    }
  }
}

}  // namespace evenkeel
