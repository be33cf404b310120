#pragma once
#include <optional>

#include "common/model/explanation.h"
#include "services/rebalancer/core/cluster_view.h"
#include "services/rebalancer/core/limits.h"

namespace evenkeel {

/// What there is to say of a chunk or a server from what is held true now, decisions left out; none
/// if it is not known. Asks the passes themselves what they would do, so that it cannot say other
/// than what they do.
///
/// For a chunk that is not as it should be and for which nothing is under way, `causes` is complete
/// and has nothing to spare: if all of them go, the next plan does something for it (unless that is
/// full before its turn comes), and while one of them stays, no plan does. Where one of several
/// remedies would do, that is one cause: one of the candidates without its refusals is enough for
/// `no_target`, one holder at work for `no_source`.
///
/// For a server the causes are what keeps it from being given replicas.
std::optional<Explained> explain(const ClusterView& view, const Limits& limits, Instant now,
                                 ChunkId chunk);
std::optional<Explained> explain(const ClusterView& view, const Limits& limits, Instant now,
                                 ServerId server);
/// A command that is open.
std::optional<Explained> explain(const ClusterView& view, const Limits& limits, Instant now,
                                 CommandId command);

}  // namespace evenkeel
