// ClusterView, the part that changes it: one on() for each kind of change.
#include <algorithm>

#include "common/base/check.h"
#include "services/rebalancer/core/cluster_view.h"

namespace evenkeel {
namespace {

std::int32_t minutes(Instant instant) {
  return static_cast<std::int32_t>(
      std::chrono::floor<std::chrono::minutes>(instant.time_since_epoch()).count());
}

}  // namespace

/// A kind of change that has no on() does not compile.
void ClusterView::apply(const Change& change) {
  ++revision_;
  std::visit([this](const auto& kind) { on(kind); }, change);
}

/// There may be room, or a source, that was not there before. What waits for its time alone, such
/// as a chunk that was deleted by its owner, goes on waiting.
void ClusterView::resume_live_chunks() {
  std::vector<ChunkSlot> live;
  for (const auto& [slot, aside] : aside_) {
    if (chunks_[slot].life == ChunkLife::kLive) live.push_back(slot);
  }
  for (const ChunkSlot slot : live) {
    unaside(slot);
    refresh(slot);
  }
}

/// It is there now, or with no server: nothing more is expected of any.
void ClusterView::keep_promise(ChunkSlot slot, std::optional<ServerSlot> server) {
  const auto found = promises_.find(slot);
  if (found == promises_.end()) return;
  std::erase_if(found->second, [&](ServerSlot promised) {
    const bool kept = !server || promised == *server;
    if (kept) servers_[promised].promised -= chunks_[slot].size;
    return kept;
  });
  if (found->second.empty()) promises_.erase(found);
}

void ClusterView::drop_replica(ChunkSlot slot, ServerSlot server_slot) {
  Chunk& chunk = chunks_[slot];
  Server& server = servers_[server_slot];
  Replica* gone = mutable_replica(chunk, server_slot);
  EK_CHECK(gone != nullptr);
  server.used -= chunk.size;
  if (gone->leaving) server.leaving -= chunk.size;
  const ChunkSlot moved = server.chunks.back();
  const std::uint32_t place = gone->place;
  server.chunks[place] = moved;
  mutable_replica(chunks_[moved], server_slot)->place = place;
  server.chunks.pop_back();
  presence_.erase(key(slot, server_slot));
  stale_versions_.erase(key(slot, server_slot));
  chunk.replicas.erase(chunk.replicas.begin() + (gone - chunk.replicas.data()));
}

void ClusterView::set_standing(ServerSlot slot, Standing standing) {
  if (servers_[slot].standing == standing) return;
  servers_[slot].standing = standing;
  if (standing != Standing::kReported) servers_[slot].inventory.reset();
}

void ClusterView::update_server(const Member& member) {
  const ServerSlot slot = server_by_id_.at(member.server);
  Server& server = servers_[slot];
  const bool counted = server.counts();
  const bool another_run = member.incarnation != server.member.incarnation;
  server.member = member;
  if (another_run) server.inventory_number = InventoryNumber(0);  // numbered anew
  if (member.liveness == Liveness::kDead) {
    set_standing(slot, Standing::kRegistering);
    server.inventory_asked.reset();
  }
  if (counted != server.counts()) refresh_chunks_of(slot);
}

void ClusterView::on_command(const CommandRecord& command, bool opened) {
  Server& server = at(command.server);
  const int step = opened ? 1 : -1;
  if (command.kind != CommandKind::kReplicate) {
    server.checks += step;
    return;
  }
  server.copies_in += step;
  opened ? server.incoming += command.size : server.incoming -= command.size;
  if (!command.source) return;
  Server& source = at(*command.source);
  source.copies_out += step;
  opened ? source.bytes_out += command.size : source.bytes_out -= command.size;
}

void ClusterView::remember_version(ChunkSlot chunk, ServerSlot server, ReplicaState state,
                                   ChunkVersion version) {
  if (state == ReplicaState::kStale) {
    stale_versions_.insert_or_assign(key(chunk, server), version);
  } else {
    stale_versions_.erase(key(chunk, server));
  }
}

void ClusterView::on(const EpochRaised& c) {
  EK_CHECK(c.epoch > epoch_);
  epoch_ = c.epoch;
  presence_.clear();
  for (ServerSlot s = 0; s < servers_.size(); ++s) {
    const bool back = servers_[s].standing == Standing::kRegistering;
    set_standing(s, back ? Standing::kRegistering : Standing::kPresumed);
  }
}

void ClusterView::on(const CommandFloorRaised& c) {
  next_command_ = std::max(next_command_, c.floor);
}

void ClusterView::on(const DeletesHeld& c) {
  deletes_held_ = c.why;
}

void ClusterView::on(const MembershipHeard& c) {
  stream_ = c.stream;
  stream_number_ = c.number;
}

void ClusterView::on(const SyncChanged& c) {
  synced_ = c.synced;
}

void ClusterView::on(const SafeModeLeft&) {
  in_safe_mode_ = false;
}

void ClusterView::on(const ServerAdded& c) {
  Server server{.member = c.member};
  server.standing = Standing::kRegistering;
  load_server(std::move(server));
}

void ClusterView::on(const ServerUpdated& c) {
  update_server(c.member);
}

void ClusterView::on(const ServerReplaced& c) {
  const ServerSlot slot = server_by_id_.at(c.member.server);
  for (const std::vector<ChunkSlot> held = servers_[slot].chunks; const ChunkSlot chunk : held) {
    drop_replica(chunk, slot);
    refresh(chunk);
  }
  Server& server = servers_[slot];
  server.effects.clear();
  server.fenced = Epoch(0);
  server.acked_journal = server.report_journal = server.report_floor = JournalNumber(0);
  server.inventory_number = InventoryNumber(0);
  set_standing(slot, Standing::kRegistering);
  server.member = c.member;
}

void ClusterView::on(const ServerFenced& c) {
  at(c.server).fenced = c.epoch;
}

void ClusterView::on(const ServerAcked& c) {
  Server& server = at(c.server);
  server.acked_journal = std::max(server.acked_journal, c.journal);
}

void ClusterView::on(const ServerReported& c) {
  const ServerSlot slot = server_by_id_.at(c.server);
  Server& server = servers_[slot];
  const bool counted = server.counts();
  server.inventory_number = c.number;
  server.report_journal = c.journal;
  std::erase_if(server.effects, [&](const auto& e) { return e.second <= c.journal; });
  set_standing(slot, Standing::kReported);
  server.inventory_asked.reset();
  server.inventory = Voucher{Holder::VouchedBy::kInventory, c.number.value(), c.asked};
  if (counted != server.counts()) refresh_chunks_of(slot);
  resume_live_chunks();
}

void ClusterView::on(const InventoryTaken& c) {
  at(c.server).inventory_number = c.number;
}

void ClusterView::on(const InventoryAsked& c) {
  at(c.server).inventory_asked = c.at;
}

void ClusterView::on(const ServerFull& c) {
  at(c.server).full_until = c.until;
}

void ClusterView::on(const ChunkAdded& c) {
  const auto slot = static_cast<ChunkSlot>(chunks_.size());
  EK_CHECK(chunk_by_id_.emplace(c.content.chunk, slot).second);
  chunks_.push_back(Chunk{.id = c.content.chunk,
                          .version = c.content.version,
                          .size = c.content.size,
                          .checksum = c.content.checksum,
                          .replicas = {},
                          .goal = static_cast<std::uint8_t>(c.goal),
                          .life = c.life});
  refresh(slot);
}

void ClusterView::on(const ChunkRaised& c) {
  const ChunkSlot slot = chunk_by_id_.at(c.content.chunk);
  Chunk& chunk = chunks_[slot];
  EK_CHECK(c.content.version > chunk.version);
  keep_promise(slot, std::nullopt);
  for (Replica& replica : chunk.replicas) {
    Server& server = servers_[replica.server];
    server.used = server.used - chunk.size + c.content.size;
    if (replica.leaving) server.leaving = server.leaving - chunk.size + c.content.size;
    if (replica.state != ReplicaState::kStale) {
      remember_version(slot, replica.server, ReplicaState::kStale, chunk.version);
    }
    replica.state = ReplicaState::kStale;
  }
  chunk.version = c.content.version;
  chunk.size = c.content.size;
  chunk.checksum = c.content.checksum;
  refresh(slot);
}

void ClusterView::on(const ChunkPromised& c) {
  const ChunkSlot slot = chunk_by_id_.at(c.chunk);
  keep_promise(slot, std::nullopt);
  for (const ServerId server : c.servers) {
    promises_[slot].push_back(server_by_id_.at(server));
    at(server).promised += chunks_[slot].size;
  }
}

void ClusterView::on(const ChunkPublished& c) {
  keep_promise(chunk_by_id_.at(c.chunk), std::nullopt);
  at(c.chunk).life = ChunkLife::kLive;
  refresh(chunk_by_id_.at(c.chunk));
}

void ClusterView::on(const ChunkRetired& c) {
  keep_promise(chunk_by_id_.at(c.chunk), std::nullopt);
  at(c.chunk).life = ChunkLife::kRetired;
  refresh(chunk_by_id_.at(c.chunk));
}

void ClusterView::on(const ChunkSequence& c) {
  next_chunk_ = c.next;
}

void ClusterView::on(const ChunkSetAside& c) {
  const ChunkSlot slot = chunk_by_id_.at(c.chunk);
  unaside(slot);
  aside_.emplace(slot, Aside{c.until, count(chunks_[slot]).valid});
  aside_by_time_.emplace(c.until, slot);
  refresh(slot);
}

void ClusterView::on(const ChunkResumed& c) {
  const ChunkSlot slot = chunk_by_id_.at(c.chunk);
  unaside(slot);
  refresh(slot);
}

void ClusterView::on(const ReplicaAdded& c) {
  const ChunkSlot slot = chunk_by_id_.at(c.chunk);
  const ServerSlot server_slot = server_by_id_.at(c.server);
  Chunk& chunk = chunks_[slot];
  Server& server = servers_[server_slot];
  EK_CHECK(mutable_replica(chunk, server_slot) == nullptr);
  Replica replica;
  replica.server = server_slot;
  replica.place = static_cast<std::uint32_t>(server.chunks.size());
  replica.state = c.state;
  chunk.replicas.push_back(replica);
  server.chunks.push_back(slot);
  remember_version(slot, server_slot, c.state, c.version);
  keep_promise(slot, server_slot);
  server.used += chunk.size;
  if (c.journal > server.report_journal) server.effects.insert_or_assign(c.chunk, c.journal);
  refresh(slot);
}

void ClusterView::on(const ReplicaChanged& c) {
  const ChunkSlot slot = chunk_by_id_.at(c.chunk);
  const ServerSlot server = server_by_id_.at(c.server);
  Replica* replica = mutable_replica(chunks_[slot], server);
  EK_CHECK(replica != nullptr);
  replica->state = c.state;
  remember_version(slot, server, c.state, c.version);
  refresh(slot);
}

void ClusterView::on(const ReplicaLost& c) {
  const ChunkSlot slot = chunk_by_id_.at(c.chunk);
  const ServerSlot server = server_by_id_.at(c.server);
  drop_replica(slot, server);
  if (c.journal > servers_[server].report_journal) {
    servers_[server].effects.insert_or_assign(c.chunk, c.journal);
  }
  refresh(slot);
}

void ClusterView::on(const ReplicaVouched& c) {
  const ChunkSlot slot = chunk_by_id_.at(c.chunk);
  const ServerSlot server = server_by_id_.at(c.server);
  Replica* replica = mutable_replica(chunks_[slot], server);
  EK_CHECK(replica != nullptr);
  if (c.presence) {
    presence_.insert_or_assign(key(slot, server), *c.presence);
  }
  if (c.content) {
    replica->content_minutes = std::max(replica->content_minutes, minutes(*c.content));
  }
}

void ClusterView::on(const VouchersExpired& c) {
  std::erase_if(presence_, [&](const auto& e) { return e.second.asked < c.before; });
}

void ClusterView::on(const CommandIssued& c) {
  next_command_ = std::max(next_command_, CommandId(c.command.id.value() + 1));
  EK_CHECK(in_flight_.emplace(c.command.id, c.command).second);
  on_command(c.command, true);
  if (!c.command.chunk) return;
  const ChunkSlot slot = chunk_by_id_.at(*c.command.chunk);
  in_flight_of_[slot].push_back(c.command.id);
  refresh(slot);
}

void ClusterView::on(const CommandClosed& c) {
  const auto found = in_flight_.find(c.command);
  EK_CHECK(found != in_flight_.end());
  const CommandRecord command = std::move(found->second);
  in_flight_.erase(found);
  on_command(command, false);
  if (!command.chunk) return;
  const ChunkSlot slot = chunk_by_id_.at(*command.chunk);
  auto& of_chunk = in_flight_of_.at(slot);
  std::erase(of_chunk, c.command);
  if (of_chunk.empty()) in_flight_of_.erase(slot);
  refresh(slot);
}

void ClusterView::on(const FileOpened& c) {
  next_file_ = FileId(c.file.value() + 1);
}

void ClusterView::on(const FilePlaced&) {}

void ClusterView::on(const FileCompleted&) {}

void ClusterView::on(const FileRemoved&) {}

void ClusterView::on(const Noted&) {
  last_event_ = last_event_.next();
}

}  // namespace evenkeel
