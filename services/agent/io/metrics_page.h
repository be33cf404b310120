#pragma once
#include "common/metrics/metrics.h"
#include "services/agent/io/agent.h"

namespace evenkeel::agent {

/// What an agent tells Prometheus. Totals are of this run.
metrics::Page metrics_page(const Agent& agent);

}  // namespace evenkeel::agent
