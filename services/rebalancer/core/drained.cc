#include "services/rebalancer/core/drained.h"

#include <algorithm>

namespace evenkeel {
namespace {

bool holds(const ClusterView& view, ChunkSlot chunk, ServerSlot server) {
  const auto replicas = view.table().replicas(chunk);
  return std::any_of(replicas.begin(), replicas.end(),
                     [&](PackedReplica replica) { return replica.server() == server; });
}

/// What still rests on a server that is being drained is as a rule being copied or waits for it:
/// a few looks at either mostly tell.
bool some_waiting_chunk_rests_on(const ClusterView& view, ServerSlot server) {
  constexpr std::size_t kLooks = 16;  // at each queue
  const auto rests = [&](ChunkSlot chunk) {
    return holds(view, chunk, server) && rests_on(view, chunk, server);
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

bool rests_on(const ClusterView& view, ChunkSlot chunk, ServerSlot server) {
  const ChunkTable& table = view.table();
  if (table.life(chunk) == ChunkLife::kRetired) return false;
  int elsewhere = 0;
  for (const PackedReplica replica : table.replicas(chunk)) {
    if (replica.server() == server || replica.state() != ReplicaState::kValid) continue;
    if (replica.leaving()) continue;
    elsewhere += view.works(replica.server()) && view.in_service(replica.server());
  }
  return elsewhere < table.goal(chunk);
}

bool anything_rests_on(const ClusterView& view, ServerSlot slot) {
  const Server& server = view.server(slot);
  if (server.promised.count() > 0 || some_waiting_chunk_rests_on(view, slot)) return true;
  return std::any_of(server.chunks.begin(), server.chunks.end(),
                     [&](ChunkSlot chunk) { return rests_on(view, chunk, slot); });
}

}  // namespace evenkeel
