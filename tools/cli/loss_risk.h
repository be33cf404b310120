#pragma once
#include <cstdint>
#include <span>
#include <unordered_set>
#include <vector>

namespace evenkeel::cli {

/// Which sets of servers hold all replicas of some chunk, and how likely it is that servers which
/// fail at once are one of them.
class LossRisk {
 public:
  using Server = std::uint32_t;

  /// A chunk whose valid replicas are on these.
  void add(std::vector<Server> holders);

  std::uint64_t chunks() const { return chunks_; }
  std::size_t distinct() const { return sets_.size(); }
  /// How many others a server shares chunks with, on the average.
  double mean_scatter_width() const;
  /// The share of all ways in which `failures` of `servers` may fail that lose a chunk: estimated
  /// from so many that are drawn by chance. Servers are numbered from 0.
  double chance_of_loss(std::size_t servers, std::size_t failures, std::size_t samples,
                        std::uint64_t seed) const;

 private:
  struct Hash {
    std::size_t operator()(const std::vector<Server>& set) const;
  };
  std::uint64_t chunks_ = 0;
  std::unordered_set<std::vector<Server>, Hash> sets_;  // each in ascending order
};

}  // namespace evenkeel::cli
