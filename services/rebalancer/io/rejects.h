#pragma once
#include <cstdint>
#include <string>

#include "common/base/time.h"
#include "common/log/log.h"

namespace evenkeel {

/// Counts the messages that are dropped at one door, and says so in the log at most once a second:
/// whoever sends garbage must not be able to fill the disk with it.
class Rejects {
 public:
  Rejects(std::string door, const Clock& clock) : door_(std::move(door)), clock_(clock) {}

  void add(const std::string& what) {
    ++count_;
    const Instant now = clock_.now();
    if (said_ && now - *said_ < std::chrono::seconds(1)) return;
    said_ = now;
    log::warn("message dropped", {{"door", door_}, {"why", what}, {"dropped_so_far", count_}});
  }
  std::uint64_t count() const { return count_; }

 private:
  std::string door_;
  const Clock& clock_;
  std::uint64_t count_ = 0;
  std::optional<Instant> said_;
};

}  // namespace evenkeel
