#pragma once
#include <algorithm>

#include "common/base/bytes.h"
#include "common/base/time.h"

namespace evenkeel::agent {

/// Lets through so many bytes a second and no more. Takes a debt rather than cut a piece in two, so
/// that any size gets through any rate. Rate 0: no limit.
class RateLimit {
 public:
  RateLimit(Bytes rate, Instant now) : rate_(rate.count()), free_at_(now) {}

  /// How long to wait before the next piece may go.
  Duration wait(Instant now) const { return std::max(Duration::zero(), free_at_ - now); }
  void took(Bytes size, Instant now) {
    if (rate_ == 0) return;
    const auto cost = static_cast<Duration::rep>(size.count() * 1000 / rate_);
    free_at_ = std::max(free_at_, now) + Duration(cost);
  }

 private:
  std::uint64_t rate_;
  Instant free_at_;
};

}  // namespace evenkeel::agent
