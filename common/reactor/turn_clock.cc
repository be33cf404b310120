#include "common/reactor/turn_clock.h"

#include "common/base/check.h"

namespace evenkeel {

TurnClock::TurnClock(Loop& loop, Duration max_delay, std::function<void()> on_due)
    : max_delay_(max_delay), delay_(loop, on_due), next_(new Next{{}, &loop, on_due}) {
  EK_CHECK(max_delay >= Duration::zero());
  EK_CHECK(uv_idle_init(loop.handle(), &next_->uv) == 0);
  next_->uv.data = next_.get();
}

void TurnClock::begin() {
  max_delay_ == Duration::zero() ? hurry() : delay_.start(max_delay_);
}

/// Idle callbacks come before ZeroMQ's sockets are asked for the last time in a turn, so that the
/// handler may send (see ZmqChannel).
void TurnClock::hurry() {
  uv_idle_start(&next_->uv, [](uv_idle_t* uv) {
    auto* next = static_cast<Next*>(uv->data);
    next->loop->guard(next->on_due);
  });
}

void TurnClock::stop() {
  delay_.stop();
  uv_idle_stop(&next_->uv);
}

}  // namespace evenkeel
