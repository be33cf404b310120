#include <algorithm>

#include "services/rebalancer/core/draft.h"
#include "services/rebalancer/core/planner.h"

namespace evenkeel {

void verify_one(Draft& draft, ChunkSlot slot) {
  const Chunk chunk = draft.view().chunk(slot);
  const ReplicaCount count = draft.view().count(slot);
  const bool at_work =
      std::any_of(chunk.replicas.begin(), chunk.replicas.end(), [&](const Replica& replica) {
        return replica.state == ReplicaState::kSuspect && draft.view().works(replica.server);
      });
  // What cannot be asked, or would not be enough, does not hold up a copy.
  const bool may_do = at_work && count.valid > 1 && count.projected + count.suspect >= chunk.goal;
  const bool may_copy = !may_do && !draft.view().paused(Reason::kRepair);
  if (count.valid > 0 && count.projected < chunk.goal && may_copy) {
    repair_one(draft, slot, Reason::kRepair);
  }
  for (const Replica& replica : chunk.replicas) {
    if (replica.state != ReplicaState::kSuspect || !draft.view().works(replica.server)) continue;
    if (!draft.may_check(replica.server)) continue;
    draft.verify(slot, replica.server, VerifyLevel::kContent, "it is suspect");
  }
}

void verify(Draft& draft) {
  int examined = 0;
  for (const ChunkSlot slot : draft.view().queue(Queue::kVerify)) {
    if (draft.full() || ++examined > draft.limits().examined_per_turn) return;
    verify_one(draft, slot);
  }
}

}  // namespace evenkeel
