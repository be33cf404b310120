#pragma once
#include <string>
#include <vector>

#include "services/rebalancer/core/cluster_view.h"
#include "services/rebalancer/core/limits.h"

namespace evenkeel {

/// Whether enough of the live servers have reported since the start, or the time for it is over.
bool safe_mode_over(const ClusterView& view, const Limits& limits, Instant now);

enum class Mode { kUnsynced, kSafeMode, kBraked, kLogFull, kRunning };

/// What the rebalancer may do now, and why not more. All plans are made in kRunning only; in
/// kBraked and kLogFull, chunks with one valid replica left are copied.
struct ModeNow {
  Mode mode;
  std::string why;
};
ModeNow mode_of(const ClusterView& view);
/// All that keep it from running, the strictest first; empty: it runs.
std::vector<ModeNow> held_by(const ClusterView& view);
const char* to_string(Mode mode);

}  // namespace evenkeel
