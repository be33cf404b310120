#include "services/agent/store/journal.h"

#include <stdexcept>

#include "common/base/mutant.h"
#include "common/model/text.h"
#include "common/sqlite/migrate.h"

namespace evenkeel::agent {
namespace {

std::uint64_t unsigned_of(const sqlite::Statement& row, int column) {
  return static_cast<std::uint64_t>(row.integer(column));
}

std::string bytes_of_blob(const sqlite::Statement& row, int column) {
  const auto blob = row.blob(column);
  return {blob.begin(), blob.end()};
}

std::span<const std::uint8_t> blob_of(const std::string& bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

/// A word that the table's CHECK lets through but that we do not have: the file is damaged.
template <class T>
T known(std::optional<T> value, const std::string& word) {
  if (!value) throw std::runtime_error("journal.db: '" + word + "' is not a word of ours");
  return *value;
}

}  // namespace

Journal::Journal(const std::filesystem::path& file, const Owner& owner, StorageId fresh)
    : db_(file), identity_{owner.cluster, owner.server, fresh,           Incarnation(0),
                           Epoch(0),      "",           JournalNumber(0)} {
  sqlite::migrate(db_, sqlite::schema_directory("agent"));
  load_or_make(owner, fresh);
  raise_incarnation(identity_.incarnation.next());
}

void Journal::load_or_make(const Owner& owner, StorageId fresh) {
  auto& row = db_.cached(
      "SELECT cluster, server, storage, incarnation, epoch, copy_key, journal FROM identity");
  row.open();
  if (!row.step()) {
    row.reset();
    db_.cached(
           "INSERT INTO identity (id, cluster, server, storage, incarnation, epoch, journal) "
           "VALUES (1, ?, ?, ?, 0, 0, 0)")
        .run(owner.cluster, owner.server, fresh);
    return;
  }
  identity_.cluster = row.text(0);
  identity_.server = ServerId(unsigned_of(row, 1));
  identity_.storage = *StorageId::from_raw(bytes_of_blob(row, 2));
  identity_.incarnation = Incarnation(unsigned_of(row, 3));
  identity_.epoch = Epoch(unsigned_of(row, 4));
  if (!row.is_null(5)) identity_.copy_key = bytes_of_blob(row, 5);
  identity_.journal = JournalNumber(unsigned_of(row, 6));
  row.reset();
  if (identity_.cluster != owner.cluster || identity_.server != owner.server) {
    throw std::runtime_error("this directory belongs to server " + to_string(identity_.server) +
                             " of cluster '" + identity_.cluster + "', not to " +
                             to_string(owner.server) + " of '" + owner.cluster + "'");
  }
}

CommandBook::Past Journal::past() {
  CommandBook::Past past;
  if (EK_MUTANT(book_forgets_the_past)) return past;
  auto& watermark = db_.cached("SELECT watermark FROM identity");
  watermark.open();
  if (watermark.step() && !watermark.is_null(0))
    past.watermark = CommandId(unsigned_of(watermark, 0));
  watermark.reset();
  auto& intended = db_.cached("SELECT max(command) FROM tombstone");
  intended.open();
  if (intended.step() && !intended.is_null(0)) past.intended = CommandId(unsigned_of(intended, 0));
  intended.reset();
  std::map<CommandId, std::vector<Blame>> blames;
  auto& blamed = db_.cached("SELECT command, server, fault FROM blamed ORDER BY command, place");
  blamed.open();
  while (blamed.step()) {
    const Fault fault = known(from_text<Fault>(blamed.text(2)), blamed.text(2));
    blames[CommandId(unsigned_of(blamed, 0))].push_back({ServerId(unsigned_of(blamed, 1)), fault});
  }
  auto& row = db_.cached(
      "SELECT command, journal, outcome, reason, detail, bytes_done, free_bytes, confirmed "
      "FROM result ORDER BY command");
  row.open();
  while (row.step()) {
    const CommandId id(unsigned_of(row, 0));
    CommandResult result{id,
                         known(from_text<Outcome>(row.text(2)), row.text(2)),
                         known(from_text<Why>(row.text(3)), row.text(3)),
                         row.text(4),
                         JournalNumber(unsigned_of(row, 1)),
                         blames[id],
                         Bytes(unsigned_of(row, 5)),
                         Bytes(unsigned_of(row, 6))};
    past.results.push_back({std::move(result), row.integer(7) != 0});
  }
  return past;
}

std::map<ReplicaKey, ContentCheck> Journal::checks() {
  std::map<ReplicaKey, ContentCheck> checks;
  auto& row = db_.cached(
      "SELECT chunk, version, checksum, finding, checked_ms, size_bytes FROM content_check");
  row.open();
  while (row.step()) {
    ContentCheck check{*Checksum::from_raw(bytes_of_blob(row, 2)),
                       known(from_text<ReplicaFinding>(row.text(3)), row.text(3)), std::nullopt,
                       std::nullopt};
    if (!row.is_null(4)) check.checked = AgeReading(Duration(row.integer(4)));
    if (!row.is_null(5)) check.size = Bytes(unsigned_of(row, 5));
    checks.emplace(ReplicaKey{ChunkId(unsigned_of(row, 0)), ChunkVersion(unsigned_of(row, 1))},
                   check);
  }
  return checks;
}

std::optional<AgeMark> Journal::age_mark() {
  auto& row =
      db_.cached("SELECT age_reading_ms, age_boot, age_instant_ms, age_wall_ms FROM identity");
  row.open();
  std::optional<AgeMark> mark;
  if (row.step() && !row.is_null(0)) {
    mark = AgeMark{AgeReading(Duration(row.integer(0))), row.text(1),
                   Instant(Duration(row.integer(2))), Timestamp(Duration(row.integer(3)))};
  }
  row.reset();
  return mark;
}

std::optional<CommandId> Journal::tombstone(const ReplicaKey& key) {
  auto& row = db_.cached("SELECT command FROM tombstone WHERE chunk = ? AND version = ?");
  row.open(key.chunk, key.version);
  std::optional<CommandId> command;
  if (row.step()) command = CommandId(unsigned_of(row, 0));
  row.reset();
  return command;
}

std::optional<JournalNumber> Journal::stored(const ReplicaKey& key) {
  auto& row = db_.cached("SELECT journal FROM stored WHERE chunk = ? AND version = ?");
  row.open(key.chunk, key.version);
  std::optional<JournalNumber> number;
  if (row.step()) number = JournalNumber(unsigned_of(row, 0));
  row.reset();
  return number;
}

void Journal::raise_epoch(Epoch epoch) {
  EK_CHECK(epoch >= identity_.epoch);
  if (!EK_MUTANT(epoch_not_durable)) db_.cached("UPDATE identity SET epoch = ?").run(epoch);
  identity_.epoch = epoch;
}

void Journal::raise_incarnation(Incarnation incarnation) {
  EK_CHECK(incarnation >= identity_.incarnation);
  db_.cached("UPDATE identity SET incarnation = ?").run(incarnation);
  identity_.incarnation = incarnation;
}

void Journal::set_copy_key(const std::string& key) {
  if (key == identity_.copy_key) return;
  db_.cached("UPDATE identity SET copy_key = ?").run(blob_of(key));
  identity_.copy_key = key;
}

Journal::Batch::Batch(Journal& journal, Timestamp wall)
    : journal_(journal), wall_(wall), last_(journal.identity_.journal), transaction_(journal.db_) {}

JournalNumber Journal::Batch::next() {
  return last_ = last_.next();
}

CommandResult Journal::Batch::add(CommandResult result) {
  result.journal = next();
  journal_.db_
      .cached(
          "INSERT INTO result (command, journal, outcome, reason, detail, bytes_done, "
          "free_bytes, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
      .run(result.command, result.journal, to_text(result.outcome), to_text(result.why),
           result.detail, result.bytes_done, result.free, wall_.time_since_epoch().count());
  int place = 0;
  for (const Blame& blame : result.blamed) {
    journal_.db_.cached("INSERT INTO blamed (command, place, server, fault) VALUES (?, ?, ?, ?)")
        .run(result.command, place++, blame.server, to_text(blame.fault));
  }
  return result;
}

JournalNumber Journal::Batch::add_stored(const ReplicaKey& key) {
  const JournalNumber number = next();
  journal_.db_
      .cached("INSERT OR REPLACE INTO stored (chunk, version, journal, at_ms) VALUES (?, ?, ?, ?)")
      .run(key.chunk, key.version, number, wall_.time_since_epoch().count());
  return number;
}

void Journal::Batch::intend_delete(const ReplicaKey& key, CommandId command) {
  journal_.db_
      .cached(
          "INSERT OR REPLACE INTO tombstone (chunk, version, command, at_ms) VALUES (?, ?, ?, ?)")
      .run(key.chunk, key.version, command, wall_.time_since_epoch().count());
}

void Journal::Batch::came(const ReplicaKey& key) {
  journal_.db_.cached("DELETE FROM tombstone WHERE chunk = ? AND version = ?")
      .run(key.chunk, key.version);
}

void Journal::Batch::went(const ReplicaKey& key) {
  journal_.db_.cached("DELETE FROM content_check WHERE chunk = ? AND version = ?")
      .run(key.chunk, key.version);
  journal_.db_.cached("DELETE FROM stored WHERE chunk = ? AND version = ?")
      .run(key.chunk, key.version);
}

void Journal::Batch::checked(const ReplicaKey& key, const ContentCheck& check) {
  std::optional<std::int64_t> checked_ms;
  if (check.checked) checked_ms = check.checked->time_since_epoch().count();
  journal_.db_
      .cached(
          "INSERT OR REPLACE INTO content_check (chunk, version, checksum, finding, "
          "checked_ms, size_bytes) VALUES (?, ?, ?, ?, ?, ?)")
      .run(key.chunk, key.version, check.checksum, to_text(check.finding), checked_ms, check.size);
}

void Journal::Batch::confirm(CommandId command) {
  journal_.db_.cached("UPDATE result SET confirmed = 1 WHERE command = ?").run(command);
}

void Journal::Batch::forget(const std::vector<CommandId>& commands, CommandId watermark) {
  for (const CommandId id : commands) {
    journal_.db_.cached("DELETE FROM result WHERE command = ?").run(id);
  }
  journal_.db_.cached("UPDATE identity SET watermark = ?").run(watermark);
}

void Journal::Batch::mark(const AgeMark& mark) {
  journal_.db_
      .cached(
          "UPDATE identity SET age_reading_ms = ?, age_boot = ?, age_instant_ms = ?, "
          "age_wall_ms = ?")
      .run(mark.reading.time_since_epoch().count(), mark.boot,
           mark.instant.time_since_epoch().count(), mark.wall.time_since_epoch().count());
}

void Journal::Batch::commit() {
  if (last_ != journal_.identity_.journal) {
    journal_.db_.cached("UPDATE identity SET journal = ?").run(last_);
  }
  transaction_.commit();
  journal_.identity_.journal = last_;
}

}  // namespace evenkeel::agent
