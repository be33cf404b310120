#pragma once
#include "services/rebalancer/files.h"

namespace evenkeel {

/// What there is to say of a chunk, a server or a command: what is held true of it now, and what
/// was decided about it in the last thirty days. Changes nothing.
Outcomes explain(const ClusterView& view, Store& store, const Limits& limits, Instant now,
                 const Explain& question);

}  // namespace evenkeel
