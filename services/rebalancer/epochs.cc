#include "services/rebalancer/epochs.h"

#include <algorithm>

namespace evenkeel {

Epoch epoch_at(Timestamp wall) {
  constexpr Timestamp kStart2026(std::chrono::seconds(1'767'225'600));
  const Duration since = wall - kStart2026;
  return Epoch(static_cast<std::uint64_t>(std::max<std::int64_t>(since.count(), 0)));
}

}  // namespace evenkeel
