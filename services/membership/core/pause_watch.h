#pragma once
#include "common/base/check.h"
#include "common/base/time.h"

namespace evenkeel::membership {

/// Notices that this process itself stood still (stopped, swapped out, its machine suspended), by
/// a timer that came much later than it should. What looks like silence of the others was then our
/// own deafness and must not be held against them.
class PauseWatch {
 public:
  /// Looked at each `interval`; a look that is late by more than `tolerance` is a pause.
  PauseWatch(Duration interval, Duration tolerance, Instant now)
      : longest_(interval + tolerance), last_look_(now) {}

  /// True if there was a pause since the last look.
  bool look(Instant now) {
    EK_CHECK(now >= last_look_);
    const bool paused = now - last_look_ > longest_;
    last_look_ = now;
    return paused;
  }

 private:
  Duration longest_;
  Instant last_look_;
};

}  // namespace evenkeel::membership
