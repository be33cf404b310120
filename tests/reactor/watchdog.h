#pragma once
#include <gtest/gtest.h>

#include "common/reactor/loop.h"

namespace evenkeel {

/// Ends a loop that waits in vain, and fails the test then. What is waited for stops the loop
/// itself; the time is only how long a failure takes.
class Watchdog {
 public:
  explicit Watchdog(Loop& loop)
      : timer_(loop, [&loop] {
          ADD_FAILURE() << "what the test waits for has not happened";
          loop.stop();
        }) {
    timer_.start(Duration(30'000));
  }

 private:
  Timer timer_;
};

}  // namespace evenkeel
