// Store, the part that reads the whole of it at start.
#include <optional>
#include <unordered_map>
#include <utility>

#include "common/base/check.h"
#include "common/base/mutant.h"
#include "common/model/text.h"
#include "services/rebalancer/store/rows.h"
#include "services/rebalancer/store/store.h"

namespace evenkeel {
namespace {

using rows::number;

template <class Enum>
Enum word(const sqlite::Statement& row, int column) {
  const auto value = from_text<Enum>(row.text(column));
  EK_CHECK(value.has_value());
  return *value;
}

}  // namespace

ClusterView Store::load_view(Instant started) {
  if (!started_) started_ = started;
  ClusterView view(started);
  view.loading();
  sqlite::Statement meta(
      db_,
      "SELECT epoch, max(command_floor, (SELECT coalesce(max(command_id), 0) + 1 FROM command)), "
      "next_chunk, next_file, hold_deletes, membership_stream, membership_number, "
      "(SELECT coalesce(max(event_number), 0) FROM event), (SELECT count(*) FROM chunk) FROM meta");
  meta.open();
  EK_CHECK(meta.step());
  view.load_counters(Epoch(number(meta, 0)), ChunkId(number(meta, 2)), FileId(number(meta, 3)),
                     EventNumber(number(meta, 7)));
  view.apply(CommandFloorRaised{CommandId(number(meta, 1))});
  if (!meta.is_null(4)) view.apply(DeletesHeld{meta.text(4)});
  if (!meta.is_null(5)) {
    view.apply(MembershipHeard{rows::storage(meta, 5), EventNumber(number(meta, 6))});
  }
  view.reserve(number(meta, 8));
  meta.reset();
  load_policies(view);
  load_servers(view);
  load_chunks(view);
  load_replicas(view);
  load_commands(view);
  load_paused(view);
  view.loaded();
  return view;
}

void Store::load_servers(ClusterView& view) {
  sqlite::Statement row(db_,
                        "SELECT server_id, storage, incarnation, location, address, "
                        "capacity_bytes, reserve_bytes, free_bytes, liveness, planned, admin, "
                        "fenced_epoch, report_journal, inventory_number, acked_journal, "
                        "after_drain, maintenance_until_running_ms - running_ms, "
                        "gone_running_ms - running_ms, gone_excused, "
                        "awaited_until_running_ms - running_ms, labels FROM server, meta "
                        "ORDER BY server_id");
  for (row.open(); row.step();) {
    Server server{.member = Member{.server = ServerId(number(row, 0)),
                                   .incarnation = Incarnation(number(row, 2)),
                                   .storage = rows::storage(row, 1),
                                   .liveness = word<Liveness>(row, 8),
                                   .planned = row.integer(9) != 0,
                                   .location = row.text(3),
                                   .address = row.text(4),
                                   .capacity = Bytes(number(row, 5)),
                                   .reserve = Bytes(number(row, 6)),
                                   .free = Bytes(number(row, 7)),
                                   .labels = rows::labels(row, 20)}};
    server.admin = word<AdminState>(row, 10);
    server.after_drain = static_cast<AfterDrain>(row.integer(15));
    if (!row.is_null(16)) {
      server.maintenance_until = view.started() + Duration(row.integer(16));
      server.awaited_until = server.maintenance_until;
    }
    server.standing = server.member.liveness == Liveness::kDead ? Standing::kRegistering
                      : EK_MUTANT(no_verify_in_epoch)           ? Standing::kReported
                                                                : Standing::kPresumed;
    server.fenced = Epoch(number(row, 11));
    server.report_journal = JournalNumber(number(row, 12));
    server.inventory_number = InventoryNumber(number(row, 13));
    server.acked_journal = server.report_floor = JournalNumber(number(row, 14));
    if (!row.is_null(17)) server.gone_since = view.started() + Duration(row.integer(17));
    server.gone_excused = row.integer(18) != 0;
    if (!row.is_null(19)) server.awaited_until = view.started() + Duration(row.integer(19));
    view.load_server(std::move(server));
  }
}

void Store::load_chunks(ClusterView& view) {
  sqlite::Statement row(db_,
                        "SELECT chunk_id, version, size_bytes, checksum, goal, life, policy "
                        "FROM chunk");
  for (row.open(); row.step();) {
    view.apply(ChunkAdded{{ChunkId(number(row, 0)), ChunkVersion(number(row, 1)),
                           Bytes(number(row, 2)), rows::checksum(row, 3)},
                          static_cast<int>(row.integer(4)),
                          static_cast<ChunkLife>(row.integer(5)),
                          PolicyId(number(row, 6))});
  }
}

void Store::load_replicas(ClusterView& view) {
  sqlite::Statement row(db_, "SELECT chunk_id, server_id, state, version, journal FROM replica");
  std::unordered_map<std::uint64_t, ServerSlot> servers;
  for (const auto& [id, slot] : view.servers()) servers.emplace(id.value(), slot);
  std::optional<std::pair<std::uint64_t, ChunkSlot>> chunk;  // rows come by chunk
  for (row.open(); row.step();) {
    const auto state = static_cast<ReplicaState>(row.integer(2));
    const ServerSlot server = servers.at(number(row, 1));
    const bool plain = state != ReplicaState::kStale &&
                       JournalNumber(number(row, 4)) <= view.server(server).report_journal;
    if (!chunk || chunk->first != number(row, 0)) {
      chunk.emplace(number(row, 0), *view.slot_of(ChunkId(number(row, 0))));
    }
    if (plain) {
      view.load_replica(chunk->second, server, state);
      continue;
    }
    view.apply(ReplicaAdded{ChunkId(number(row, 0)), ServerId(number(row, 1)),
                            static_cast<ReplicaState>(row.integer(2)), ChunkVersion(number(row, 3)),
                            JournalNumber(number(row, 4))});
  }
}

void Store::load_commands(ClusterView& view) {
  sqlite::Statement row(
      db_,
      "SELECT command_id, epoch, kind, reason, chunk_id, version, size_bytes, server_id, storage, "
      "source_id, drop_id, detail, because FROM command "
      "WHERE command_id IN (SELECT command_id FROM outbox) ORDER BY command_id");
  for (row.open(); row.step();) {
    CommandRecord command{.id = CommandId(number(row, 0)),
                          .epoch = Epoch(number(row, 1)),
                          .kind = rows::kind_from(row.integer(2)),
                          .reason = word<Reason>(row, 3),
                          .server = ServerId(number(row, 7)),
                          .storage = rows::storage(row, 8),
                          .because = row.text(12)};
    if (!row.is_null(4)) command.chunk = ChunkId(number(row, 4));
    if (!row.is_null(5)) command.version = ChunkVersion(number(row, 5));
    command.size = Bytes(number(row, 6));
    if (!row.is_null(9)) command.source = ServerId(number(row, 9));
    if (!row.is_null(10)) command.drop = ServerId(number(row, 10));
    if (command.kind == CommandKind::kDelete) {
      command.retired = row.integer(11) != 0;
      command.evidence = load_evidence(command.id, view.find(*command.chunk)->content());
    } else {
      command.level = static_cast<VerifyLevel>(row.integer(11));
    }
    const bool is_delete = command.kind == CommandKind::kDelete;
    if (is_delete && EK_MUTANT(failover_forgets_inflight)) continue;
    view.apply(CommandIssued{std::move(command)});
  }
}

void Store::load_paused(ClusterView& view) {
  sqlite::Statement row(db_, "SELECT pass FROM paused_pass");
  for (row.open(); row.step();) view.apply(PassPaused{word<Reason>(row, 0), true});
}

std::vector<Holder> Store::load_evidence(CommandId command, const ChunkContent& content) {
  std::vector<Holder> evidence;
  sqlite::Statement& row = db_.cached(
      "SELECT server_id, storage, location, version, presence_age_ms, content_age_ms, vouched_by, "
      "vouched FROM evidence WHERE command_id = ? ORDER BY server_id");
  for (row.open(command); row.step();) {
    evidence.push_back({.server = ServerId(number(row, 0)),
                        .storage = rows::storage(row, 1),
                        .location = row.text(2),
                        .version = ChunkVersion(number(row, 3)),
                        .checksum = content.checksum,
                        .presence_age = Duration(row.integer(4)),
                        .content_age = Duration(row.integer(5)),
                        .vouched_by = word<Holder::VouchedBy>(row, 6),
                        .vouched = number(row, 7)});
  }
  return evidence;
}

}  // namespace evenkeel
