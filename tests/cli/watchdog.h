#pragma once
#include <gtest/gtest.h>

#include "common/reactor/loop.h"

namespace evenkeel::cli {

/// Runs the loop until what is waited for stops it; fails the test if that never happens. The time
/// is only how long a failure takes.
inline void run_until_stopped(Loop& loop) {
  Timer timer(loop, [&loop] {
    ADD_FAILURE() << "what the test waits for has not happened";
    loop.stop();
  });
  timer.start(Duration(30'000));
  loop.run();
}

}  // namespace evenkeel::cli
