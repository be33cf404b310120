// ClusterView, the part that derives from replicas and commands where a chunk stands.
#include <algorithm>

#include "services/rebalancer/core/cluster_view.h"

namespace evenkeel {

Queue ClusterView::queue_of(ChunkSlot slot) const {
  const Chunk& chunk = chunks_[slot];
  if (chunk.life == ChunkLife::kCreating) return Queue::kNone;
  const ReplicaCount now = count(chunk);
  if (chunk.life == ChunkLife::kRetired) {
    const bool waits = now.busy || aside_.contains(slot);
    const bool any = now.valid + now.suspect + now.garbage > 0;
    return !any ? Queue::kNone : waits ? Queue::kAside : Queue::kRetired;
  }
  const auto aside = aside_.find(slot);
  if (aside != aside_.end()) return Queue::kAside;
  if (now.suspect > 0 && !now.verifying) return Queue::kVerify;
  if (now.valid == 0) return Queue::kLost;
  if (now.projected < chunk.goal) {
    switch (now.valid) {
      case 1:
        return Queue::kRisk1;
      case 2:
        return Queue::kRisk2;
      case 3:
        return Queue::kRisk3;
      default:
        return Queue::kRiskMore;
    }
  }
  if (now.busy) return Queue::kNone;  // looked at again when what is in flight has ended
  if (now.projected > chunk.goal || now.garbage > 0 || now.surplus > 0) return Queue::kTrim;
  return Queue::kNone;
}

bool ClusterView::is_leaving(ChunkSlot slot, const Replica& replica) const {
  if (replica.state == ReplicaState::kSurplus) return true;
  const ServerId server = servers_[replica.server].id();
  const auto commands = in_flight_of(slot);
  return std::any_of(commands.begin(), commands.end(), [&](CommandId id) {
    const CommandRecord& command = in_flight_.at(id);
    return (command.kind == CommandKind::kDelete && command.server == server) ||
           command.drop == server;
  });
}

void ClusterView::refresh_chunks_of(ServerSlot server) {
  for (const ChunkSlot slot : servers_[server].chunks) refresh(slot);
}

/// Derives anew what depends on a chunk's replicas and commands.
void ClusterView::refresh(ChunkSlot slot) {
  Chunk& chunk = chunks_[slot];
  for (Replica& replica : chunk.replicas) {
    const bool leaving = is_leaving(slot, replica);
    if (leaving == replica.leaving) continue;
    Server& server = servers_[replica.server];
    leaving ? server.leaving += chunk.size : server.leaving -= chunk.size;
    replica.leaving = leaving;
  }
  const auto aside = aside_.find(slot);
  if (aside != aside_.end() && chunk.life == ChunkLife::kLive &&
      aside->second.valid != count(chunk).valid) {
    unaside(slot);
  }
  set_queue(slot, queue_of(slot));
}

void ClusterView::set_queue(ChunkSlot slot, Queue queue) {
  Chunk& chunk = chunks_[slot];
  if (chunk.queue == queue) return;
  if (chunk.queue != Queue::kNone) {
    auto& from = queues_[static_cast<std::size_t>(chunk.queue)];
    const ChunkSlot last = from.back();
    from[chunk.place] = last;
    chunks_[last].place = chunk.place;
    from.pop_back();
  }
  chunk.queue = queue;
  if (queue == Queue::kNone) return;
  auto& to = queues_[static_cast<std::size_t>(queue)];
  chunk.place = static_cast<std::uint32_t>(to.size());
  to.push_back(slot);
}

void ClusterView::unaside(ChunkSlot slot) {
  const auto found = aside_.find(slot);
  if (found == aside_.end()) return;
  aside_by_time_.erase({found->second.until, slot});
  aside_.erase(found);
}

}  // namespace evenkeel
