#include <algorithm>
#include <set>

#include "common/base/mutant.h"
#include "services/rebalancer/core/facts.h"

namespace evenkeel {
namespace {

/// Whether a replica was read and found whole with the size that the map has: the checksum is of
/// the size as well. Otherwise it may be that of a file that was cut short, and was the first to be
/// reported when the database had been lost.
bool size_is_proved(const Chunk& chunk) {
  return std::ranges::any_of(chunk.replicas, [](const Replica& replica) {
    return replica.valid() && replica.content.has_value();
  });
}

/// What the report of one replica makes of it, given what the map says of its chunk.
ReplicaState judged(const Chunk& chunk, const ReportedReplica& row,
                    const std::optional<Replica>& known) {
  if (row.content.version < chunk.version && !EK_MUTANT(count_stale_as_good)) {
    return ReplicaState::kStale;
  }
  const bool same = row.content == chunk.content() || EK_MUTANT(count_stale_as_good);
  const bool found_whole = row.finding == ReplicaFinding::kOk;
  // By its checksum it is the same: one of the two sizes is that of what is left of it.
  if (found_whole && !same && !row.content_age && !size_is_proved(chunk)) {
    return ReplicaState::kSuspect;
  }
  if (!found_whole || !same) return ReplicaState::kCorrupt;
  if (!known || known->state == ReplicaState::kStale) return ReplicaState::kValid;
  // That it is listed as whole does not clear a replica that was found or said to be damaged: its
  // content has to be read for that.
  if (known->state == ReplicaState::kCorrupt) return ReplicaState::kSuspect;
  return known->state;
}

}  // namespace

void close_proved(const ClusterView& view, ChunkSlot slot, ServerId server, const std::string& by,
                  Changes& changes) {
  for (const CommandId id : view.in_flight_of(slot)) {
    const CommandRecord* command = view.find(id);
    if (command->kind != CommandKind::kReplicate || command->server != server) continue;
    changes.push_back(CommandClosed{id, CommandEnd::kDone, "proved by " + by});
    const Chunk& chunk = view.chunk(slot);
    const auto dropped = command->drop ? view.replica(chunk, *command->drop) : std::nullopt;
    if (!dropped || dropped->state != ReplicaState::kValid) continue;
    changes.push_back(
        ReplicaChanged{chunk.id, *command->drop, ReplicaState::kSurplus, chunk.version});
  }
}

namespace {

constexpr const char* kInventory = "an inventory";

/// What is under way for a content that is known better now: it is of no use any more, and its end
/// would be taken for news of that. A delete goes on (S3).
void supersede(const ClusterView& view, ChunkSlot slot, const std::string& why, Changes& changes) {
  for (const CommandId id : view.in_flight_of(slot)) {
    if (view.find(id)->kind == CommandKind::kDelete) continue;
    changes.push_back(CommandClosed{id, CommandEnd::kSuperseded, why});
  }
}

/// GFS 4.5: the higher version is right.
void raise_to(const ClusterView& view, ChunkSlot slot, const ChunkContent& content,
              Changes& changes) {
  supersede(view, slot, "a newer version was reported", changes);
  changes.push_back(ChunkRaised{content});
  // A damaged replica may have claimed that version before: the map has it without.
  for (const Replica& replica : view.chunk(slot).replicas) {
    if (replica.state != ReplicaState::kCorrupt) continue;
    changes.push_back(InventoryWanted{view.server(replica.server).id(), Instant::min()});
  }
}

/// Whether the map's size of a chunk is shown to be wrong, by a replica that was read.
bool proves_another_size(const Chunk& chunk, const ReportedReplica& row) {
  if (row.content.version != chunk.version || row.content.checksum != chunk.checksum) return false;
  if (row.content.size == chunk.size || chunk.life != ChunkLife::kLive) return false;
  if (row.finding != ReplicaFinding::kOk || !row.content_age) return false;
  return !size_is_proved(chunk);
}

/// Who was believed for the wrong size is looked at again, and so is who was not.
void resize_to(const ClusterView& view, const Chunk& chunk, const ReportedReplica& row,
               ServerId holder, Changes& changes) {
  const std::string why = "it has " + std::to_string(row.content.size.count()) + " bytes, not " +
                          std::to_string(chunk.size.count());
  supersede(view, chunk.slot, why, changes);
  changes.push_back(ChunkResized{chunk.id, row.content.size});
  for (const Replica& replica : chunk.replicas) {
    const ServerId other = view.server(replica.server).id();
    const bool judged_by_size = replica.valid() || replica.state == ReplicaState::kCorrupt;
    if (other == holder || !judged_by_size) continue;
    changes.push_back(ReplicaChanged{chunk.id, other, ReplicaState::kSuspect, chunk.version});
  }
  changes.push_back(
      Noted{"chunk", to_string(chunk.id), why + ": read and found whole on " + to_string(holder)});
}

void of_absence(const ClusterView& view, const Server& server, const InventoryRead& event,
                ChunkId id, Changes& changes) {
  const auto effect = server.effects.find(id);
  const bool older = effect != server.effects.end() && effect->second > event.journal;
  if (older && !EK_MUTANT(inventory_older_than_ack)) return;
  const auto slot = view.slot_of(id);
  if (!slot) return;
  const bool held = view.replica(view.chunk(*slot), server.id()).has_value();
  if (!held && server.has_told_since(id, event.journal)) return;
  // A delete that is open goes on until it is answered (S3). That its replica is gone does not tell
  // that it was done: it may still be on its way, and would take the copy that comes in that place.
  // Also of one that the map does not have: what came and went may be told of late.
  changes.push_back(ReplicaLost{id, server.id(), event.journal});
}

/// Of the same version, and by its name other bytes: not this chunk, whatever befell it since. Its
/// number has been given out twice, by a database that was restored from before the first time.
/// Whose bytes the others are nobody knows any more, so they are left alone.
bool is_another(const Chunk& chunk, const ReportedReplica& row) {
  return row.content.version == chunk.version && row.content.checksum != chunk.checksum &&
         !EK_MUTANT(other_bytes_are_damage);
}

void of_row(const ClusterView& view, const Server& server, const InventoryRead& event,
            const ReportedReplica& row, const Limits& limits, Changes& changes) {
  const ChunkId id = row.content.chunk;
  const ServerId holder = server.id();
  const auto effect = server.effects.find(id);
  const bool older = effect != server.effects.end() && effect->second > event.journal;
  if (older && !EK_MUTANT(inventory_older_than_ack)) return;  // older news (S9)
  const auto slot = view.slot_of(id);
  if (!slot) {
    if (row.finding != ReplicaFinding::kOk) return;  // unknown and damaged: nothing to go by
    changes.push_back(ChunkAdded{row.content, limits.default_goal, ChunkLife::kLive});
    changes.push_back(
        ReplicaAdded{id, holder, ReplicaState::kValid, row.content.version, JournalNumber(0)});
  } else {
    Chunk chunk = view.chunk(*slot);
    if (is_another(chunk, row)) {
      changes.push_back(Noted{"chunk", to_string(id),
                              "other bytes are under its name on " + to_string(holder) +
                                  ", and are left alone: " + to_string(row.content.checksum)});
      return of_absence(view, server, event, id, changes);
    }
    if (proves_another_size(chunk, row)) {
      resize_to(view, chunk, row, holder, changes);
      chunk.size = row.content.size;
    }
    const auto known = view.replica(chunk, holder);
    // A damaged replica that claims a version above the map's proves nothing of that version; only
    // where all of them are to go it does not matter, and a delete has to name it.
    const bool whole = row.finding == ReplicaFinding::kOk;
    const bool newer =
        row.content.version > chunk.version && (whole || chunk.life == ChunkLife::kRetired);
    if (newer) raise_to(view, *slot, row.content, changes);
    const ReplicaState state = newer && whole ? ReplicaState::kValid : judged(chunk, row, known);
    const ChunkVersion version =
        newer || state == ReplicaState::kStale ? row.content.version : chunk.version;
    // That its copy had been whole, told late, is no news.
    const bool damaged = state == ReplicaState::kCorrupt;
    const JournalNumber journal = damaged ? event.journal : JournalNumber(0);
    if (!known) {
      changes.push_back(ReplicaAdded{id, holder, state, version, journal});
    } else if (newer || known->state != state || view.version_of(chunk, *known) != version) {
      changes.push_back(ReplicaChanged{id, holder, state, version, journal});
    }
    if (state == ReplicaState::kValid && !newer) {
      close_proved(view, *slot, holder, kInventory, changes);
    }
    // By a database from before its put had ended, which may have ended since: it is kept as others
    // are. Who goes on with the put does not mind.
    if (state == ReplicaState::kValid && chunk.life == ChunkLife::kCreating &&
        view.deletes_held()) {
      changes.push_back(ChunkPublished{id});
    }
    if (damaged && (!known || known->state != state)) {
      changes.push_back(Noted{"chunk", to_string(id), "corrupt on " + to_string(holder)});
    }
  }
  // Only a report that answers a question tells when it was made at the latest.
  if (!row.content_age || !event.full) return;
  changes.push_back(ReplicaVouched{id, holder, std::nullopt, event.asked - *row.content_age});
}

}  // namespace

/// Its command is closed, so this is said by nobody else until the next full inventory. It may be
/// said again, long after: what is known to be newer of that server and chunk goes before it (S9).
Changes of_copy_after_all(const ClusterView& view, const CopyDoneAfterAll& event) {
  const Server* server = view.find(event.server);
  const auto slot = view.slot_of(event.chunk);
  if (!server || !slot || server->member.storage != event.storage) return {};
  if (server->admin == AdminState::kRemoved) return {};
  // Effects are remembered since this start, and a report of this epoch tells of what was before.
  const bool remembered = server->standing == Standing::kReported;
  if (!remembered && event.journal <= server->acked_journal) return {};
  if (server->has_told_since(event.chunk, event.journal)) return {};
  const Chunk& chunk = view.chunk(*slot);
  if (event.version > chunk.version) return {};
  const bool current = event.version == chunk.version;
  const auto known = view.replica(chunk, event.server);
  if (known && (!current || known->valid() || known->state == ReplicaState::kSuspect)) return {};
  if (known && known->state == ReplicaState::kCorrupt) {
    // Replaced, or found so since: it has to be read to know.
    return {ReplicaChanged{event.chunk, event.server, ReplicaState::kSuspect, chunk.version}};
  }
  Changes changes;
  if (known) changes.push_back(ReplicaLost{event.chunk, event.server, event.journal});
  changes.push_back(ReplicaAdded{event.chunk, event.server,
                                 current ? ReplicaState::kValid : ReplicaState::kStale,
                                 event.version, event.journal});
  if (current) close_proved(view, *slot, event.server, kInventory, changes);
  changes.push_back(
      Noted{"chunk", to_string(event.chunk),
            "copied to " + to_string(event.server) + " though it was not wanted any more"});
  return changes;
}

bool acceptable(const Server& server, const Inventory& header) {
  if (header.from.incarnation != server.member.incarnation) return false;
  if (header.from.storage != server.member.storage) return false;
  if (header.number <= server.inventory_number && !EK_MUTANT(old_inventory_accepted)) return false;
  if (header.basis) {
    // Not on an older one than the last: what changed between the two would be missing.
    return server.standing == Standing::kReported &&
           (*header.basis >= server.inventory_number || EK_MUTANT(old_inventory_accepted));
  }
  return header.journal >= server.report_floor || EK_MUTANT(inventory_no_watermark);
}

Changes of_inventory(const ClusterView& view, const InventoryRead& event, const Limits& limits) {
  const Server* server = view.find(event.server);
  if (!server) return {};
  if (event.number <= server->inventory_number && !EK_MUTANT(old_inventory_accepted)) return {};
  if (event.incarnation != server->member.incarnation) return {};
  if (event.storage != server->member.storage) return {};
  // It is asked anew when it is back: who was taken for dead has to report after that.
  if (server->member.liveness == Liveness::kDead) return {};
  if (server->admin == AdminState::kRemoved) return {};
  if (!event.full && server->standing != Standing::kReported) return {};
  Changes changes;
  for (const ReportedReplica& row : event.rows) {
    of_row(view, *server, event, row, limits, changes);
  }
  std::set<ChunkId> told;
  if (!event.gone.empty()) {
    for (const ReportedReplica& row : event.rows) told.insert(row.content.chunk);
  }
  for (const auto& [chunk, version] : event.gone) {
    if (told.contains(chunk)) continue;
    const auto slot = view.slot_of(chunk);
    if (!slot) continue;
    const auto known = view.replica(view.chunk(*slot), event.server);
    // Another version may have come in the place of the one that is gone.
    if (known && view.version_of(view.chunk(*slot), *known) != version) continue;
    of_absence(view, *server, event, chunk, changes);
  }
  if (!event.last) return changes;
  if (event.full) {
    for (const ChunkSlot slot : server->chunks) {
      const ChunkId id = view.chunk(slot).id;
      if (std::binary_search(event.listed.begin(), event.listed.end(), id)) continue;
      of_absence(view, *server, event, id, changes);
    }
    changes.push_back(ServerReported{event.server, event.number, event.journal, event.asked});
  } else {
    changes.push_back(InventoryTaken{event.server, event.number});
  }
  return changes;
}

}  // namespace evenkeel
