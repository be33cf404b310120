#pragma once
#include <cstddef>
#include <functional>
#include <memory>

#include "common/reactor/loop.h"

namespace evenkeel {

/// Blocking work, such as disks and checksums, on libuv's thread pool (4 threads, or what
/// UV_THREADPOOL_SIZE says), and then a completion on the loop.
///
/// At its destruction the owner's completions are forgotten: they are not called any more, work
/// that has not begun is skipped, and work that has begun ends by itself. So `work` must own, or
/// share, all that it touches; `done` may refer to the owner. May be destroyed in a completion.
class Work {
 public:
  explicit Work(Loop& loop) : loop_(&loop), state_(std::make_shared<State>()) {}

  /// If `work` throws, `done` is not called and the exception comes out of Loop::run(): work
  /// should answer with a Result for what may happen, and throw for what must not.
  void run(std::function<void()> work, std::function<void()> done);

  /// How many were begun and have not completed.
  std::size_t in_progress() const { return state_->in_progress; }

 private:
  struct State {
    std::size_t in_progress = 0;  // used on the loop's thread only
  };
  struct Job;

  Loop* loop_;
  std::shared_ptr<State> state_;
};

}  // namespace evenkeel
