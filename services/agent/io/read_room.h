#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <utility>

namespace evenkeel::agent {

/// How many bytes of chunks may be on their way from the disk into memory at once, whatever the
/// number of transfers. Used on the loop's thread only.
class ReadRoom {
 public:
  static constexpr std::uint64_t kBytesMax = 16 << 20;

  /// Room for one read, given back when it is destroyed.
  class Share {
   public:
    Share(std::shared_ptr<ReadRoom> room, std::uint64_t bytes)
        : room_(std::move(room)), bytes_(bytes) {
      room_->taken_ += bytes_;
    }
    ~Share() {
      room_->taken_ -= bytes_;
      room_->wake();
    }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

   private:
    std::shared_ptr<ReadRoom> room_;
    std::uint64_t bytes_;
  };

  /// Null: there is none now; `when_free` is called once there may be, if its owner still is.
  static std::shared_ptr<Share> take(const std::shared_ptr<ReadRoom>& room, std::uint64_t bytes,
                                     std::function<void()> when_free) {
    if (room->taken_ == 0 || room->taken_ + bytes <= kBytesMax) {
      return std::make_shared<Share>(room, bytes);
    }
    room->waiting_.push_back(std::move(when_free));
    return nullptr;
  }
  std::uint64_t taken() const { return taken_; }

 private:
  /// Whoever still finds no room waits again, at the end.
  void wake() {
    for (std::size_t left = waiting_.size(); left > 0 && taken_ < kBytesMax; --left) {
      const auto next = std::move(waiting_.front());
      waiting_.pop_front();
      next();
    }
  }

  std::uint64_t taken_ = 0;
  std::deque<std::function<void()>> waiting_;
};

}  // namespace evenkeel::agent
