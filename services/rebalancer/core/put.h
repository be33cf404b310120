#pragma once
#include <optional>
#include <vector>

#include "common/model/control.h"
#include "services/rebalancer/core/cluster_view.h"
#include "services/rebalancer/core/limits.h"

namespace evenkeel {

/// Where a chunk that a client is about to store goes.
struct Placement {
  std::uint64_t index = 0;
  ChunkContent content;
  std::vector<ServerId> targets;  ///< fewer than the goal where no more can take it; may be none
};

/// A chunk of a file to be placed; with an id if it was placed before and some target failed.
struct ToPlace {
  PutPlace::Item item;
  std::optional<ChunkId> chunk;
};

struct PlacedChunks {
  Changes changes;  ///< the chunks, being created, and their places in the file
  std::vector<Placement> placements;
};

/// What all chunks of a file that is being put have in common.
struct FilePlan {
  FileId file;
  int goal = 0;
  PolicyId policy = kDefaultPolicy;
};

/// Chooses ids and targets. Pure.
PlacedChunks place(const ClusterView& view, const Limits& limits, Instant now, const FilePlan& plan,
                   const std::vector<ToPlace>& items);

}  // namespace evenkeel
