#pragma once
#include "services/rebalancer/core/cluster_view.h"

namespace evenkeel {

/// Whether a chunk would be short without its replica on `server`: fewer than its goal are valid
/// on other servers that are in service, at work, and not about to lose it. A chunk that its owner
/// has deleted needs nothing.
bool rests_on(const ClusterView& view, ChunkSlot chunk, ServerSlot server);

/// Whether anything rests on what the server holds, or is promised to it. Walks all that it holds
/// if the answer is no; looks first where the reasons for a yes are.
bool anything_rests_on(const ClusterView& view, ServerSlot server);

}  // namespace evenkeel
