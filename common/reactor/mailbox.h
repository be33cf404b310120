#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "common/reactor/loop.h"

namespace evenkeel {

/// The way onto a loop from other threads: what is posted is run on the loop's thread, in order.
/// What has not been run when the mailbox is destroyed is forgotten. Keeps the loop alive.
class Mailbox {
 public:
  explicit Mailbox(Loop& loop);

  /// From any thread, as long as the mailbox is there.
  void post(std::function<void()> job);

 private:
  struct State {
    uv_async_t uv;
    Loop* loop;
    std::mutex mutex;
    std::vector<std::function<void()>> jobs;
    bool open = true;
  };
  struct Close {
    void operator()(State* state) const;
  };
  static void deliver(State& state);

  std::unique_ptr<State, Close> state_;
};

}  // namespace evenkeel
