#pragma once
#include "services/rebalancer/core/cluster_view.h"
#include "services/rebalancer/core/limits.h"

namespace evenkeel {

// Most servers that go come back: a reboot, a switch, an upgrade. What they hold is not copied
// before a time is over that depends on how they went, unless a chunk would have too little left
// meanwhile; which chunks these are, the view knows (ServerAwaited).
//
// A server that comes and goes without ever saying what it holds is away all the time: its time
// counts from when it first went.

/// `server` goes dead now, as `dead` says.
void await(const Server& server, const Member& dead, const Limits& limits, Instant now,
           Changes& changes);

/// `server` is heard again. Until it has said what it holds it does not count, so it is awaited a
/// little further; also if it was given up before, since it is nearly there.
void await_report(const Server& server, const Limits& limits, Instant now, Changes& changes);

/// Where most of a rack went at once it was the rack that went: all of them are awaited for longer.
void await_racks(const ClusterView& view, const Limits& limits, Instant now, Changes& changes);

/// Those whose time is over are not awaited any more.
void end_awaiting(const ClusterView& view, Instant now, Changes& changes);

}  // namespace evenkeel
