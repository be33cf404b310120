#include "services/rebalancer/core/drained.h"

#include <algorithm>

namespace evenkeel {
namespace {

bool holds(const Chunk& chunk, ServerSlot server) {
  return std::any_of(chunk.replicas.begin(), chunk.replicas.end(),
                     [&](const Replica& replica) { return replica.server == server; });
}

/// What still rests on a server that is being drained is as a rule being copied or waits for it:
/// a few looks at either mostly tell.
bool some_waiting_chunk_rests_on(const ClusterView& view, ServerSlot server) {
  constexpr std::size_t kLooks = 16;  // at each queue
  const auto rests = [&](ChunkSlot slot) {
    const Chunk& chunk = view.chunk(slot);
    return holds(chunk, server) && rests_on(view, chunk, server);
  };
  for (std::size_t queue = 1; queue < kQueues; ++queue) {
    const auto waiting = view.queue(static_cast<Queue>(queue));
    const auto few = waiting.first(std::min(waiting.size(), kLooks));
    if (std::any_of(few.begin(), few.end(), rests)) return true;
  }
  std::size_t looks = 0;
  for (const auto& [id, command] : view.in_flight()) {
    if (++looks > kLooks * kQueues) break;
    if (command.kind != CommandKind::kReplicate) continue;
    if (rests(*view.slot_of(*command.chunk))) return true;
  }
  return false;
}

}  // namespace

bool rests_on(const ClusterView& view, const Chunk& chunk, ServerSlot server) {
  if (chunk.life == ChunkLife::kRetired) return false;
  int elsewhere = 0;
  for (const Replica& replica : chunk.replicas) {
    if (replica.server == server || replica.state != ReplicaState::kValid) continue;
    const Server& holder = view.server(replica.server);
    elsewhere += holder.works() && holder.admin == AdminState::kInService && !replica.leaving;
  }
  return elsewhere < chunk.goal;
}

bool anything_rests_on(const ClusterView& view, ServerSlot slot) {
  const Server& server = view.server(slot);
  if (server.promised.count() > 0 || some_waiting_chunk_rests_on(view, slot)) return true;
  return std::any_of(server.chunks.begin(), server.chunks.end(),
                     [&](ChunkSlot chunk) { return rests_on(view, view.chunk(chunk), slot); });
}

RestingOn resting_on(const ClusterView& view, ServerSlot server) {
  RestingOn sum;
  for (const ChunkSlot slot : view.server(server).chunks) {
    const Chunk& chunk = view.chunk(slot);
    if (!rests_on(view, chunk, server)) continue;
    ++sum.chunks;
    sum.bytes += chunk.size;
  }
  return sum;
}

}  // namespace evenkeel
