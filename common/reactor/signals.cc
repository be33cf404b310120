#include "common/reactor/signals.h"

#include <csignal>

#include "common/base/check.h"

namespace evenkeel {

Signals::Signals(Loop& loop, std::function<void(int)> on_signal) {
  if (!on_signal) on_signal = [&loop](int) { loop.stop(); };
  EK_CHECK(std::signal(SIGPIPE, SIG_IGN) != SIG_ERR);
  terminate_ = watch(loop, SIGTERM, on_signal);
  interrupt_ = watch(loop, SIGINT, on_signal);
}

UvOwner<Signals::State> Signals::watch(Loop& loop, int number,
                                       const std::function<void(int)>& on_signal) {
  std::unique_ptr<State> fresh(new State{{}, &loop, on_signal});
  EK_CHECK(uv_signal_init(loop.handle(), &fresh->uv) == 0);
  UvOwner<State> state(fresh.release());
  state->uv.data = state.get();
  const auto deliver = [](uv_signal_t* uv, int which) {
    auto* self = static_cast<State*>(uv->data);
    self->loop->guard([&] { self->on_signal(which); });
  };
  EK_CHECK(uv_signal_start(&state->uv, deliver, number) == 0);
  uv_unref(reinterpret_cast<uv_handle_t*>(&state->uv));
  return state;
}

}  // namespace evenkeel
