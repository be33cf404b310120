#pragma once
#include "common/base/time.h"
#include "services/rebalancer/core/limits.h"

namespace evenkeel {

/// Keeps turns short, on any machine and under any load: what a turn may decide and sort anew is a
/// share of what the limits say, smaller when turns take long, larger again when they do not. An
/// acknowledgement that comes during a turn waits for this one and takes part in the next; design's
/// bound for both is 50 ms.
class TurnPace {
 public:
  explicit TurnPace(const Limits& limits) : full_(limits), now_(limits) {}

  /// What the next turn is bound by. Everything but the bounds of a turn is as in the settings.
  const Limits& limits() const { return now_; }

  struct Times {
    Duration all{};     ///< the turn, its commit and what came after it included
    Duration commit{};  ///< of these: fewer decisions make no disk quicker
  };
  /// A turn took so long. `cut_off`: it had more to do than it was allowed.
  void took(Times times, bool cut_off);
  /// A turn had nothing to do. The next one may be the first after a failure, whose first commands
  /// are not to wait for the others of their turn: it is a short one.
  void rested();
  /// More was committed in the last turns than the disk takes in beside them.
  void outran_disk();

 private:
  static constexpr Duration kLong{25}, kShort{15};
  static constexpr double kSmallest = 1.0 / 16, kFirst = 1.0 / 4;

  void set_share(double share);

  const Limits full_;
  Limits now_;
  double share_ = 1;
};

}  // namespace evenkeel
