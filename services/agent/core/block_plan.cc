#include "services/agent/core/block_plan.h"

#include <algorithm>

namespace evenkeel::agent {

std::optional<BlockRange> BlockPlan::ask(std::uint64_t most) {
  while (from_ < states_.size() && states_[from_] != State::kWanted) ++from_;
  if (from_ == states_.size() || most == 0) return std::nullopt;
  BlockRange range{from_, 0};
  while (from_ < states_.size() && states_[from_] == State::kWanted && range.count < most) {
    states_[from_++] = State::kAsked;
    ++range.count;
  }
  wanted_ -= range.count;
  return range;
}

bool BlockPlan::have(std::uint64_t block) {
  if (block >= states_.size() || states_[block] != State::kAsked) return false;
  states_[block] = State::kHad;
  ++had_;
  return true;
}

bool BlockPlan::had_before(std::uint64_t block) {
  if (block >= states_.size() || states_[block] != State::kWanted) return false;
  states_[block] = State::kHad;
  --wanted_;
  ++had_;
  return true;
}

void BlockPlan::want_again(std::uint64_t block) {
  if (block >= states_.size() || states_[block] != State::kAsked) return;
  states_[block] = State::kWanted;
  ++wanted_;
  from_ = std::min(from_, block);
}

void BlockPlan::source_gone() {
  for (std::uint64_t block = 0; block < states_.size(); ++block) want_again(block);
}

}  // namespace evenkeel::agent
