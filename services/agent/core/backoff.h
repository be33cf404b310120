#pragma once
#include <algorithm>

#include "common/base/time.h"

namespace evenkeel::agent {

/// Pauses that double from `first` up to `longest`.
class Backoff {
 public:
  constexpr Backoff(Duration first, Duration longest)
      : first_(first), longest_(longest), next_(first) {}

  /// The pause to make now; the one after it is longer.
  Duration next() {
    const Duration pause = next_;
    next_ = std::min(longest_, next_ * 2);
    return pause;
  }
  void reset() { next_ = first_; }

 private:
  Duration first_, longest_, next_;
};

}  // namespace evenkeel::agent
