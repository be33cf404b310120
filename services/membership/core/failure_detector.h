#pragma once
#include "common/base/check.h"
#include "common/base/time.h"
#include "common/model/member.h"

namespace evenkeel::membership {

/// How long silence is borne. The space between the two is what keeps a slow network from moving
/// terabytes: a suspect gets no new work, but what it holds still counts.
struct Patience {
  Duration suspect_after{3'000};  ///< three heartbeats of one second missed
  Duration dead_after{30'000};    ///< a restart of the agent takes about ten seconds
};

/// Judges one member by when it was last heard. Pure: it is told the time and does nothing by
/// itself; what follows from its judgement is the caller's affair.
class FailureDetector {
 public:
  FailureDetector(Patience patience, Instant now) : patience_(patience), silent_since_(now) {
    EK_CHECK(patience.suspect_after > Duration::zero());
    EK_CHECK(patience.suspect_after < patience.dead_after);
  }

  /// The silence begins anew: the member was heard, or nobody could have heard it.
  void restart(Instant now) {
    EK_CHECK(now >= silent_since_);
    silent_since_ = now;
  }

  Liveness judge(Instant now) const {
    EK_CHECK(now >= silent_since_);
    const Duration silence = now - silent_since_;
    if (silence < patience_.suspect_after) return Liveness::kAlive;
    if (silence < patience_.dead_after) return Liveness::kSuspect;
    return Liveness::kDead;
  }

 private:
  Patience patience_;
  Instant silent_since_;
};

}  // namespace evenkeel::membership
