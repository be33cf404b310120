#include "services/rebalancer/core/cluster_view.h"

#include <algorithm>

#include "common/base/check.h"

namespace evenkeel {
std::optional<Instant> Replica::content_checked() const {
  if (content_minutes == kNeverChecked) return std::nullopt;
  return Instant(std::chrono::minutes(content_minutes));
}

const Server* ClusterView::find(ServerId id) const {
  const auto slot = slot_of(id);
  return slot ? &servers_[*slot] : nullptr;
}

const Server* ClusterView::find_storage(const StorageId& storage) const {
  const auto found = std::find_if(servers_.begin(), servers_.end(), [&](const Server& server) {
    return server.member.storage == storage;
  });
  return found == servers_.end() ? nullptr : &*found;
}

std::optional<ServerSlot> ClusterView::slot_of(ServerId id) const {
  const auto found = server_by_id_.find(id);
  return found == server_by_id_.end() ? std::nullopt : std::optional(found->second);
}

const Chunk* ClusterView::find(ChunkId id) const {
  const auto slot = slot_of(id);
  return slot ? &chunks_[*slot] : nullptr;
}

std::optional<ChunkSlot> ClusterView::slot_of(ChunkId id) const {
  const auto found = chunk_by_id_.find(id);
  return found == chunk_by_id_.end() ? std::nullopt : std::optional(found->second);
}

const Replica* ClusterView::replica(const Chunk& chunk, ServerId server) const {
  for (const Replica& replica : chunk.replicas) {
    if (servers_[replica.server].id() == server) return &replica;
  }
  return nullptr;
}

const CommandRecord* ClusterView::find(CommandId id) const {
  const auto found = in_flight_.find(id);
  return found == in_flight_.end() ? nullptr : &found->second;
}

std::span<const CommandId> ClusterView::in_flight_of(ChunkSlot slot) const {
  const auto found = in_flight_of_.find(slot);
  if (found == in_flight_of_.end()) return {};
  return found->second;
}

std::span<const CommandId> ClusterView::in_flight_of(const Chunk& chunk) const {
  const auto slot = slot_of(chunk.id);
  return slot ? in_flight_of(*slot) : std::span<const CommandId>{};
}

std::optional<Voucher> ClusterView::presence(const Chunk& chunk, const Replica& replica) const {
  std::optional<Voucher> latest = servers_[replica.server].inventory;
  const auto found = presence_.find(key(chunk_by_id_.at(chunk.id), replica.server));
  if (found != presence_.end() && (!latest || found->second.asked > latest->asked)) {
    latest = found->second;
  }
  return latest;
}

ChunkVersion ClusterView::version_of(const Chunk& chunk, const Replica& replica) const {
  const auto found = stale_versions_.find(key(chunk_by_id_.at(chunk.id), replica.server));
  return found == stale_versions_.end() ? chunk.version : found->second;
}

ReplicaCount ClusterView::count(const Chunk& chunk) const {
  ReplicaCount result;
  const auto commands = in_flight_of(chunk_by_id_.at(chunk.id));
  result.busy = !commands.empty();
  for (const CommandId id : commands) {
    const CommandRecord& command = in_flight_.at(id);
    result.verifying |= command.kind == CommandKind::kVerify;
    if (command.kind != CommandKind::kReplicate) continue;
    if (find(command.server)->counts()) ++result.projected;
  }
  // Walked anew for each replica: there are few of either, and this is asked for all the time.
  const auto going = [&](ServerId server) {
    return std::any_of(commands.begin(), commands.end(), [&](CommandId id) {
      const CommandRecord& command = in_flight_.at(id);
      return command.kind == CommandKind::kDelete && command.server == server;
    });
  };
  const auto dropped = [&](ServerId server) {
    return std::any_of(commands.begin(), commands.end(),
                       [&](CommandId id) { return in_flight_.at(id).drop == server; });
  };
  for (const Replica& replica : chunk.replicas) {
    const Server& server = servers_[replica.server];
    if (!server.counts()) continue;
    if (going(server.id())) continue;
    switch (replica.state) {
      case ReplicaState::kValid:
      case ReplicaState::kSurplus:
        ++result.valid;
        result.surplus += replica.state == ReplicaState::kSurplus;
        if (server.admin == AdminState::kInService && !dropped(server.id())) ++result.projected;
        break;
      case ReplicaState::kSuspect:
        ++result.suspect;
        break;
      case ReplicaState::kCorrupt:
      case ReplicaState::kStale:
        ++result.garbage;
        break;
    }
  }
  return result;
}

Server& ClusterView::at(ServerId id) {
  const auto found = server_by_id_.find(id);
  EK_CHECK(found != server_by_id_.end());
  return servers_[found->second];
}

Chunk& ClusterView::at(ChunkId id) {
  const auto found = chunk_by_id_.find(id);
  EK_CHECK(found != chunk_by_id_.end());
  return chunks_[found->second];
}

Replica* ClusterView::mutable_replica(Chunk& chunk, ServerSlot server) {
  for (Replica& replica : chunk.replicas) {
    if (replica.server == server) return &replica;
  }
  return nullptr;
}

void ClusterView::reserve(std::size_t chunks) {
  chunks_.reserve(chunks);
  chunk_by_id_.reserve(chunks);
}

void ClusterView::load_counters(Epoch epoch, ChunkId next_chunk, FileId next_file,
                                EventNumber last_event) {
  epoch_ = epoch;
  next_chunk_ = next_chunk;
  next_file_ = next_file;
  last_event_ = last_event;
}

void ClusterView::load_server(Server server) {
  EK_CHECK(!server_by_id_.contains(server.id()));
  server_by_id_.emplace(server.id(), static_cast<ServerSlot>(servers_.size()));
  servers_.push_back(std::move(server));
}

}  // namespace evenkeel
