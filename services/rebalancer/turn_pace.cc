#include "services/rebalancer/turn_pace.h"

#include <algorithm>
#include <cmath>

namespace evenkeel {
namespace {

/// One at the least: a turn that may do nothing would never end.
template <class Count>
Count part(Count whole, double share) {
  return std::max<Count>(1, static_cast<Count>(std::lround(static_cast<double>(whole) * share)));
}

}  // namespace

void TurnPace::took(Duration time, bool cut_off) {
  const double before = share_;
  if (time > kLong) {
    const double too_long = static_cast<double>(time.count()) / static_cast<double>(kLong.count());
    share_ = std::max(kSmallest, share_ / std::min(too_long, 4.0));
  } else if (cut_off && time < kShort) {
    share_ = std::min(1.0, share_ * 1.25);
  }
  if (share_ == before) return;
  now_.commands_per_turn = part(full_.commands_per_turn, share_);
  now_.examined_per_turn = part(full_.examined_per_turn, share_);
  now_.looks_per_turn = part(full_.looks_per_turn, share_);
  now_.sorted_per_turn = part(full_.sorted_per_turn, share_);
}

}  // namespace evenkeel
