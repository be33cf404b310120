#include "services/rebalancer/core/admin.h"

#include <algorithm>

#include "common/model/text.h"
#include "services/rebalancer/core/drained.h"
#include "services/rebalancer/core/mode.h"

namespace evenkeel {
namespace {

using namespace std::chrono_literals;

Result<const Server*> known(const ClusterView& view, ServerId id) {
  const Server* server = view.find(id);
  if (!server) return fail(ErrorCode::kNotFound, "there is no server " + to_string(id));
  return server;
}

tl::unexpected<Error> conflict(const Server& server, const std::string& what) {
  std::string state(to_text(server.admin));
  std::replace(state.begin(), state.end(), '_', ' ');
  const char* is = server.admin == AdminState::kMaintenance ? " is in " : " is ";
  return fail(ErrorCode::kConflict, to_string(server.id()) + is + state + what);
}

tl::unexpected<Error> is_removed(const Server& server) {
  return conflict(server,
                  ": what it held never counts again; start an agent on an empty directory, under "
                  "this number or another");
}

Noted noted(ServerId server, std::string text) {
  return Noted{"server", to_string(server), std::move(text)};
}

std::string seconds(Duration length) {
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(length).count()) + " s";
}

/// Copies to a server that takes nothing new.
void close_copies_to(const ClusterView& view, ServerId server, const std::string& why,
                     Changes& changes) {
  for (const auto& [id, command] : view.in_flight()) {
    if (command.kind != CommandKind::kReplicate || command.server != server) continue;
    changes.push_back(CommandClosed{id, CommandEnd::kSuperseded, why});
  }
}

std::string drain_text(AfterDrain after) {
  switch (after) {
    case AfterDrain::kStay:
      return "draining";
    case AfterDrain::kRemove:
      return "draining, to be removed";
    case AfterDrain::kRemoveEvenDead:
      return "to be removed as soon as nothing rests on it, dead or not";
  }
  EK_CHECK(false);
}

/// Its storage never counts again, so that what it was told to delete does not matter any more
/// (S3 allows for it); the admin state comes first, as the tables want it.
Changes removed(const ClusterView& view, const Server& server) {
  Changes changes{ServerAdminSet{server.id(), AdminState::kRemoved, AfterDrain::kStay, {}}};
  for (const auto& [id, command] : view.in_flight()) {
    if (command.server != server.id()) continue;
    changes.push_back(CommandClosed{id, CommandEnd::kSuperseded, "the server was removed"});
  }
  changes.push_back(noted(server.id(), "drained and removed"));
  return changes;
}

/// A look at everything that a large server holds takes its time, and there are few that find it
/// drained: the more it holds, the longer between two looks.
bool is_time_to_look(const Server& server, Instant now) {
  constexpr Duration kTick = 250ms;
  constexpr std::size_t kChunksATick = 32'768;
  const Duration period = kTick * (1 + server.chunks.size() / kChunksATick);
  return now.time_since_epoch() % period < kTick;
}

/// One that has died while it was being drained has not been drained; nor has one that has not said
/// what it holds.
bool may_be_drained(const Server& server) {
  if (server.member.liveness == Liveness::kDead) {
    return server.after_drain == AfterDrain::kRemoveEvenDead;
  }
  return server.standing == Standing::kReported;
}

void of_draining(const ClusterView& view, ServerSlot slot, Instant now, Changes& changes) {
  const Server& server = view.server(slot);
  if (!may_be_drained(server) || !is_time_to_look(server, now)) return;
  if (anything_rests_on(view, slot)) return;
  if (server.after_drain == AfterDrain::kStay) {
    changes.push_back(
        ServerAdminSet{server.id(), AdminState::kDrained, AfterDrain::kStay, std::nullopt});
    changes.push_back(noted(server.id(), "drained: nothing rests on it any more"));
    return;
  }
  for (Change& change : removed(view, server)) changes.push_back(std::move(change));
}

void of_maintenance(const Server& server, Instant now, Changes& changes) {
  if (!server.maintenance_until || *server.maintenance_until > now) return;
  changes.push_back(
      ServerAdminSet{server.id(), AdminState::kInService, AfterDrain::kStay, std::nullopt});
  changes.push_back(ServerAwaited{server.id(), std::nullopt});
  changes.push_back(noted(server.id(), "the time of its maintenance is over: in service"));
}

/// Its rows go, a few at a time: they are many, and nothing rests on them.
void of_removed(const ClusterView& view, ServerSlot slot, std::size_t& left, Changes& changes) {
  const Server& server = view.server(slot);
  for (const ChunkSlot chunk : server.chunks) {
    if (left == 0) return;
    --left;
    changes.push_back(ReplicaLost{view.chunk(chunk).id, server.id(), JournalNumber(0)});
  }
}

}  // namespace

