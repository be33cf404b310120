#include "services/rebalancer/core/draft.h"
#include "services/rebalancer/core/planner.h"

namespace evenkeel {

void repair_last(Draft& draft) {
  const ClusterView& view = draft.view();
  draft.set_urgency(urgency_of(Queue::kRisk1));
  int examined = 0;
  const auto enough = [&] { return draft.full() || ++examined > draft.limits().examined_per_turn; };
  const auto waiting = view.queue(Queue::kRisk1);
  // Begins at another place each time, as repair() does.
  const std::size_t start = waiting.empty() ? 0 : view.revision() % waiting.size();
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    if (enough()) return;
    repair_one(draft, waiting[(start + i) % waiting.size()], Reason::kRepair);
  }
  for (const ChunkSlot slot : view.queue(Queue::kVerify)) {
    if (enough()) return;
    if (view.count(slot).valid <= 1) verify_one(draft, slot);
  }
}

}  // namespace evenkeel
