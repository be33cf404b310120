#include <algorithm>

#include "common/base/check.h"
#include "services/rebalancer/core/cluster_view.h"

namespace evenkeel {

void ClusterView::check() const {
  std::vector<Bytes> used(servers_.size()), leaving(servers_.size()), incoming(servers_.size());
  std::vector<std::size_t> held(servers_.size());
  for (ChunkSlot slot = 0; slot < chunks_.size(); ++slot) {
    const Chunk& chunk = chunks_[slot];
    EK_CHECK(chunk_by_id_.at(chunk.id) == slot);
    EK_CHECK(chunk.queue == queue_of(slot));
    if (chunk.queue != Queue::kNone) EK_CHECK(queue(chunk.queue)[chunk.place] == slot);
    for (const Replica& replica : chunk.replicas) {
      EK_CHECK(servers_[replica.server].chunks[replica.place] == slot);
      EK_CHECK(replica.leaving == is_leaving(slot, replica));
      used[replica.server] += chunk.size;
      if (replica.leaving) leaving[replica.server] += chunk.size;
      ++held[replica.server];
      const bool version_kept =
          stale_versions_.contains((std::uint64_t{slot} << 32) | replica.server);
      EK_CHECK(version_kept == (replica.state == ReplicaState::kStale));
    }
  }
  for (const auto& [id, command] : in_flight_) {
    EK_CHECK(id < next_command_);
    if (!command.chunk) continue;
    const ChunkSlot slot = chunk_by_id_.at(*command.chunk);
    const auto of_chunk = in_flight_of(slot);
    EK_CHECK(std::count(of_chunk.begin(), of_chunk.end(), id) == 1);
    if (command.kind != CommandKind::kReplicate) continue;
    incoming[server_by_id_.at(command.server)] += command.size;
    const Replica* there = replica(chunks_[slot], command.server);
    EK_CHECK(!there || !there->valid());  // S14: no copy onto a holder
  }
  std::vector<Bytes> promised(servers_.size());
  for (const auto& [slot, servers] : promises_) {
    for (const ServerSlot server : servers) promised[server] += chunks_[slot].size;
  }
  for (ServerSlot slot = 0; slot < servers_.size(); ++slot) {
    const Server& server = servers_[slot];
    EK_CHECK(server.promised == promised[slot]);
    EK_CHECK(server_by_id_.at(server.id()) == slot);
    EK_CHECK(server.used == used[slot]);
    EK_CHECK(server.leaving == leaving[slot]);
    EK_CHECK(server.incoming == incoming[slot]);
    EK_CHECK(server.chunks.size() == held[slot]);
  }
  std::size_t queued = 0;
  for (const auto& waiting : queues_) queued += waiting.size();
  const auto standing = std::count_if(chunks_.begin(), chunks_.end(), [](const Chunk& chunk) {
    return chunk.queue != Queue::kNone;
  });
  EK_CHECK(queued == static_cast<std::size_t>(standing));
  EK_CHECK(aside_.size() == aside_by_time_.size());
}

}  // namespace evenkeel
