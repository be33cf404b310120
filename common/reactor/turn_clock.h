#pragma once
#include <cstddef>
#include <functional>
#include <memory>

#include "common/reactor/loop.h"

namespace evenkeel {

/// When what was gathered is handed on.
struct TurnLimits {
  Duration max_delay{0};         // 0: at the begin of the next turn, before the loop waits
  std::size_t max_items = 1024;  // when there are as many, the delay is cut short
};

/// The clock of a Turn: calls `on_due` once, outside whatever called begin() or hurry().
class TurnClock {
 public:
  TurnClock(Loop& loop, Duration max_delay, std::function<void()> on_due);
  void begin();  ///< the first item has come
  void hurry();  ///< no more waiting
  void stop();

 private:
  struct Next {
    uv_idle_t uv;
    Loop* loop;
    std::function<void()> on_due;
  };
  Duration max_delay_;
  Timer delay_;
  UvOwner<Next> next_;
};

}  // namespace evenkeel
