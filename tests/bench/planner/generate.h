#pragma once
#include "common/base/result.h"
#include "tests/bench/planner/workload.h"

namespace evenkeel::workload {

/// The cluster that `spec` describes: its chunks are placed one after the other, each replica on
/// the emptier of two servers drawn from racks that the chunk is not in yet, and then the event
/// happens. Equal specs give equal workloads, on every machine. kMalformed: there are too few racks
/// for the replicas of a chunk.
Result<Workload> generate(const Spec& spec);

}  // namespace evenkeel::workload
