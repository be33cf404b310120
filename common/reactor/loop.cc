#include "common/reactor/loop.h"

#include <utility>

#include "common/base/check.h"

namespace evenkeel {

Loop::Loop() {
  EK_CHECK(uv_loop_init(&loop_) == 0);
}

Loop::~Loop() {
  uv_run(&loop_, UV_RUN_DEFAULT);        // lets the close callbacks run
  EK_CHECK(uv_loop_close(&loop_) == 0);  // otherwise something made on this loop outlives it
}

void Loop::run() {
  uv_run(&loop_, UV_RUN_DEFAULT);
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

Timer::Timer(Loop& loop, std::function<void()> on_fire)
    : state_(new State{{}, &loop, std::move(on_fire)}) {
  state_->uv.data = state_.get();
  EK_CHECK(uv_timer_init(loop.handle(), &state_->uv) == 0);
}

void Timer::start(Duration after, Duration then_every) {
  const auto fire = [](uv_timer_t* uv) {
    auto* state = static_cast<State*>(uv->data);
    state->loop->guard(state->on_fire);
  };
  const int rc = uv_timer_start(&state_->uv, fire, static_cast<std::uint64_t>(after.count()),
                                static_cast<std::uint64_t>(then_every.count()));
  EK_CHECK(rc == 0);
}

bool Timer::running() const {
  return uv_is_active(reinterpret_cast<const uv_handle_t*>(&state_->uv)) != 0;
}

}  // namespace evenkeel
