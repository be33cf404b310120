#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "services/rebalancer/core/cluster_view.h"

namespace evenkeel {

/// What a chunk's replicas amount to, as operators are told it: the view `chunk_health` in SQL.
enum class ChunkHealth : std::uint8_t {
  kCreating,  ///< being put
  kRetired,   ///< deleted by its owner
  kHealthy,
  kLost,             ///< no valid replica
  kAtRisk,           ///< one, and more are wanted
  kUnderReplicated,  ///< more than one, and fewer than the goal
  kOverReplicated    ///< more than the goal
};
inline constexpr std::size_t kChunkHealths = 7;
inline constexpr std::array kUnwell{ChunkHealth::kLost, ChunkHealth::kAtRisk,
                                    ChunkHealth::kUnderReplicated, ChunkHealth::kOverReplicated};
std::string_view to_text(ChunkHealth health);

/// By what is valid now, also if it is being deleted.
ChunkHealth health_of(const ClusterView& view, ChunkSlot slot);

/// How many chunks are how well, at any moment without looking at them; and which are not well.
/// Follows the view change by change.
class HealthBook {
 public:
  explicit HealthBook(const ClusterView& view);

  /// Before and after a change is applied to the view.
  void before(const Change& change, const ClusterView& view);
  void after(const Change& change, const ClusterView& view);
  /// Looks at chunks on servers whose replicas count now, or do not any more: at most `most`. To be
  /// called in each turn. Whether there were any.
  bool catch_up(const ClusterView& view, std::size_t most);

  std::size_t count(ChunkHealth health) const { return counts_[index(health)]; }
  /// Of kUnwell; in no order that means anything.
  std::span<const ChunkSlot> which(ChunkHealth health) const {
    return unwell_[index(health)].slots();
  }
  std::size_t replicas() const { return replicas_; }
  /// Chunks that are still to be looked at; until then they are counted as they were.
  std::size_t behind() const { return behind_.size(); }

 private:
  static constexpr std::uint8_t kNever = UINT8_MAX;
  static std::size_t index(ChunkHealth health) { return static_cast<std::size_t>(health); }
  static std::uint8_t standing(const ClusterView& view, ServerSlot server);
  void look(const ClusterView& view, ChunkSlot slot);
  void look(const ClusterView& view, ChunkId chunk) { look(view, *view.slot_of(chunk)); }

  std::vector<std::uint8_t> of_;         // by chunk slot
  std::vector<std::uint8_t> standings_;  // by server slot
  std::vector<ChunkSlot> behind_;
  std::array<std::size_t, kChunkHealths> counts_{};
  std::array<SlotQueue, kChunkHealths> unwell_;
  std::size_t replicas_ = 0;
};

}  // namespace evenkeel
