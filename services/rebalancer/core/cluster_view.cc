#include "services/rebalancer/core/cluster_view.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/model/text.h"
#include "services/rebalancer/core/nearness.h"

namespace evenkeel {

const Server* ClusterView::find(ServerId id) const {
  const auto slot = slot_of(id);
  return slot ? &servers_[*slot] : nullptr;
}

const Server* ClusterView::find_storage(const StorageId& storage) const {
  const auto found = server_by_storage_.find(storage);
  return found == server_by_storage_.end() ? nullptr : &servers_[found->second];
}

std::optional<ServerSlot> ClusterView::slot_of(ServerId id) const {
  const auto found = server_by_id_.find(id);
  return found == server_by_id_.end() ? std::nullopt : std::optional(found->second);
}

Replica ClusterView::unpacked(PackedReplica replica) const {
  return {replica.server(), replica.state(), replica.leaving(),
          content_clock_.time(replica.content())};
}

Chunk ClusterView::chunk(ChunkSlot slot) const {
  const ChunkContent content = chunks_.content(slot);
  Chunk result{.id = content.chunk,
               .version = content.version,
               .size = content.size,
               .checksum = content.checksum,
               .replicas = {},
               .goal = static_cast<std::uint8_t>(chunks_.goal(slot)),
               .life = chunks_.life(slot),
               .queue = chunks_.queue(slot),
               .policy = chunks_.policy(slot),
               .slot = slot};
  for (const PackedReplica replica : chunks_.replicas(slot)) {
    result.replicas.push_back(unpacked(replica));
  }
  return result;
}

std::optional<Chunk> ClusterView::find(ChunkId id) const {
  const auto slot = slot_of(id);
  return slot ? std::optional(chunk(*slot)) : std::nullopt;
}

std::optional<Replica> ClusterView::replica(const Chunk& chunk, ServerId server) const {
  for (const Replica& replica : chunk.replicas) {
    if (servers_[replica.server].id() == server) return replica;
  }
  return std::nullopt;
}

const CommandRecord* ClusterView::find(CommandId id) const {
  const auto found = in_flight_.find(id);
  return found == in_flight_.end() ? nullptr : &found->second;
}

std::span<const CommandId> ClusterView::in_flight_of(ChunkSlot slot) const {
  if (!chunks_.busy(slot)) return {};
  return in_flight_of_.at(slot);
}

std::span<const CommandId> ClusterView::in_flight_of(const Chunk& chunk) const {
  return chunk.slot == kNoChunk ? std::span<const CommandId>{} : in_flight_of(chunk.slot);
}

std::optional<Voucher> ClusterView::presence(const Chunk& chunk, const Replica& replica) const {
  std::optional<Voucher> latest = servers_[replica.server].inventory;
  const auto found = presence_.find(key(chunk.slot, replica.server));
  if (found != presence_.end() && (!latest || found->second.asked > latest->asked)) {
    latest = found->second;
  }
  return latest;
}

ChunkVersion ClusterView::version_of(const Chunk& chunk, const Replica& replica) const {
  const auto found = stale_versions_.find(key(chunk.slot, replica.server));
  return found == stale_versions_.end() ? chunk.version : found->second;
}

Server& ClusterView::at(ServerId id) {
  const auto found = server_by_id_.find(id);
  EK_CHECK(found != server_by_id_.end());
  return servers_[found->second];
}

ChunkSlot ClusterView::slot_at(ChunkId id) const {
  const auto found = chunks_.find(id);
  EK_CHECK(found.has_value());
  return *found;
}

PackedReplica* ClusterView::mutable_replica(ChunkSlot chunk, ServerSlot server) {
  for (PackedReplica& replica : chunks_.replicas(chunk)) {
    if (replica.server() == server) return &replica;
  }
  return nullptr;
}

void ClusterView::reserve(std::size_t chunks) {
  chunks_.reserve(chunks);
}

std::size_t ClusterView::memory() const {
  std::size_t bytes = chunks_.memory() + bits_.capacity() + places_.capacity() * sizeof(Place);
  for (const Server& server : servers_) bytes += sizeof(Server) + server.chunks.memory();
  for (const SlotQueue& waiting : queues_) bytes += waiting.memory();
  return bytes;
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
  const auto slot = static_cast<ServerSlot>(servers_.size());
  EK_CHECK(slot < PackedReplica::kServers);
  server_by_id_.emplace(server.id(), slot);
  server_by_storage_.emplace(server.member.storage, slot);
  if (server.gone_since) gone_.insert(server.id());
  policies_.set_labels(slot, server.member.labels);
  servers_.push_back(std::move(server));
  servers_.back().chunks = SlotSet(slot);
  bits_.push_back(0);
  places_.push_back(Place{});
  derive(slot);
}

void ClusterView::set_default_spread(SpreadLevel level) {
  Policy policy = policies_.at(kDefaultPolicy);
  policy.spread = level;
  policies_.set(policy);
}

void ClusterView::loaded() {
  loading_ = false;
  chunks_.index();
  fill_servers();
  refresh_all();
}

/// What each server holds, as the chunks tell it. Their sets are as large as they have to be, and
/// lie all over the memory: each place is fetched some replicas before it is written.
void ClusterView::fill_servers() {
  std::vector<std::size_t> replicas(servers_.size());
  std::vector<Bytes> used(servers_.size());
  for (ChunkSlot slot = 0; slot < chunks_.size(); ++slot) {
    for (const PackedReplica replica : chunks_.replicas(slot)) {
      ++replicas[replica.server()];
      used[replica.server()] += chunks_.bytes(slot);
    }
  }
  for (ServerSlot slot = 0; slot < servers_.size(); ++slot) {
    servers_[slot].chunks.fit(replicas[slot]);
    servers_[slot].used = used[slot];
  }
  constexpr ChunkSlot kAhead = 16;
  for (ChunkSlot slot = 0; slot < chunks_.size() + kAhead; ++slot) {
    if (slot < chunks_.size()) {
      for (const PackedReplica replica : chunks_.replicas(slot)) {
        servers_[replica.server()].chunks.prefetch_slot(slot);
      }
    }
    if (slot < kAhead) continue;
    for (const PackedReplica replica : chunks_.replicas(slot - kAhead)) {
      servers_[replica.server()].chunks.insert(slot - kAhead);
    }
  }
}

const Copysets* ClusterView::copysets(int goal, int scatter_width) const {
  if (scatter_width == 0 || goal < 2) return nullptr;
  const std::pair key(goal, scatter_width);
  const auto found = copysets_.find(key);
  if (found != copysets_.end()) return &found->second;
  std::vector<Copysets::Member> members;
  for (ServerSlot slot = 0; slot < servers_.size(); ++slot) {
    if (stays(slot)) members.push_back({slot, servers_[slot].id().value(), places_[slot]});
  }
  return &copysets_.emplace(key, Copysets(members, goal, scatter_width)).first->second;
}

std::uint32_t ClusterView::domain(std::string_view name, int level) {
  auto& known = domains_[static_cast<std::size_t>(level)];
  return known.emplace(std::string(name), static_cast<std::uint32_t>(known.size())).first->second;
}

/// What is asked of a server most often, in a few bytes: ten thousand of them stay in the cache.
void ClusterView::derive(ServerSlot slot) {
  const Server& server = servers_[slot];
  std::uint8_t bits = 0;
  const bool in_service = server.admin == AdminState::kInService;
  if (server.counts()) bits |= kCounts;
  if (server.works()) bits |= kWorks;
  if (in_service) bits |= kInService;
  const bool in_maintenance = server.admin == AdminState::kMaintenance;
  if (in_service || in_maintenance) bits |= kStays;
  if (in_maintenance) bits |= kMaintained;
  if (evenkeel::says_where(server.member)) bits |= kSaysWhere;
  if (in_maintenance || (in_service && server.awaited_until)) bits |= kAwaited;
  const bool silent = server.member.liveness == Liveness::kAlive && !server.works() &&
                      server.admin != AdminState::kRemoved;
  if (silent) bits |= kSilent;
  unreported_ = unreported_ + ((bits & kSilent) != 0) - ((bits_[slot] & kSilent) != 0);
  const bool stayed = (bits_[slot] & kStays) != 0;
  bits_[slot] = bits;
  const std::string_view location = server.member.location;
  const Place before = places_[slot];
  places_[slot] = {domain(location, 0), domain(domain_of(location, SpreadLevel::kRack), 1),
                   domain(domain_of(location, SpreadLevel::kZone), 2)};
  if (stayed != ((bits & kStays) != 0) || before != places_[slot]) copysets_.clear();
  const bool many = domains_[1].size() > 1;
  if (many == many_racks_) return;
  many_racks_ = many;
  if (!loading_) refresh_all();
}

}  // namespace evenkeel
