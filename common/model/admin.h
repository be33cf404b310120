#pragma once
#include <array>

#include "common/model/command.h"

namespace evenkeel {

/// What operators want of a server; a second axis beside its liveness.
enum class AdminState {
  kInService,
  kDraining,     ///< its replicas are being copied elsewhere; it takes no new ones
  kDrained,      ///< nothing rests on it any more
  kMaintenance,  ///< away for a while, with an end: its replicas count as there until then
  kRemoved       ///< forgotten: its storage never counts again
};

/// The passes that operators can pause. A command bears the name of its pass as its reason.
inline constexpr std::array kPasses{Reason::kRepair, Reason::kDrain, Reason::kSpread, Reason::kTrim,
                                    Reason::kBalance};

}  // namespace evenkeel
