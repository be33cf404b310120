#pragma once
#include <optional>
#include <string>

#include "common/base/time.h"

namespace evenkeel::agent {

struct AgeTime {};  // tag only: grows over restarts, means nothing on another storage
/// A point on the clock by which ages are told.
using AgeReading = std::chrono::time_point<AgeTime, Duration>;

/// What is kept of the clock while the agent is not running.
struct AgeMark {
  AgeReading reading{};
  std::string boot;   ///< names the run of the machine
  Instant instant{};  ///< when it was written; means something during the same boot only
  Timestamp wall{};
};

/// Tells how long ago something was, over restarts of agent and machine. Within one boot it follows
/// the monotonic clock; over a boot it adds what the wall clock says has gone by. Where the wall
/// clock cannot be right, it was set back, all that is older becomes "never known": an age may be
/// told too large, never too small.
class AgeClock {
 public:
  AgeClock(const std::optional<AgeMark>& saved, std::string boot, Instant now, Timestamp wall);

  AgeReading reading(Instant now) const { return base_ + (now - start_); }
  /// Nothing: so old, or so uncertain, that it counts as never.
  std::optional<Duration> age(AgeReading then, Instant now) const;
  AgeMark mark(Instant now, Timestamp wall) const { return {reading(now), boot_, now, wall}; }

 private:
  std::string boot_;
  Instant start_;
  AgeReading base_;
};

}  // namespace evenkeel::agent
