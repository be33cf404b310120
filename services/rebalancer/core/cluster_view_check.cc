#include <algorithm>

#include "common/base/check.h"
#include "services/rebalancer/core/cluster_view.h"

namespace evenkeel {

void ClusterView::check() const {
  std::vector<Bytes> used(servers_.size()), leaving(servers_.size()), incoming(servers_.size());
  std::vector<std::size_t> held(servers_.size());
  std::vector<std::size_t> orders(servers_.size());
  std::size_t standing = 0;
  for (ChunkSlot slot = 0; slot < chunks_.size(); ++slot) {
    EK_CHECK(chunks_.find(chunks_.id(slot)) == slot);
    if (unsorted_.empty()) EK_CHECK(chunks_.queue(slot) == queue_of(slot));
    EK_CHECK(chunks_.busy(slot) == in_flight_of_.contains(slot));
    EK_CHECK(chunks_.aside(slot) == aside_.contains(slot));
    if (chunks_.queue(slot) != Queue::kNone) ++standing;
    for (const PackedReplica replica : chunks_.replicas(slot)) {
      const ServerSlot server = replica.server();
      EK_CHECK(servers_[server].chunks.contains(slot));
      EK_CHECK(replica.leaving() == is_leaving(slot, replica));
      used[server] += chunks_.bytes(slot);
      if (replica.leaving()) leaving[server] += chunks_.bytes(slot);
      ++held[server];
      const bool version_kept = stale_versions_.contains(key(slot, server));
      EK_CHECK(version_kept == (replica.state() == ReplicaState::kStale));
    }
  }
  for (const auto& [id, command] : in_flight_) {
    EK_CHECK(id < next_command_);
    EK_CHECK(servers_[server_by_id_.at(command.server)].orders.contains(id));
    ++orders[server_by_id_.at(command.server)];
    if (!command.chunk) continue;
    const ChunkSlot slot = slot_at(*command.chunk);
    const auto of_chunk = in_flight_of(slot);
    EK_CHECK(std::count(of_chunk.begin(), of_chunk.end(), id) == 1);
    if (command.kind != CommandKind::kReplicate) continue;
    incoming[server_by_id_.at(command.server)] += command.size;
    const auto there = replica(chunk(slot), command.server);
    EK_CHECK(!there || !there->valid());  // S14: no copy onto a holder
  }
  std::vector<Bytes> promised(servers_.size());
  for (const auto& [slot, servers] : promises_) {
    for (const ServerSlot server : servers) promised[server] += chunks_.bytes(slot);
  }
  for (ServerSlot slot = 0; slot < servers_.size(); ++slot) {
    const Server& server = servers_[slot];
    EK_CHECK(server.promised == promised[slot]);
    EK_CHECK(server_by_id_.at(server.id()) == slot);
    EK_CHECK(server.used == used[slot]);
    EK_CHECK(server.leaving == leaving[slot]);
    EK_CHECK(server.incoming == incoming[slot]);
    EK_CHECK(server.chunks.size() == held[slot]);
    EK_CHECK(server.orders.size() == orders[slot]);
  }
  std::size_t queued = 0;
  for (std::size_t q = 0; q < kQueues; ++q) {
    for (const ChunkSlot slot : queues_[q].slots()) {
      EK_CHECK(chunks_.queue(slot) == static_cast<Queue>(q));
    }
    queued += queues_[q].size();
  }
  EK_CHECK(queued == standing);
  EK_CHECK(aside_.size() == aside_by_time_.size());
  policies_.check();
}

}  // namespace evenkeel
