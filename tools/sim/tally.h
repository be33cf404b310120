#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "services/rebalancer/core/cluster_view.h"

namespace evenkeel::sim {

/// How a live chunk stands, as the view chunk_health has it; what is over its goal is whole.
enum class Health : std::uint8_t { kWhole, kUnder, kAtRisk, kLost };

Health health_of(const ClusterView& view, const Chunk& chunk);

/// How many live chunks there are of each health, kept up to date change by change: to count a
/// million anew at each step of the clock would be the most of the work.
class Tally {
 public:
  explicit Tally(const ClusterView& view);

  /// Applies `change` to `view`, and follows.
  void apply(ClusterView& view, const Change& change);

  std::uint64_t of(Health health) const { return counts_[static_cast<std::size_t>(health)]; }
  std::uint64_t not_whole() const;
  std::uint64_t all() const { return not_whole() + of(Health::kWhole); }

 private:
  void add(const ClusterView& view, const std::vector<ChunkId>& chunks, std::uint64_t step);

  std::array<std::uint64_t, 4> counts_{};
};

}  // namespace evenkeel::sim
