#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "common/model/command.h"
#include "services/rebalancer/core/label_rule.h"

namespace evenkeel {

/// Where replicas of a chunk may be, and how many there should be. Goal and rules are two things:
/// the goal is given to chunks when they get the policy, and may be changed for each; the rules
/// hold for all chunks of the policy from the moment in which they are set.
struct Policy {
  static constexpr std::uint64_t kMax = 256;  ///< policies; ids are below it
  static constexpr std::size_t kNameMax = 63;

  PolicyId id;
  std::string name;
  int goal = 1;
  SpreadLevel spread = SpreadLevel::kHost;  ///< no two replicas in one failure domain of this size
  LabelRule required;                       ///< no replica on a server that it does not hold for
  LabelRule preferred;                      ///< of the servers that are allowed, these first

  friend bool operator==(const Policy&, const Policy&) = default;
};

/// 1 to 63 of `a-z 0-9 - _ .`.
bool is_policy_name(std::string_view text);

}  // namespace evenkeel
