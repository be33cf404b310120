#pragma once
#include <vector>

#include "services/rebalancer/core/cluster_view.h"
#include "services/rebalancer/core/limits.h"

namespace evenkeel {

/// One replica that is to be elsewhere.
struct Relocation {
  ChunkSlot chunk;
  ServerSlot old;     ///< lost, leaving, or too full
  ServerSlot target;  ///< where its place is taken
  ServerSlot source;  ///< what is read
};

/// Which pass is played.
enum class Task { kRepair, kDrain, kRebalance };

/// `limits` without what holds a service back: budgets, bounds of a turn, the dead band,
/// preferences that cost evenness. Rules stay.
Limits unhurried(Limits limits);

/// The plans that the service would make one after the other, all the way to where nothing is left
/// to be done, each copy counted as made at once. Where it takes more than one plan, `view` is
/// changed to how things are then.
std::vector<Relocation> plan_to_end(ClusterView& view, const Limits& limits, Task task);

}  // namespace evenkeel
