#pragma once
#include "common/metrics/metrics.h"
#include "services/membership/io/membership.h"

namespace evenkeel::membership {

/// What membership tells Prometheus.
metrics::Page metrics_page(const Membership& membership, const MemberStore& store);

}  // namespace evenkeel::membership
