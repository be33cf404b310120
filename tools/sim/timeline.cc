#include "tools/sim/timeline.h"

#include <algorithm>

namespace evenkeel::sim {
namespace {

constexpr std::size_t kMost = 1200;

/// What is left of two samples that lie close together.
void take_worst(Sample& kept, const Sample& other) {
  kept.copied = std::max(kept.copied, other.copied);
  kept.in_flight = std::max(kept.in_flight, other.in_flight);
  kept.at_risk = std::max(kept.at_risk, other.at_risk);
  kept.below_goal = std::max(kept.below_goal, other.below_goal);
}

}  // namespace

void Timeline::add(const Sample& sample) {
  if (samples_.size() >= 2 && sample.at - samples_[samples_.size() - 2].at < step_) {
    // The first and the last stand for themselves: only what is between them is gathered.
    take_worst(samples_[samples_.size() - 2], samples_.back());
    samples_.back() = sample;
    return;
  }
  samples_.push_back(sample);
  while (samples_.size() > kMost) thin_out();
}

void Timeline::thin_out() {
  step_ *= 2;
  std::vector<Sample> fewer;
  for (const Sample& sample : samples_) {
    const bool close = !fewer.empty() && sample.at - fewer.back().at < step_;
    if (close && &sample != &samples_.back()) {
      take_worst(fewer.back(), sample);
    } else {
      fewer.push_back(sample);
    }
  }
  samples_ = std::move(fewer);
}

}  // namespace evenkeel::sim
