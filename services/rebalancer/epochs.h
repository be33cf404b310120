#pragma once
#include "common/base/time.h"
#include "common/model/ids.h"

namespace evenkeel {

/// The least epoch of a rebalancer that starts at `wall`: milliseconds since 2026.
///
/// A counter in the database would do, were it not for databases that are lost, or restored from a
/// backup: they would count again what agents have seen, and nobody would notice that two
/// histories share an epoch and its command ids. Should the clock be behind, the counter goes on by
/// itself; agents that have seen a higher epoch say so, and the rebalancer then goes above that.
Epoch epoch_at(Timestamp wall);

}  // namespace evenkeel
