#pragma once
#include <functional>
#include <memory>

#include "common/reactor/loop.h"

namespace evenkeel {

/// SIGTERM and SIGINT end the loop in good order: run() returns, and main() takes its parts down.
/// SIGPIPE is ignored in the whole process, as a peer that goes away is an error code and no death.
/// Does not keep the loop alive.
class Signals {
 public:
  /// `on_signal` is told the signal's number; without it the loop is stopped.
  explicit Signals(Loop& loop, std::function<void(int)> on_signal = nullptr);

 private:
  struct State {
    uv_signal_t uv;
    Loop* loop;
    std::function<void(int)> on_signal;
  };
  static UvOwner<State> watch(Loop& loop, int number, const std::function<void(int)>& on_signal);

  UvOwner<State> terminate_;
  UvOwner<State> interrupt_;
};

}  // namespace evenkeel
