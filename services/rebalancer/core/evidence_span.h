#pragma once
#include <vector>

#include "common/model/command.h"

namespace evenkeel {

/// How widely the evidence of a delete is spread: so many failure domains of that size.
struct EvidenceSpan {
  SpreadLevel level = SpreadLevel::kHost;
  int domains = 0;  ///< at most the goal
};

/// At the level that the policy asks for, where the evidence spans `goal` domains of it. Where it
/// does not, because the chunk lies worse than its policy asks, by host: else what is damaged could
/// not be removed, and its room might be what the cure waits for.
EvidenceSpan span_of(const std::vector<Holder>& evidence, SpreadLevel wanted, int goal);

}  // namespace evenkeel
