#pragma once
#include "services/rebalancer/core/cluster_view.h"
#include "services/rebalancer/core/limits.h"

namespace evenkeel {

/// Copies under way that nobody needs any more, because a server is back with what it held, or a
/// goal was lowered, or a drain was ended: closed as superseded. Only as many as there are too
/// many, the last ordered first; and only where the goal is met without them, on hosts of their
/// own, by replicas on servers at work. Moves are left alone: they do not change how many there
/// are.
Changes needless_copies(const ClusterView& view, const Limits& limits);

}  // namespace evenkeel
