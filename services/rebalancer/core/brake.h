#pragma once
#include <optional>
#include <string>

#include "services/rebalancer/core/cluster_view.h"
#include "services/rebalancer/core/limits.h"

namespace evenkeel {

// Where many servers go at once it is the network, the power or a mistake, and not so many broken
// machines. Copying all that they held would take days, fill up the others and be for nothing when
// they return: so everything is held but chunks with one valid replica left, until enough are back
// or an operator says that they will not be.

/// Why the brake has to hold, as things are; none: it has not. Follows from when the servers that
/// are away went, and from nothing else: a restart finds the same.
std::optional<std::string> reason_to_brake(const ClusterView& view, const Limits& limits);

/// Puts the brake on or lets it go, as reason_to_brake() has it, and says so.
Changes braking(const ClusterView& view, const Limits& limits);

/// An operator says that those who are away will not be back: they are no reason to brake, and not
/// awaited.
Changes brake_released(const ClusterView& view);

}  // namespace evenkeel
