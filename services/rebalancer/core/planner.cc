#include "services/rebalancer/core/planner.h"

#include "services/rebalancer/core/draft.h"
#include "services/rebalancer/core/mode.h"

namespace evenkeel {

Changes plan(const ClusterView& view, const Limits& limits, Instant now) {
  if (mode_of(view).mode != Mode::kRunning) return {};
  Draft draft(view, limits, now);
  repair(draft);
  verify(draft);
  trim(draft);
  retire(draft);
  balance(draft);
  return std::move(draft).changes();
}

}  // namespace evenkeel
