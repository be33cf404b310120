#include "services/rebalancer/store/store.h"

#include "common/base/check.h"
#include "common/base/mutant.h"
#include "common/base/overloaded.h"
#include "common/model/text.h"
#include "common/sqlite/migrate.h"
#include "common/sqlite/readers.h"
#include "common/token/token.h"
#include "services/rebalancer/store/rows.h"

namespace evenkeel {
namespace {

std::int64_t ms(Timestamp wall) {
  return wall.time_since_epoch().count();
}

constexpr std::int64_t kNever = std::int64_t{1} << 62;  // a running time that does not come

int as_number(auto value) {
  return static_cast<int>(value);
}

std::span<const std::uint8_t> bytes_of(const std::string& raw) {
  return {reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size()};
}

}  // namespace

Store::Store(const std::filesystem::path& path, const std::filesystem::path& schema,
             const std::string& cluster, Epoch first)
    : db_(path) {
  // Of a map of millions of chunks, the rows of a turn are anywhere. Measured: with SQLite's 2 MiB
  // a tenth of a recovery's processor time went into reading pages that had been read before.
  db_.execute("PRAGMA cache_size = -65536");
  sqlite::migrate(db_, schema);
  db_.cached(
         "INSERT INTO meta (id, cluster, epoch, copy_secret) VALUES (1, ?, ?, ?) "
         "ON CONFLICT DO NOTHING")
      .run(cluster, first, bytes_of(random_bytes(32)));
  sqlite::Statement meta(db_, "SELECT cluster, copy_secret FROM meta");
  meta.open();
  EK_CHECK(meta.step());
  if (meta.text(0) != cluster) {
    throw std::runtime_error(path.string() + " belongs to cluster '" + meta.text(0) +
                             "', not to '" + cluster + "'");
  }
  const auto secret = meta.blob(1);
  copy_secret_.assign(reinterpret_cast<const char*>(secret.data()), secret.size());
}

void Store::save_settings(const std::vector<Setting>& settings) {
  sqlite::Transaction transaction(db_);
  db_.execute("DELETE FROM setting");
  auto& insert = db_.cached("INSERT INTO setting (key, value, given) VALUES (?, ?, ?)");
  for (const Setting& each : settings) insert.run(each.key, each.value, each.given ? 1 : 0);
  transaction.commit();
}

std::string Store::who_reads() const {
  std::string words;
  for (const std::string& reader : sqlite::readers_of(sqlite3_db_filename(db_.handle(), "main"))) {
    words += (words.empty() ? "" : ", ") + reader;
  }
  return words.empty() ? "somebody" : words;
}

Store::Transaction::Transaction(Store& store, Epoch mine, Timestamp wall, Duration running)
    : store_(store), transaction_(store.db_), wall_(wall), epoch_(mine) {
  const Duration more = running - store.counted_running_;
  auto& begin = store.db_.cached(
      "UPDATE meta SET commits = commits + 1, running_ms = running_ms + ? WHERE epoch = ?");
  if (begin.run(more.count(), mine) != 1 && !EK_MUTANT(superseded_writes_on)) {
    throw Superseded("another rebalancer has raised the epoch beyond " +
                     std::to_string(mine.value()));
  }
  store.counted_running_ = running;
}

void Store::Transaction::save(const Change& change) {
  store_.save(change, wall_, epoch_);
  if (const auto* raised = std::get_if<EpochRaised>(&change)) epoch_ = raised->epoch;
}

void Store::Transaction::commit() {
  transaction_.commit();
}

void Store::save_server(const Member& member, bool replaced, Timestamp wall) {
  const bool relabelled = labels_in_tables(member.server) != to_string(member.labels);
  if (replaced) {
    db_.cached("DELETE FROM replica WHERE server_id = ?").run(member.server);
    db_.cached(
           "UPDATE server SET fenced_epoch = 0, reported_epoch = 0, report_journal = 0, "
           "inventory_number = 0, acked_journal = 0, gone_running_ms = NULL, gone_excused = 0, "
           "awaited_until_running_ms = NULL WHERE server_id = ?")
        .run(member.server);
  }
  db_.cached(
         "INSERT INTO server (server_id, storage, incarnation, location, address, "
         "capacity_bytes, reserve_bytes, free_bytes, liveness, planned, changed_ms, labels) "
         "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) "
         "ON CONFLICT DO UPDATE SET storage = ?2, "
         "inventory_number = iif(incarnation = ?3, inventory_number, 0), incarnation = ?3, "
         "location = ?4, address = ?5, capacity_bytes = ?6, reserve_bytes = ?7, "
         "free_bytes = ?8, liveness = ?9, planned = ?10, changed_ms = ?11, labels = ?12, "
         "reported_epoch = iif(?9 = 'dead', 0, reported_epoch)")  // it has to report anew
      .run(member.server, to_string(member.storage), member.incarnation, member.location,
           member.address, member.capacity, member.reserve, member.free, to_text(member.liveness),
           member.planned, ms(wall), to_string(member.labels));
  if (relabelled) work_out_refusals(member.server, member.labels);
}

/// Counted from meta.running_ms as this transaction has it; none for none.
std::optional<std::int64_t> Store::running_from_now(const std::optional<Instant>& at) const {
  if (!at) return std::nullopt;
  return (*at - *started_ - counted_running_).count();
}

void Store::save_admin(const ServerAdminSet& c) {
  db_.cached(
         "UPDATE server SET admin = ?2, after_drain = ?3, "
         "maintenance_until_running_ms = (SELECT running_ms + ?4 FROM meta) WHERE server_id = ?1")
      .run(c.server, to_text(c.admin), as_number(c.after), running_from_now(c.maintenance_until));
}

void Store::save_absence(const ServerGone& gone) {
  db_.cached(
         "UPDATE server SET gone_running_ms = (SELECT running_ms + ?2 FROM meta), "
         "gone_excused = ?3 WHERE server_id = ?1")
      .run(gone.server, running_from_now(gone.since), gone.excused);
}

void Store::save_absence(const ServerAwaited& awaited) {
  db_.cached(
         "UPDATE server SET awaited_until_running_ms = (SELECT running_ms + ?2 FROM meta) "
         "WHERE server_id = ?1")
      .run(awaited.server, running_from_now(awaited.until));
}

void Store::save_command(const CommandRecord& c, Timestamp wall) {
  const int detail = c.kind == CommandKind::kDelete ? c.retired : as_number(c.level);
  db_.cached(
         "INSERT INTO command (command_id, epoch, kind, reason, chunk_id, version, "
         "size_bytes, server_id, storage, source_id, drop_id, detail, because, issued_ms, goal, "
         "candidates) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, "
         "iif(?3 = 1, (SELECT goal FROM chunk WHERE chunk_id = ?5), 0), ?15)")
      .run(c.id, c.epoch, rows::kind_number(c.kind), to_text(c.reason), c.chunk, c.version, c.size,
           c.server, to_string(c.storage), c.source, c.drop, detail, c.because, ms(wall),
           c.candidates);
  for (const Holder& holder : c.evidence) {
    db_.cached("INSERT INTO evidence VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .run(c.id, holder.server, to_string(holder.storage), holder.location, holder.version,
             c.epoch, holder.presence_age.count(), holder.content_age.count(),
             to_text(holder.vouched_by), holder.vouched);
  }
  db_.cached("INSERT INTO outbox (server_id, command_id) VALUES (?, ?)").run(c.server, c.id);
  if (c.chunk) db_.cached("DELETE FROM set_aside WHERE chunk_id = ?").run(*c.chunk);
}

void Store::save(const Change& change, Timestamp wall, Epoch epoch) {
  std::visit(
      Overloaded{
          [&](const EpochRaised& c) { db_.cached("UPDATE meta SET epoch = ?").run(c.epoch); },
          [&](const CommandFloorRaised& c) {
            db_.cached("UPDATE meta SET command_floor = max(command_floor, ?)").run(c.floor);
          },
          [&](const DeletesHeld& c) {
            db_.cached("UPDATE meta SET hold_deletes = ?").run(c.why);
            // What was being put when this database was saved may have been ended since: it is not
            // to be given up for its age, and its chunks deleted.
            if (c.why && !EK_MUTANT(old_puts_given_up_after_restore)) {
              db_.cached("UPDATE file SET opened_running_ms = ? WHERE state = 0").run(kNever);
            }
          },
          [&](const MembershipHeard& c) {
            db_.cached("UPDATE meta SET membership_stream = ?, membership_number = ?")
                .run(to_string(c.stream), c.number);
          },
          [&](const SyncChanged&) {},
          [&](const SafeModeLeft&) {},
          [&](const ServerAdded& c) { save_server(c.member, false, wall); },
          [&](const ServerUpdated& c) { save_server(c.member, false, wall); },
          [&](const ServerReplaced& c) { save_server(c.member, true, wall); },
          [&](const ServerFenced& c) {
            db_.cached("UPDATE server SET fenced_epoch = ?2 WHERE server_id = ?1")
                .run(c.server, c.epoch);
          },
          [&](const ServerAcked& c) {
            db_.cached(
                   "UPDATE server SET acked_journal = max(acked_journal, ?2) "
                   "WHERE server_id = ?1")
                .run(c.server, c.journal);
          },
          [&](const ServerReported& c) {
            db_.cached(
                   "UPDATE server SET reported_epoch = ?2, inventory_number = ?3, "
                   "report_journal = ?4, gone_running_ms = NULL, gone_excused = 0, "
                   "awaited_until_running_ms = NULL WHERE server_id = ?1")
                .run(c.server, epoch, c.number, c.journal);
          },
          [&](const InventoryTaken& c) {
            db_.cached("UPDATE server SET inventory_number = ?2 WHERE server_id = ?1")
                .run(c.server, c.number);
          },
          [&](const InventoryAsked&) {},
          [&](const InventoryWanted&) {},
          [&](const ServerFull&) {},
          [&](const ChunkAdded& c) {
            db_.cached(
                   "INSERT INTO chunk (chunk_id, version, size_bytes, checksum, goal, life, "
                   "policy) "
                   "VALUES (?, ?, ?, ?, ?, ?, ?)")
                .run(c.content.chunk, c.content.version, c.content.size, c.content.checksum, c.goal,
                     as_number(c.life), c.policy);
          },
          [&](const ChunkRaised& c) {
            db_.cached(
                   "UPDATE chunk SET version = ?2, size_bytes = ?3, checksum = ?4 "
                   "WHERE chunk_id = ?1")
                .run(c.content.chunk, c.content.version, c.content.size, c.content.checksum);
            db_.cached("UPDATE replica SET state = 4 WHERE chunk_id = ?").run(c.content.chunk);
          },
          [&](const ChunkResized& c) {
            db_.cached("UPDATE chunk SET size_bytes = ?2 WHERE chunk_id = ?1").run(c.chunk, c.size);
          },
          [&](const ChunkPromised&) {},
          [&](const ChunkPublished& c) {
            db_.cached("UPDATE chunk SET life = 1 WHERE chunk_id = ?").run(c.chunk);
          },
          [&](const ChunkRetired& c) {
            db_.cached(
                   "UPDATE chunk SET life = 2, policy = 0, retired_running_ms = "
                   "(SELECT running_ms FROM meta) WHERE chunk_id = ?")
                .run(c.chunk);
          },
          [&](const ChunkSequence& c) { db_.cached("UPDATE meta SET next_chunk = ?").run(c.next); },
          [&](const ChunkSetAside& c) {
            db_.cached(
                   "INSERT INTO set_aside VALUES (?1, ?2, ?3) "
                   "ON CONFLICT DO UPDATE SET why = ?2 WHERE why <> ?2")
                .run(c.chunk, c.why, ms(wall));
          },
          [&](const ChunkResumed&) {},
          [&](const ReplicaAdded& c) {
            db_.cached("INSERT INTO replica VALUES (?, ?, ?, ?, ?)")
                .run(c.chunk, c.server, as_number(c.state), c.version, c.journal);
            db_.cached("DELETE FROM set_aside WHERE chunk_id = ?").run(c.chunk);
          },
          [&](const ReplicaChanged& c) {
            db_.cached(
                   "UPDATE replica SET state = ?3, version = ?4 "
                   "WHERE chunk_id = ?1 AND server_id = ?2")
                .run(c.chunk, c.server, as_number(c.state), c.version);
          },
          [&](const ReplicaLost& c) {
            db_.cached("DELETE FROM replica WHERE chunk_id = ? AND server_id = ?")
                .run(c.chunk, c.server);
          },
          [&](const ReplicaVouched&) {},
          [&](const VouchersExpired&) {},
          [&](const CommandIssued& c) { save_command(c.command, wall); },
          [&](const CommandClosed& c) {
            db_.cached(
                   "UPDATE command SET state = ?2, why = ?3, closed_ms = ?4 "
                   "WHERE command_id = ?1")
                .run(c.command, as_number(c.end), c.why, ms(wall));
            db_.cached(
                   "DELETE FROM outbox WHERE command_id = ?1 AND server_id = "
                   "(SELECT server_id FROM command WHERE command_id = ?1)")
                .run(c.command);
          },
          [&](const FileOpened& c) {
            db_.cached("INSERT INTO file SELECT ?, ?, ?, ?, 0, running_ms, ?, ? FROM meta")
                .run(c.file, c.name, c.size, c.goal, ms(wall), c.policy);
            db_.cached("UPDATE meta SET next_file = max(next_file, ?)").run(c.file.value() + 1);
          },
          [&](const FilePlaced& c) {
            db_.cached("INSERT INTO file_chunk VALUES (?, ?, ?)").run(c.file, c.place, c.chunk);
          },
          [&](const FileCompleted& c) {
            db_.cached("UPDATE file SET state = 1 WHERE file_id = ?").run(c.file);
          },
          [&](const FileRemoved& c) {
            db_.cached("DELETE FROM file_chunk WHERE file_id = ?").run(c.file);
            db_.cached("DELETE FROM file WHERE file_id = ?").run(c.file);
          },
          [&](const Noted& c) {
            db_.cached("INSERT INTO event (at_ms, kind, subject, text) VALUES (?, ?, ?, ?)")
                .run(ms(wall), c.kind, c.subject, c.text);
          },
          [&](const ServerAdminSet& c) { save_admin(c); },
          [&](const PassPaused& c) {
            if (c.paused) {
              db_.cached("INSERT INTO paused_pass VALUES (?, ?) ON CONFLICT DO NOTHING")
                  .run(to_text(c.pass), ms(wall));
            } else {
              db_.cached("DELETE FROM paused_pass WHERE pass = ?").run(to_text(c.pass));
            }
          },
          [&](const ChunkPolicySet& c) {
            db_.cached("UPDATE chunk SET policy = ?2, goal = ?3 WHERE chunk_id = ?1")
                .run(c.chunk, c.policy, c.goal);
            db_.cached("DELETE FROM set_aside WHERE chunk_id = ?").run(c.chunk);
          },
          [&](const FileGoalSet& c) {
            db_.cached("UPDATE file SET goal = ?2 WHERE file_id = ?1").run(c.file, c.goal);
          },
          [](const TurnBegun&) {},
          [&](const ServerAwaited& c) { save_absence(c); },
          [&](const ServerGone& c) { save_absence(c); },
          [](const BrakeSet&) {},
          [](const ServerPaced&) {},
          [](const BudgetsSet&) {},
          [](const LogHeld&) {},
          [&](const ProposalMade& c) { save_proposal(c.proposed, wall); },
          [&](const ProposalDecided& c) { save_proposal(c, wall); },
          [&](const PolicySet& c) { save_policy(c.policy); },
          [&](const PolicyRemoved& c) {
            db_.cached("UPDATE file SET policy = 0 WHERE policy = ?").run(c.policy);
            db_.cached("DELETE FROM policy_refusal WHERE policy_id = ?").run(c.policy);
            db_.cached("DELETE FROM policy WHERE policy_id = ?").run(c.policy);
          },
          [&](const FilePolicySet& c) {
            db_.cached("UPDATE file SET policy = ?2, goal = ?3 WHERE file_id = ?1")
                .run(c.file, c.policy, c.goal);
          },
      },
      change);
}

}  // namespace evenkeel
