#pragma once
// Stands in for common/reactor/turn_clock.h where programs run in a simulated world
// (tests/schedules).
#include <cstddef>
#include <functional>

#include "common/reactor/loop.h"

namespace evenkeel {

struct TurnLimits {
  Duration max_delay{0};
  std::size_t max_items = 1024;
};

class TurnClock {
 public:
  TurnClock(Loop& loop, Duration max_delay, std::function<void()> on_due)
      : max_delay_(max_delay), delay_(loop, std::move(on_due)) {}
  void begin() { delay_.start(max_delay_); }
  void hurry() { delay_.start(Duration::zero()); }
  void stop() { delay_.stop(); }

 private:
  Duration max_delay_;
  Timer delay_;
};

}  // namespace evenkeel
