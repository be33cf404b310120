#include "services/rebalancer/core/planner.h"

#include "services/rebalancer/core/draft.h"
#include "services/rebalancer/core/mode.h"

namespace evenkeel {

Changes plan(const ClusterView& view, const Limits& limits, Instant now) {
  const Mode mode = mode_of(view).mode;
  if (mode == Mode::kUnsynced) return {};
  Draft draft(view, limits, now);
  report(draft);
  const bool only_last = mode == Mode::kBraked || mode == Mode::kLogFull;
  if (only_last && !view.paused(Reason::kRepair)) repair_last(draft);
  if (mode != Mode::kRunning) return std::move(draft).changes();
  if (!view.paused(Reason::kRepair)) repair(draft);
  verify(draft);
  if (!view.paused(Reason::kDrain)) drain(draft);
  // A move is whole only once what it leaves behind is trimmed.
  if (!view.paused(Reason::kSpread) && !view.paused(Reason::kTrim)) spread(draft);
  if (!view.paused(Reason::kTrim)) trim(draft, Trim::kMovesYield);
  retire(draft);
  if (!view.paused(Reason::kBalance) && !view.paused(Reason::kTrim)) balance(draft);
  if (!view.paused(Reason::kTrim)) trim(draft, Trim::kMovesLeft);
  return std::move(draft).changes();
}

}  // namespace evenkeel
