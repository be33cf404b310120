#pragma once
#include "common/base/time.h"
#include "services/rebalancer/core/change.h"

/// A database that was lost, or restored from a backup, has a history that goes another way than
/// the one that agents have seen. No number may mean one thing in the one and another in the other.
namespace evenkeel {

/// The least epoch of a rebalancer that starts at `wall`: milliseconds since 2026. A counter in the
/// database would do, were it not for other histories, which would count the same. Should the clock
/// be behind, the counter goes on by itself; agents that have seen a higher epoch say so, and the
/// rebalancer then goes above that.
Epoch epoch_at(Timestamp wall);

/// Files are numbered from here in an epoch. A client that goes on with a put that it opened before
/// a database was lost must not go on with somebody else's: no agent is there to tell of such a
/// number, and a client may be heard before all agents.
FileId first_file_of(Epoch epoch);

/// Moves the numbers that `changes` begin anew on by chance: an epoch by up to 2^20, ids of
/// commands by up to 2^32, of chunks by up to 2^40. Two histories that begin above the same
/// numbers, which agents had seen of a third, part there; what was not seen, since its agent was
/// away, is not met.
void set_apart(Changes& changes);

}  // namespace evenkeel
