#pragma once
#include <chrono>

namespace evenkeel {

using Duration = std::chrono::milliseconds;

struct MonotonicTime {};  // tag only: never goes back, means nothing after a restart
struct WallTime {};       // tag only: for people and records, may jump

/// A point for deadlines and timeouts. Never stored.
using Instant = std::chrono::time_point<MonotonicTime, Duration>;
/// A point for records, in ms since 1970 UTC. Never compared to decide anything.
using Timestamp = std::chrono::time_point<WallTime, Duration>;

/// The only way to learn the time. main() passes the system's clock, tests and the simulator
/// pass one that they move by hand.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
  virtual Timestamp wall_now() const = 0;
};

/// Stands still until it is moved. Both of its times begin at 0 unless told otherwise.
class ManualClock final : public Clock {
 public:
  ManualClock() = default;
  explicit ManualClock(Timestamp wall) : wall_(wall) {}
  Instant now() const override { return now_; }
  Timestamp wall_now() const override { return wall_; }
  void advance(Duration by) {
    now_ += by;
    wall_ += by;
  }

 private:
  Instant now_{};
  Timestamp wall_{};
};

}  // namespace evenkeel
