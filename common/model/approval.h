#pragma once
#include <cstdint>
#include <string_view>

#include "common/base/strong_id.h"

namespace evenkeel {

struct ProposalTag {
  static constexpr char prefix = 'a';
};
/// What one operator has asked for and another one is to approve; from 1.
using ProposalId = StrongId<ProposalTag>;

enum class ProposalState { kPending, kApproved, kRejected, kExpired };

/// What operators do that settings may want two people for.
enum class Operation {
  kDrain,
  kUndrain,
  kDecommission,
  kMaintenance,  ///< its begin; nobody is wanted for its end
  kGoalLowered,  ///< of any chunk, also by a policy
  kCancel,       ///< of a copy
  kPause,
  kResume,  ///< `rebalance` too, if balancing is paused
  kReleaseBrake,
  kDelete  ///< of a file or a chunk
};

/// Some of them.
class Operations {
 public:
  bool has(Operation operation) const {
    return (bits_ >> static_cast<unsigned>(operation) & 1) != 0;
  }
  void add(Operation operation) { bits_ |= 1u << static_cast<unsigned>(operation); }
  bool empty() const { return bits_ == 0; }

 private:
  std::uint32_t bits_ = 0;
};

// Their words, as in common/model/text.h.
std::string_view to_text(ProposalState state);
std::string_view to_text(Operation operation);

}  // namespace evenkeel
