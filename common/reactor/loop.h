#pragma once
#include <exception>
#include <functional>
#include <memory>

#include <uv.h>

#include "common/base/time.h"

namespace evenkeel {

/// One thread's event loop. Everything made on a Loop must be destroyed before it, and is used on
/// the thread that runs it; only Mailbox::post() may be called from others.
///
/// One turn is: timers, idle work, waiting, what came in from descriptors, ZeroMQ's messages.
class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs until stop() or until nothing is left to wait for. Rethrows what a callback threw.
  void run();
  void stop() { uv_stop(&loop_); }

  /// Runs `callback`, keeping what it throws for run() to rethrow: an exception must not pass
  /// through libuv's C frames.
  template <class F>
  void guard(F&& callback) noexcept {
    try {
      callback();
    } catch (...) {
      if (!failure_) failure_ = std::current_exception();
      stop();
    }
  }

  uv_loop_t* handle() { return &loop_; }

 private:
  uv_loop_t loop_;
  std::exception_ptr failure_;
};

/// Owns a libuv handle together with what its callbacks need. libuv may still touch the handle
/// after uv_close() and until the close callback has run, so the memory is given back there and
/// not in the destructor.
template <class State>  // State has a member `uv` of a libuv handle type
struct CloseLater {
  void operator()(State* state) const {
    auto* handle = reinterpret_cast<uv_handle_t*>(&state->uv);
    handle->data = state;
    uv_close(handle, [](uv_handle_t* closed) { delete static_cast<State*>(closed->data); });
  }
};
template <class State>
using UvOwner = std::unique_ptr<State, CloseLater<State>>;

/// Calls `on_fire` on the loop's thread after a while, once or again and again. May be destroyed,
/// stopped and started anew in its own callback.
class Timer {
 public:
  Timer(Loop& loop, std::function<void()> on_fire);
  void start(Duration after, Duration then_every = Duration::zero());
  void stop() { uv_timer_stop(&state_->uv); }
  bool running() const;

 private:
  struct State {
    uv_timer_t uv;
    Loop* loop;
    std::function<void()> on_fire;
  };
  UvOwner<State> state_;
};

}  // namespace evenkeel
