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

/// Where most of a turn is waiting for the disk, it decides as much as takes about as long: with
/// less it would be hardly shorter, and agents would wait for commands.
void TurnPace::took(Times times, bool cut_off) {
  const Duration own = times.all - times.commit;
  if (times.all > kLong && own > times.commit) {
    const double too_long =
        static_cast<double>(times.all.count()) / static_cast<double>(kLong.count());
    set_share(std::max(kSmallest, share_ / std::min(too_long, 4.0)));
  } else if (cut_off && (times.all < kShort || own < times.commit / 2)) {
    set_share(std::min(1.0, share_ * 1.25));
  }
}

void TurnPace::rested() {
  set_share(std::min(share_, kFirst));
}

void TurnPace::outran_disk() {
  set_share(std::max(kSmallest, share_ / 2));
}

void TurnPace::set_share(double share) {
  if (share == share_) return;
  share_ = share;
  now_.commands_per_turn = part(full_.commands_per_turn, share_);
  now_.examined_per_turn = part(full_.examined_per_turn, share_);
  now_.looks_per_turn = part(full_.looks_per_turn, share_);
  now_.sorted_per_turn = part(full_.sorted_per_turn, share_);
}

}  // namespace evenkeel