Result<Changes> drain(const ClusterView& view, ServerId id, AfterDrain after) {
  const auto found = known(view, id);
  if (!found) return tl::unexpected(found.error());
  const Server& server = **found;
  const bool leaves = server.admin == AdminState::kDraining || server.admin == AdminState::kDrained;
  if (server.admin == AdminState::kRemoved) {
    if (after == AfterDrain::kStay) return is_removed(server);
    return Changes{};
  }
  if (after == AfterDrain::kStay && server.after_drain != AfterDrain::kStay) {
    return conflict(server, " and to be removed; undrain it first");
  }
  if (after == AfterDrain::kRemove && server.member.liveness == Liveness::kDead &&
      server.after_drain == AfterDrain::kStay) {
    return fail(ErrorCode::kConflict,
                to_string(id) +
                    " is dead, and cannot be drained; forced, it is removed as soon as "
                    "every chunk that it held has its goal of replicas elsewhere");
  }
  if (leaves && server.after_drain >= after) return Changes{};
  Changes changes{ServerAdminSet{id, AdminState::kDraining, after, std::nullopt}};
  if (server.awaited_until) changes.push_back(ServerAwaited{id, std::nullopt});
  close_copies_to(view, id, "its target is to be drained", changes);
  changes.push_back(noted(id, drain_text(after)));
  return changes;
}

Result<Changes> undrain(const ClusterView& view, ServerId id) {
  const auto found = known(view, id);
  if (!found) return tl::unexpected(found.error());
  const Server& server = **found;
  switch (server.admin) {
    case AdminState::kInService:
      return Changes{};
    case AdminState::kMaintenance:
      return conflict(server, " and not drained");
    case AdminState::kRemoved:
      return is_removed(server);
    case AdminState::kDraining:
    case AdminState::kDrained:
      break;
  }
  return Changes{ServerAdminSet{id, AdminState::kInService, AfterDrain::kStay, std::nullopt},
                 noted(id, "in service again, no longer " + std::string(to_text(server.admin)))};
}

Result<Changes> begin_maintenance(const ClusterView& view, ServerId id, Instant until,
                                  Instant now) {
  const auto found = known(view, id);
  if (!found) return tl::unexpected(found.error());
  const Server& server = **found;
  if (server.admin == AdminState::kRemoved) return is_removed(server);
  if (server.admin == AdminState::kDraining || server.admin == AdminState::kDrained) {
    return conflict(server, "; undrain it first");
  }
  Changes changes{ServerAdminSet{id, AdminState::kMaintenance, AfterDrain::kStay, until},
                  ServerAwaited{id, until}};
  close_copies_to(view, id, "its target goes into maintenance", changes);
  changes.push_back(noted(id, "in maintenance for " + seconds(until - now)));
  return changes;
}

Result<Changes> end_maintenance(const ClusterView& view, ServerId id) {
  const auto found = known(view, id);
  if (!found) return tl::unexpected(found.error());
  const Server& server = **found;
  if (server.admin == AdminState::kInService) return Changes{};
  if (server.admin != AdminState::kMaintenance) return conflict(server, ", not in maintenance");
  return Changes{ServerAdminSet{id, AdminState::kInService, AfterDrain::kStay, std::nullopt},
                 ServerAwaited{id, std::nullopt}, noted(id, "maintenance ended: in service")};
}

Changes pause(const ClusterView& view, std::optional<Reason> pass, bool paused) {
  Changes changes;
  for (const Reason each : kPasses) {
    if ((pass && *pass != each) || view.paused(each) == paused) continue;
    changes.push_back(PassPaused{each, paused});
    changes.push_back(Noted{"mode", "rebalancer",
                            std::string(to_text(each)) + (paused ? " paused" : " resumed")});
  }
  return changes;
}

Result<Changes> cancel(const ClusterView& view, CommandId id, Instant now) {
  constexpr Duration kInPeace = 1min;
  const CommandRecord* command = view.find(id);
  if (!command) return fail(ErrorCode::kNotFound, to_string(id) + " is not open");
  if (command->kind == CommandKind::kDelete) {
    return fail(ErrorCode::kConflict,
                to_string(id) +
                    " is a delete: it may have been done already, and stays open until " +
                    to_string(command->server) + " says so");
  }
  if (command->kind != CommandKind::kReplicate) {
    return fail(ErrorCode::kConflict, to_string(id) + " is a " +
                                          std::string(to_text(command->kind)) +
                                          "; only copies can be cancelled");
  }
  const std::string why = "cancelled by an operator";
  return Changes{CommandClosed{id, CommandEnd::kSuperseded, why},
                 ChunkSetAside{*command->chunk, "its copy was " + why, now + kInPeace},
                 Noted{"command", to_string(id), why}};
}

Result<Changes> change_goal(const ClusterView& view, ChunkId id, int goal) {
  const auto slot = view.slot_of(id);
  if (!slot || view.chunk(*slot).life == ChunkLife::kRetired) {
    return fail(ErrorCode::kNotFound, "there is no chunk " + to_string(id));
  }
  const Chunk& chunk = view.chunk(*slot);
  if (chunk.goal == goal) return Changes{};
  return Changes{ChunkPolicySet{id, chunk.policy, goal}};
}

Changes of_admin_states(const ClusterView& view, Instant now) {
  constexpr std::size_t kForgottenAtOnce = 2000;  // replicas: a few milliseconds of a commit
  Changes changes;
  std::size_t left = kForgottenAtOnce;
  const bool running = mode_of(view).mode == Mode::kRunning;
  for (const auto& [id, slot] : view.servers()) {
    const Server& server = view.server(slot);
    switch (server.admin) {
      case AdminState::kInService:
      case AdminState::kDrained:
        break;
      case AdminState::kDraining:
        if (running) of_draining(view, slot, now, changes);
        break;
      case AdminState::kMaintenance:
        of_maintenance(server, now, changes);
        break;
      case AdminState::kRemoved:
        of_removed(view, slot, left, changes);
        break;
    }
  }
  return changes;
}

}  // namespace evenkeel
