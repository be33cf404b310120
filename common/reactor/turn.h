#pragma once
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "common/reactor/turn_clock.h"

namespace evenkeel {

/// Gathers what comes in during one turn of the loop, or a little longer, and hands it on at once,
/// in order: many events then share one commit. The handler is called by the loop and never from
/// add(); what it adds itself comes with the next call. What is left at destruction is dropped. May
/// be destroyed in its handler.
template <class T>
class Turn {
 public:
  using Handler = std::function<void(std::vector<T>&&)>;

  Turn(Loop& loop, TurnLimits limits, Handler handler)
      : max_items_(limits.max_items),
        handler_(std::move(handler)),
        clock_(loop, limits.max_delay, [this] { flush(); }) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  void add(T item) {
    items_.push_back(std::move(item));
    if (items_.size() == 1) clock_.begin();
    if (items_.size() >= max_items_) clock_.hurry();
  }
  std::size_t waiting() const { return items_.size(); }

  /// Hands on what is there now, for an orderly end.
  void flush() {
    clock_.stop();
    if (items_.empty()) return;
    const Handler handler = handler_;  // a copy: the handler may destroy this object
    handler(std::exchange(items_, {}));
  }

 private:
  const std::size_t max_items_;
  const Handler handler_;
  std::vector<T> items_;
  TurnClock clock_;
};

}  // namespace evenkeel
