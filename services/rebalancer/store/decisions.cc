// Store, the part that keeps decisions, and gives them back.
#include "common/base/check.h"
#include "common/model/text.h"
#include "services/rebalancer/store/rows.h"
#include "services/rebalancer/store/store.h"

namespace evenkeel {
namespace {

using rows::number;

constexpr const char* kColumns =
    "SELECT command_id, kind, reason, chunk_id, server_id, source_id, drop_id, state, why, "
    "because, "
    "issued_ms, closed_ms FROM command ";

Timestamp time(const sqlite::Statement& row, int column) {
  return Timestamp(Duration(row.integer(column)));
}

Reason reason(const sqlite::Statement& row, int column) {
  const auto reason = from_text<Reason>(row.text(column));
  EK_CHECK(reason.has_value());
  return *reason;
}

template <class Id>
std::optional<Id> id_or_none(const sqlite::Statement& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional(Id(number(row, column)));
}

Decision decision_in(const sqlite::Statement& row) {
  constexpr const char* kStates[] = {"open", "done", "failed", "refused", "superseded"};
  Decision result{.command = CommandId(number(row, 0)),
                  .kind = rows::kind_from(row.integer(1)),
                  .reason = reason(row, 2),
                  .chunk = id_or_none<ChunkId>(row, 3),
                  .server = ServerId(number(row, 4)),
                  .source = id_or_none<ServerId>(row, 5),
                  .drop = id_or_none<ServerId>(row, 6),
                  .state = kStates[row.integer(7)],
                  .why = row.text(8),
                  .because = row.text(9),
                  .issued = time(row, 10)};
  if (!row.is_null(11)) result.closed = time(row, 11);
  return result;
}

}  // namespace

std::vector<Decision> Store::decisions(sqlite::Statement& row) {
  std::vector<Decision> result;
  while (row.step()) result.push_back(decision_in(row));
  for (Decision& decision : result) add_others(decision);
  return result;
}

void Store::add_others(Decision& decision) {
  auto& row = db_.cached(
      "SELECT json_extract(j.value, '$[0]'), json_extract(j.value, '$[1]'), "
      "json_type(j.value, '$[1]') = 'integer' FROM command k, json_each(k.candidates) j "
      "WHERE k.command_id = ? AND k.candidates <> '' ORDER BY j.key");
  row.open(decision.command);
  while (row.step()) {
    Candidate other{.server = ServerId(number(row, 0)), .refusals = {}, .use_ppm = {}};
    if (row.integer(2) != 0) {
      other.use_ppm = number(row, 1);
    } else {
      other.refusals.push_back(row.text(1));
    }
    decision.others.push_back(std::move(other));
  }
}

std::optional<Decision> Store::decision(CommandId command) {
  auto& row = db_.cached(std::string(kColumns) + "WHERE command_id = ?");
  row.open(command);
  std::vector<Decision> found = decisions(row);
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

std::vector<Decision> Store::decisions_about(ChunkId chunk, std::uint64_t limit) {
  // The plus keeps SQLite from taking the first condition to be true by the second, and with it the
  // index out of use.
  auto& row = db_.cached(std::string(kColumns) +
                         "WHERE chunk_id % 64 = ?1 % 64 AND +chunk_id = ?1 "
                         "ORDER BY command_id DESC LIMIT ?2");
  row.open(chunk, limit);
  return decisions(row);
}

std::vector<Decision> Store::decisions_about(ServerId server, std::uint64_t limit) {
  constexpr std::uint64_t kNewest = 20'000;  // some milliseconds
  auto& row = db_.cached(std::string(kColumns) +
                         "WHERE command_id > (SELECT max(command_id) FROM command) - ?3 "
                         "AND (server_id = ?1 OR source_id = ?1 OR drop_id = ?1) "
                         "ORDER BY command_id DESC LIMIT ?2");
  row.open(server, limit, kNewest);
  return decisions(row);
}

std::optional<std::string> Store::set_aside_because(ChunkId chunk) {
  auto& row = db_.cached("SELECT why FROM set_aside WHERE chunk_id = ?");
  row.open(chunk);
  std::optional<std::string> why;
  if (row.step()) why = row.text(0);
  row.reset();
  return why;
}

bool Store::prune(const Keep& keep, std::uint64_t at_most) {
  constexpr Duration kMarkEvery = std::chrono::hours(1);
  sqlite::Transaction transaction(db_);
  // What no id is given out below, before the rows that say so go.
  db_.cached(
         "UPDATE meta SET command_floor = max(command_floor, "
         "(SELECT coalesce(max(command_id), 0) + 1 FROM command))")
      .run();
  db_.cached(
         "INSERT INTO decision_mark SELECT running_ms, command_floor FROM meta WHERE NOT EXISTS "
         "(SELECT 1 FROM decision_mark d WHERE d.running_ms > meta.running_ms - ?)")
      .run(kMarkEvery.count());
  // Of marks that are old enough the last one stays: it says what may go.
  db_.cached(
         "DELETE FROM decision_mark WHERE running_ms < (SELECT max(d.running_ms) "
         "FROM decision_mark d, meta WHERE d.running_ms <= meta.running_ms - ?)")
      .run(keep.decisions.count());
  const auto commands =
      db_.cached(
             "DELETE FROM command WHERE command_id IN (SELECT command_id FROM command "
             "WHERE state <> 0 AND command_id < max("
             "(SELECT coalesce(max(command_id), 0) FROM command) - ?1, "
             "(SELECT coalesce(max(d.command_id), 0) FROM decision_mark d, meta "
             "WHERE d.running_ms <= meta.running_ms - ?2)) LIMIT ?3)")
          .run(keep.rows, keep.decisions.count(), at_most);
  const auto events =
      db_.cached(
             "DELETE FROM event WHERE event_number IN (SELECT event_number FROM event "
             "WHERE event_number < (SELECT max(event_number) FROM event) - ? LIMIT ?)")
          .run(keep.rows, at_most);
  db_.cached(
         "DELETE FROM proposal WHERE state <> 0 AND decided_running_ms <= "
         "(SELECT running_ms FROM meta) - ?")
      .run(keep.decisions.count());
  transaction.commit();
  return static_cast<std::uint64_t>(std::max(commands, events)) >= at_most;
}

}  // namespace evenkeel
