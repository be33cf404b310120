#pragma once
#include "common/metrics/metrics.h"
#include "services/rebalancer/rebalancer.h"

namespace evenkeel {

/// What the rebalancer tells Prometheus: what it keeps counted anyway, and a walk over the servers.
metrics::Page metrics_page(const Rebalancer& rebalancer);

}  // namespace evenkeel
