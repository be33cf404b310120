#include "common/base/system_clock.h"

#include <ctime>

#include "common/base/check.h"

namespace evenkeel {
namespace {

Duration read_clock(clockid_t which) {
  timespec time{};
  EK_CHECK(clock_gettime(which, &time) == 0);
  return std::chrono::seconds(time.tv_sec) + Duration(time.tv_nsec / 1'000'000);
}

}  // namespace

Instant SystemClock::now() const {
  return Instant(read_clock(CLOCK_BOOTTIME));
}

Timestamp SystemClock::wall_now() const {
  return Timestamp(read_clock(CLOCK_REALTIME));
}

}  // namespace evenkeel
