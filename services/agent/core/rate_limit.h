#pragma once
#include <algorithm>
#include <cstdint>

#include "common/base/bytes.h"
#include "common/base/time.h"

namespace evenkeel::agent {

/// Lets through so many bytes a second and no more. Takes a debt rather than cut a piece in two, so
/// that any size gets through any rate; what has gone is paid for when wait() is nothing again. Who
/// comes late, as timers do, may make up for a tenth of a second. Rate 0: no limit.
class RateLimit {
 public:
  RateLimit(Bytes rate, Instant now) : rate_(rate.count()), free_at_us_(microseconds(now)) {}

  /// How long to wait before the next piece may go.
  Duration wait(Instant now) const {
    return Duration(std::max<std::int64_t>(0, free_at_us_ - microseconds(now) + 999) / 1000);
  }
  void took(Bytes size, Instant now) {
    if (rate_ == 0) return;
    const auto cost_us = static_cast<std::int64_t>(size.count() * 1'000'000 / rate_);
    free_at_us_ = std::max(free_at_us_, microseconds(now) - kLateUs) + cost_us;
  }

 private:
  static constexpr std::int64_t kLateUs = 100'000;
  /// Finer than the clock: at high rates a piece costs less than its tick.
  static std::int64_t microseconds(Instant at) { return at.time_since_epoch().count() * 1000; }

  std::uint64_t rate_;
  std::int64_t free_at_us_;
};

}  // namespace evenkeel::agent
