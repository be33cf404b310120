#include "services/rebalancer/core/planner.h"

#include "services/rebalancer/core/draft.h"
#include "services/rebalancer/core/mode.h"

namespace evenkeel {

Changes plan(const ClusterView& view, const Limits& limits, Instant now) {
  const Mode mode = mode_of(view).mode;
  if (mode == Mode::kUnsynced) return {};
  Draft draft(view, limits, now);
  report(draft);
  if (mode != Mode::kRunning) return std::move(draft).changes();
  repair(draft);
  verify(draft);
  drain(draft);
  spread(draft);
  trim(draft);
  retire(draft);
  balance(draft);
  return std::move(draft).changes();
}

}  // namespace evenkeel
