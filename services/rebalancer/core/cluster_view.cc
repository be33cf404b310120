#include "services/rebalancer/core/cluster_view.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/base/overloaded.h"

namespace evenkeel {
namespace {

constexpr std::uint64_t presence_key(ChunkSlot chunk, ServerSlot server) {
  return (std::uint64_t{chunk} << 32) | server;
}

std::int32_t minutes(Instant instant) {
  return static_cast<std::int32_t>(
      std::chrono::floor<std::chrono::minutes>(instant.time_since_epoch()).count());
}

}  // namespace

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
  const auto found = presence_.find(presence_key(chunk_by_id_.at(chunk.id), replica.server));
  if (found != presence_.end() && (!latest || found->second.asked > latest->asked)) {
    latest = found->second;
  }
  return latest;
}

ChunkVersion ClusterView::version_of(const Chunk& chunk, const Replica& replica) const {
  const auto found = stale_versions_.find(presence_key(chunk_by_id_.at(chunk.id), replica.server));
  return found == stale_versions_.end() ? chunk.version : found->second;
}

void ClusterView::remember_version(ChunkSlot chunk, ServerSlot server, ReplicaState state,
                                   ChunkVersion version) {
  const auto key = presence_key(chunk, server);
  if (state == ReplicaState::kStale) {
    stale_versions_.insert_or_assign(key, version);
  } else {
    stale_versions_.erase(key);
  }
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

void ClusterView::refresh_chunks_of(ServerSlot server) {
  for (const ChunkSlot slot : servers_[server].chunks) refresh(slot);
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

void ClusterView::unaside(ChunkSlot slot) {
  const auto found = aside_.find(slot);
  if (found == aside_.end()) return;
  aside_by_time_.erase({found->second.until, slot});
  aside_.erase(found);
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
  presence_.erase(presence_key(slot, server_slot));
  stale_versions_.erase(presence_key(slot, server_slot));
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

void ClusterView::apply(const Change& change) {
  ++revision_;
  std::visit(
      Overloaded{
          [&](const EpochRaised& c) {
            EK_CHECK(c.epoch > epoch_);
            epoch_ = c.epoch;
            presence_.clear();
            for (ServerSlot s = 0; s < servers_.size(); ++s) {
              const bool back = servers_[s].standing == Standing::kRegistering;
              set_standing(s, back ? Standing::kRegistering : Standing::kPresumed);
            }
          },
          [&](const CommandFloorRaised& c) { next_command_ = std::max(next_command_, c.floor); },
          [&](const DeletesHeld& c) { deletes_held_ = c.why; },
          [&](const MembershipHeard& c) {
            stream_ = c.stream;
            stream_number_ = c.number;
          },
          [&](const SyncChanged& c) { synced_ = c.synced; },
          [&](const SafeModeLeft&) { in_safe_mode_ = false; },
          [&](const ServerAdded& c) {
            Server server{.member = c.member};
            server.standing = Standing::kRegistering;
            load_server(std::move(server));
          },
          [&](const ServerUpdated& c) { update_server(c.member); },
          [&](const ServerReplaced& c) {
            const ServerSlot slot = server_by_id_.at(c.member.server);
            for (const std::vector<ChunkSlot> held = servers_[slot].chunks;
                 const ChunkSlot chunk : held) {
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
          },
          [&](const ServerFenced& c) { at(c.server).fenced = c.epoch; },
          [&](const ServerAcked& c) {
            Server& server = at(c.server);
            server.acked_journal = std::max(server.acked_journal, c.journal);
          },
          [&](const ServerReported& c) {
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
          },
          [&](const InventoryTaken& c) { at(c.server).inventory_number = c.number; },
          [&](const InventoryAsked& c) { at(c.server).inventory_asked = c.at; },
          [&](const ServerFull& c) { at(c.server).full_until = c.until; },
          [&](const ChunkAdded& c) {
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
          },
          [&](const ChunkRaised& c) {
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
          },
          [&](const ChunkPromised& c) {
            const ChunkSlot slot = chunk_by_id_.at(c.chunk);
            keep_promise(slot, std::nullopt);
            for (const ServerId server : c.servers) {
              promises_[slot].push_back(server_by_id_.at(server));
              at(server).promised += chunks_[slot].size;
            }
          },
          [&](const ChunkPublished& c) {
            keep_promise(chunk_by_id_.at(c.chunk), std::nullopt);
            at(c.chunk).life = ChunkLife::kLive;
            refresh(chunk_by_id_.at(c.chunk));
          },
          [&](const ChunkRetired& c) {
            keep_promise(chunk_by_id_.at(c.chunk), std::nullopt);
            at(c.chunk).life = ChunkLife::kRetired;
            refresh(chunk_by_id_.at(c.chunk));
          },
          [&](const ChunkSequence& c) { next_chunk_ = c.next; },
          [&](const ChunkSetAside& c) {
            const ChunkSlot slot = chunk_by_id_.at(c.chunk);
            unaside(slot);
            aside_.emplace(slot, Aside{c.until, count(chunks_[slot]).valid});
            aside_by_time_.emplace(c.until, slot);
            refresh(slot);
          },
          [&](const ChunkResumed& c) {
            const ChunkSlot slot = chunk_by_id_.at(c.chunk);
            unaside(slot);
            refresh(slot);
          },
          [&](const ReplicaAdded& c) {
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
            if (c.journal > server.report_journal)
              server.effects.insert_or_assign(c.chunk, c.journal);
            refresh(slot);
          },
          [&](const ReplicaChanged& c) {
            const ChunkSlot slot = chunk_by_id_.at(c.chunk);
            const ServerSlot server = server_by_id_.at(c.server);
            Replica* replica = mutable_replica(chunks_[slot], server);
            EK_CHECK(replica != nullptr);
            replica->state = c.state;
            remember_version(slot, server, c.state, c.version);
            refresh(slot);
          },
          [&](const ReplicaLost& c) {
            const ChunkSlot slot = chunk_by_id_.at(c.chunk);
            const ServerSlot server = server_by_id_.at(c.server);
            drop_replica(slot, server);
            if (c.journal > servers_[server].report_journal) {
              servers_[server].effects.insert_or_assign(c.chunk, c.journal);
            }
            refresh(slot);
          },
          [&](const ReplicaVouched& c) {
            const ChunkSlot slot = chunk_by_id_.at(c.chunk);
            const ServerSlot server = server_by_id_.at(c.server);
            Replica* replica = mutable_replica(chunks_[slot], server);
            EK_CHECK(replica != nullptr);
            if (c.presence) {
              presence_.insert_or_assign(presence_key(slot, server), *c.presence);
            }
            if (c.content) {
              replica->content_minutes = std::max(replica->content_minutes, minutes(*c.content));
            }
          },
          [&](const VouchersExpired& c) {
            std::erase_if(presence_, [&](const auto& e) { return e.second.asked < c.before; });
          },
          [&](const CommandIssued& c) {
            next_command_ = std::max(next_command_, CommandId(c.command.id.value() + 1));
            EK_CHECK(in_flight_.emplace(c.command.id, c.command).second);
            on_command(c.command, true);
            if (!c.command.chunk) return;
            const ChunkSlot slot = chunk_by_id_.at(*c.command.chunk);
            in_flight_of_[slot].push_back(c.command.id);
            refresh(slot);
          },
          [&](const CommandClosed& c) {
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
          },
          [&](const FileOpened& c) { next_file_ = FileId(c.file.value() + 1); },
          [&](const FilePlaced&) {},
          [&](const FileCompleted&) {},
          [&](const FileRemoved&) {},
          [&](const Noted&) { last_event_ = last_event_.next(); },
      },
      change);
}

}  // namespace evenkeel
