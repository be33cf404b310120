#pragma once
#include "services/rebalancer/core/draft.h"

namespace evenkeel {

/// Evens out what a plan's copies make of their targets: chunks that were placed last had to take
/// what was left. A copy goes from a fuller server to an emptier one where the rules let it, or
/// takes the place of another that can. Costs no bytes, as nothing has been sent yet. Ends when no
/// step makes the fullest of the plan's targets emptier, or after a number of steps in proportion
/// to the plan.
void even_out(Draft& draft);

}  // namespace evenkeel
