#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

namespace evenkeel::cli {

/// Bounds the bytes that are held in memory at once: who wants some waits for its share, first come
/// first served. One share may be larger than the whole; it then goes alone.
class ByteWindow {
 public:
  /// Holds bytes until it is destroyed; may outlive the window.
  using Share = std::shared_ptr<void>;
  using Then = std::function<void(Share)>;

  explicit ByteWindow(std::uint64_t limit);
  ~ByteWindow();

  /// Calls `then` as soon as there is room: now, or when another share is given back.
  void take(std::uint64_t bytes, Then then);

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace evenkeel::cli
