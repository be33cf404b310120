#pragma once
// Stands in for common/reactor/work.h where programs run in a simulated world (tests/schedules).
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include "common/reactor/loop.h"

namespace evenkeel {

class Work {
 public:
  explicit Work(Loop& loop) : loop_(&loop), state_(std::make_shared<State>()) {}
  void run(std::function<void()> work, std::function<void()> done);
  std::size_t in_progress() const { return state_->in_progress; }

 private:
  struct State {
    std::size_t in_progress = 0;
  };
  Loop* loop_;
  std::shared_ptr<State> state_;
};

class WorkGroup {
 public:
  explicit WorkGroup(Loop&) {}
  void run(Work& owner, std::function<void()> work, std::function<void()> done) {
    owner.run(std::move(work), std::move(done));
  }
};

}  // namespace evenkeel
