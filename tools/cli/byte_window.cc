#include "tools/cli/byte_window.h"

#include <utility>

namespace evenkeel::cli {

struct ByteWindow::State : std::enable_shared_from_this<State> {
  struct Wish {
    std::uint64_t bytes;
    Then then;
  };
  std::uint64_t limit;
  std::uint64_t held = 0;
  std::deque<Wish> waiting = {};
  bool serving = false;

  explicit State(std::uint64_t bytes) : limit(bytes) {}

  Share share(std::uint64_t bytes) {
    held += bytes;
    const std::weak_ptr<State> window = weak_from_this();
    return Share(nullptr, [window, bytes](std::nullptr_t) {
      const auto state = window.lock();
      if (!state) return;
      state->held -= bytes;
      state->serve();
    });
  }

  /// A share that is given back while others are being handed out is seen by the loop below.
  void serve() {
    if (std::exchange(serving, true)) return;
    while (!waiting.empty() && (held == 0 || held + waiting.front().bytes <= limit)) {
      const Wish wish = std::move(waiting.front());
      waiting.pop_front();
      wish.then(share(wish.bytes));
    }
    serving = false;
  }
};

ByteWindow::ByteWindow(std::uint64_t limit) : state_(std::make_shared<State>(limit)) {}

ByteWindow::~ByteWindow() {
  const auto forgotten = std::exchange(state_->waiting, {});  // may own what gives back shares
}

void ByteWindow::take(std::uint64_t bytes, Then then) {
  const auto keep = state_;
  keep->waiting.push_back({bytes, std::move(then)});
  keep->serve();
}

}  // namespace evenkeel::cli
