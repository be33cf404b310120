#pragma once
#include <optional>

#include "common/base/result.h"
#include "services/rebalancer/core/cluster_view.h"

namespace evenkeel {

// What operators ask for, as changes, or why it cannot be so: kNotFound, or kConflict with the
// state that stands in the way. Asking for what is so already gives no changes. Pure.

/// The server takes nothing new, and what it holds is copied elsewhere. A server that is dead
/// cannot be drained; it can be forgotten once its chunks have their goals elsewhere, if that is
/// what `after` says.
Result<Changes> drain(const ClusterView& view, ServerId server, AfterDrain after);
/// In service again, whether it was drained already or not.
Result<Changes> undrain(const ClusterView& view, ServerId server);
/// Away until then, or later or earlier if it is in maintenance already.
Result<Changes> begin_maintenance(const ClusterView& view, ServerId server, Instant until,
                                  Instant now);
Result<Changes> end_maintenance(const ClusterView& view, ServerId server);

/// One of kPasses, or all of them.
Changes pause(const ClusterView& view, std::optional<Reason> pass, bool paused);

/// Closes a copy, and leaves its chunk in peace for a minute. A delete never expires (S3).
Result<Changes> cancel(const ClusterView& view, CommandId command, Instant now);

Result<Changes> change_goal(const ClusterView& view, ChunkId chunk, int goal);

/// What time makes of admin states: a maintenance ends, a server is drained, or removed, and what
/// it held is forgotten, a bounded number of replicas at a time. Part of of_time().
Changes of_admin_states(const ClusterView& view, Instant now);

}  // namespace evenkeel
