#pragma once
// Stands in for common/reactor/loop.h where programs run in a simulated world (tests/schedules).
#include <functional>
#include <memory>

#include "common/base/time.h"
#include "tests/schedules/world.h"

namespace evenkeel {

class Loop {
 public:
  Loop(schedules::World& world, std::shared_ptr<schedules::Run> run)
      : world_(&world), run_(std::move(run)) {}
  schedules::World& world() { return *world_; }
  const std::shared_ptr<schedules::Run>& run() const { return run_; }

 private:
  schedules::World* world_;
  std::shared_ptr<schedules::Run> run_;
};

class Timer {
 public:
  Timer(Loop& loop, std::function<void()> on_fire);
  ~Timer() { stop(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  void start(Duration after, Duration then_every = Duration::zero());
  void stop();
  bool running() const { return state_->running; }

 private:
  struct State {
    schedules::World* world;
    std::shared_ptr<schedules::Run> run;
    std::function<void()> on_fire;
    std::uint64_t number = 0;  // of the last start or stop
    Duration every{};
    bool running = false;
  };
  static void wait(const std::shared_ptr<State>& state, schedules::Nanos how_long);

  std::shared_ptr<State> state_;
};

}  // namespace evenkeel
