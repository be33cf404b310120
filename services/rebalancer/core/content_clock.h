#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>

#include "common/base/time.h"

namespace evenkeel {

/// Times of the last three weeks in one byte, in steps of two hours, rounded down: how old a check
/// of a replica's content is matters in days (Limits::content_fresh: two weeks), and there are tens
/// of millions of them.
///
/// A step has one code in 255; the same code comes again after 21 days. So whoever keeps codes
/// clears those that is_old() before that, and all of them if advance() says that too much time
/// went by at once.
class ContentClock {
 public:
  static constexpr std::uint8_t kNever = 0;
  static constexpr Duration kStep = std::chrono::hours(2);
  static constexpr std::int64_t kOld = 200, kCodes = 255;

  /// Its time goes on to `now`, never back. False: all codes written before mean nothing any more.
  bool advance(Instant now) {
    const std::int64_t step = step_of(now);
    const bool few = step - latest_ < kCodes - kOld;
    latest_ = std::max(latest_, step);
    return few;
  }

  /// Of a time up to now; kNever if it is too long ago.
  std::uint8_t code(Instant time) const {
    const std::int64_t step = std::min(step_of(time), latest_);
    if (latest_ - step >= kOld) return kNever;
    return static_cast<std::uint8_t>(1 + (step % kCodes + kCodes) % kCodes);
  }
  std::optional<Instant> time(std::uint8_t code) const {
    if (code == kNever) return std::nullopt;
    return Instant(kStep * (latest_ - age(code)));
  }
  bool is_old(std::uint8_t code) const { return code != kNever && age(code) >= kOld; }

 private:
  static std::int64_t step_of(Instant time) {
    const std::int64_t ms = time.time_since_epoch().count(), step = kStep.count();
    return ms >= 0 ? ms / step : -((-ms + step - 1) / step);
  }
  std::int64_t age(std::uint8_t code) const {
    const std::int64_t now = (latest_ % kCodes + kCodes) % kCodes;
    return (now - (code - 1) + kCodes) % kCodes;
  }

  std::int64_t latest_ = 0;
};

}  // namespace evenkeel
