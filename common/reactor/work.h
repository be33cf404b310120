#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "common/reactor/loop.h"
#include "common/reactor/turn.h"

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
  friend class WorkGroup;
  struct State {
    std::size_t in_progress = 0;  // used on the loop's thread only
  };
  struct Job;
  struct Batch;

  std::shared_ptr<Job> begin(std::function<void()> work, std::function<void()> done);
  static void queue(Loop& loop, std::vector<std::shared_ptr<Job>> jobs);

  Loop* loop_;
  std::shared_ptr<State> state_;
};

/// For work in very small pieces, of which a thread takes many at once: handing each over by itself
/// may take longer than doing it. What is given in one turn of the loop is handed over at its end.
class WorkGroup {
 public:
  explicit WorkGroup(Loop& loop);

  /// As owner.run(); so each piece is forgotten with its own owner.
  void run(Work& owner, std::function<void()> work, std::function<void()> done);

 private:
  void hand_over(std::vector<std::shared_ptr<Work::Job>>&& jobs);

  Loop& loop_;
  Turn<std::shared_ptr<Work::Job>> turn_;
};

}  // namespace evenkeel
