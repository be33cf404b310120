#include "services/agent/core/space.h"

#include <algorithm>

namespace evenkeel::agent {
namespace {

Bytes less(Bytes a, Bytes b) {
  return a > b ? a - b : Bytes();
}

}  // namespace

Bytes Space::free() const {
  return std::min(disk_free + trash, less(capacity, used));
}

bool Space::admits(Bytes size) const {
  const Bytes to_come = less(in_flight, written) + size + reserve;
  return disk_free + trash >= to_come && used + in_flight + size + reserve <= capacity;
}

Bytes Space::trash_to_empty(Bytes size) const {
  const Bytes to_come = less(in_flight, written) + size + reserve;
  return std::min(trash, less(to_come, disk_free));
}

void FreeLately::asked(Bytes free, Instant now) {
  asked_ = now;
  free_ = free;
  written_since_ = Bytes();
}

Bytes FreeLately::free() const {
  return less(free_, written_since_);
}

Bytes default_reserve(Bytes capacity) {
  return std::min(std::max(Bytes(1ULL << 30), capacity * Ratio(0.05)), capacity * Ratio(0.1));
}

}  // namespace evenkeel::agent
