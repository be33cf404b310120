#pragma once
#include <cstdint>

#include "services/rebalancer/core/policy.h"

namespace evenkeel {

/// The failure domains that a server is in, as numbers that are equal where the domains are.
struct Place {
  std::uint32_t host = 0, rack = 0, zone = 0;

  std::uint32_t at(SpreadLevel level) const {
    return level == SpreadLevel::kHost ? host : level == SpreadLevel::kRack ? rack : zone;
  }
  friend bool operator==(const Place&, const Place&) = default;
};

}  // namespace evenkeel
