#include <algorithm>
#include <set>

#include "common/base/mutant.h"
#include "services/rebalancer/core/facts.h"
#include "services/rebalancer/core/patience.h"

namespace evenkeel {
namespace {

std::string described(const Member& member) {
  switch (member.liveness) {
    case Liveness::kAlive:
      return "alive at " + member.location;
    case Liveness::kSuspect:
      return "suspect";
    case Liveness::kDead:
      return member.planned ? "stopped" : "dead";
  }
  EK_CHECK(false);
}

/// Commands to a server that is gone. Deletes stay: they never expire (S3), and the server
/// may come back with the replica that they name.
void close_commands_of(const ClusterView& view, ServerId server, bool storage_gone,
                       Changes& changes) {
  // Those that read from it go on: their targets take another source, or say so.
  for (const CommandId id : view.find(server)->orders) {
    const bool stays = !storage_gone && !EK_MUTANT(expire_pending_delete);
    if (view.find(id)->kind == CommandKind::kDelete && stays) continue;
    changes.push_back(CommandClosed{id, CommandEnd::kSuperseded,
                                    storage_gone ? "the storage was replaced" : "server is dead"});
  }
}

Changes of_member(const ClusterView& view, const Member& member, const Limits& limits,
                  Instant now) {
  Changes changes;
  const Server* known = view.find(member.server);
  const Server* holder = view.find_storage(member.storage);
  if (holder && holder->id() != member.server) {  // one disk under two names counts once (S15)
    return {Noted{"server", to_string(member.server),
                  "refused: its storage is that of " + to_string(holder->id())}};
  }
  if (!known) {
    return {ServerAdded{member},
            Noted{"server", to_string(member.server), "new, " + described(member)}};
  }
  const Member& before = known->member;
  if (member.incarnation < before.incarnation && member.storage == before.storage) return {};
  if (member.storage != before.storage) {
    // First, since a delete may be given up only when the storage it was for is no longer known
    // (S3).
    changes.push_back(ServerReplaced{member});
    close_commands_of(view, member.server, true, changes);
    changes.push_back(Noted{"server", to_string(member.server), "another storage: it is empty"});
    if (known->admin == AdminState::kRemoved) {  // its storage was; this one is new
      changes.push_back(
          ServerAdminSet{member.server, AdminState::kInService, AfterDrain::kStay, std::nullopt});
    }
    return changes;
  }
  if (member == before) return {};
  const bool is_dead = member.liveness == Liveness::kDead;
  const bool was_dead = before.liveness == Liveness::kDead;
  if (is_dead && !was_dead) {
    await(*known, member, limits, now, changes);
    close_commands_of(view, member.server, false, changes);
  }
  if (was_dead && !is_dead) await_report(*known, limits, now, changes);
  changes.push_back(ServerUpdated{member});
  if (member.liveness != before.liveness) {
    changes.push_back(Noted{"server", to_string(member.server), described(member)});
  }
  return changes;
}

void append(Changes& to, Changes from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

Changes of_member_changed(const ClusterView& view, const MemberChanged& event, const Limits& limits,
                          Instant now) {
  Changes changes = of_member(view, event.member, limits, now);
  changes.push_back(MembershipHeard{event.stream, event.number});
  return changes;
}

Changes of_members_listed(const ClusterView& view, const MembersListed& event, const Limits& limits,
                          Instant now) {
  Changes changes;
  std::set<ServerId> servers;
  std::set<StorageId> storages;
  for (const Member& member : event.members) {
    const bool twice = !servers.insert(member.server).second;
    if (!storages.insert(member.storage).second || twice) {  // what is told of it contradicts
      changes.push_back(Noted{"server", to_string(member.server), "refused: listed twice"});
      continue;
    }
    append(changes, of_member(view, member, limits, now));
  }
  for (const auto& [id, slot] : view.servers()) {
    const Member& known = view.server(slot).member;
    const bool listed = servers.contains(id);
    if (listed || known.liveness == Liveness::kDead) continue;
    // Membership has forgotten it, or has never heard of it. Whoever lives will be heard again, so
    // it is suspect until the next snapshot, and dead if that does not have it either.
    Member missing = known;
    missing.liveness = known.liveness == Liveness::kAlive ? Liveness::kSuspect : Liveness::kDead;
    append(changes, of_member(view, missing, limits, now));
  }
  changes.push_back(MembershipHeard{event.stream, event.number});
  if (!view.synced()) {
    changes.push_back(SyncChanged{true});
    changes.push_back(
        Noted{"mode", "membership", "in step at event " + std::to_string(event.number.value())});
  }
  return changes;
}

Changes of_being_behind(const ClusterView& view, Epoch seen, std::optional<CommandId> command,
                        const std::string& why) {
  // Nobody counts that far: such numbers are made up, and there would be none above them.
  constexpr std::uint64_t kBelievable = std::uint64_t{1} << 62;
  constexpr std::uint64_t kMargin = 1 << 20;  // for ids that other agents may have seen
  Changes changes;
  if (seen > view.epoch() && seen.value() < kBelievable) {
    changes.push_back(EpochRaised{seen.next()});
  }
  if (command && command->value() < kBelievable) {
    changes.push_back(CommandFloorRaised{CommandId(command->value() + kMargin)});
  }
  // Nor a chunk's number that was given out meanwhile: those on servers that are away nobody tells.
  if (view.next_chunk().value() < kBelievable) {
    changes.push_back(ChunkSequence{ChunkId(view.next_chunk().value() + kMargin)});
  }
  changes.push_back(DeletesHeld{why});
  changes.push_back(Noted{"mode", "rebalancer", "deletes are held: " + why});
  return changes;
}

Changes of_greeting(const ClusterView& view, const AgentGreeted& event, Instant now) {
  Changes changes;
  const Hello& hello = event.hello;
  const Server* server = view.find(hello.from.server);
  if (server && server->member.storage != hello.from.storage) return {};  // replaced meanwhile
  const bool ahead =
      !EK_MUTANT(old_backup_accepted) &&
      (hello.from.epoch > view.epoch() ||
       (hello.last_command && hello.last_command->value() >= view.next_command().value()));
  if (ahead) {
    const std::string why = to_string(hello.from.server) + " has seen epoch " +
                            std::to_string(hello.from.epoch.value()) +
                            (hello.last_command ? " and " + to_string(*hello.last_command) : "") +
                            ", which this database has not";
    changes = of_being_behind(view, hello.from.epoch, hello.last_command, why);
  }
  if (server && server->fenced < view.epoch() && hello.from.epoch == view.epoch()) {
    changes.push_back(ServerFenced{hello.from.server, view.epoch()});
  }
  if (server && !server->inventory_asked) {
    changes.push_back(InventoryAsked{hello.from.server, now});
  }
  return changes;
}

}  // namespace evenkeel
