#include "services/console/store/reader.h"

#include <sys/stat.h>

#include <vector>

#include <nlohmann/json.hpp>

#include "common/sqlite/error.h"
#include "common/sqlite/statement.h"

namespace evenkeel::console {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kEventsAtOnce = 100;
constexpr std::int64_t kSteps = 240;

enum class Kind { kNumber, kShare, kText, kTruth, kJson };
struct Column {
  const char* name;
  Kind kind = Kind::kNumber;
};

Json cell_of(const sqlite::Statement& row, int column, Kind kind) {
  if (row.is_null(column)) return nullptr;
  switch (kind) {
    case Kind::kNumber:
      return row.integer(column);
    case Kind::kShare:
      return row.real(column);
    case Kind::kText:
      return row.text(column);
    case Kind::kTruth:
      return row.integer(column) != 0;
    case Kind::kJson:
      return Json::parse(row.text(column));
  }
  return nullptr;
}

std::string select(const std::vector<Column>& columns, const std::string& from) {
  std::string sql;
  for (const Column& column : columns) {
    sql += sql.empty() ? "SELECT " : ", ";
    sql += column.name;
  }
  return sql + " FROM " + from;
}

/// Objects, one a row. `from` is ours and never made of what came from outside: that is bound.
template <class... Args>
Json rows(sqlite::Database& db, const std::vector<Column>& columns, const std::string& from,
          const Args&... args) {
  sqlite::Statement& row = db.cached(select(columns, from));
  Json all = Json::array();
  for (row.open(args...); row.step();) {
    Json object = Json::object();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      object[columns[i].name] = cell_of(row, static_cast<int>(i), columns[i].kind);
    }
    all.push_back(std::move(object));
  }
  row.reset();
  return all;
}

/// The same without the names in each row: a third of the bytes.
template <class... Args>
Json table(sqlite::Database& db, const std::vector<Column>& columns, const std::string& from,
           const Args&... args) {
  sqlite::Statement& row = db.cached(select(columns, from));
  Json names = Json::array(), all = Json::array();
  for (const Column& column : columns) names.push_back(column.name);
  for (row.open(args...); row.step();) {
    Json cells = Json::array();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      cells.push_back(cell_of(row, static_cast<int>(i), columns[i].kind));
    }
    all.push_back(std::move(cells));
  }
  row.reset();
  return {{"columns", std::move(names)}, {"rows", std::move(all)}};
}

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// All that is read while it lives is of one state. Ends with what throws, too.
class Snapshot {
 public:
  explicit Snapshot(sqlite::Database& db) : db_(db) { db_.execute("BEGIN"); }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  ~Snapshot() { sqlite3_exec(db_.handle(), "ROLLBACK", nullptr, nullptr, nullptr); }

 private:
  sqlite::Database& db_;
};

const std::vector<Column> kState{{"at_ms"},
                                 {"mode", Kind::kText},
                                 {"why", Kind::kText},
                                 {"chunks"},
                                 {"healthy"},
                                 {"lost"},
                                 {"at_risk"},
                                 {"under_replicated"},
                                 {"over_replicated"},
                                 {"creating"},
                                 {"retired"},
                                 {"replicas"},
                                 {"files"},
                                 {"unsorted"},
                                 {"lost_some", Kind::kJson},
                                 {"at_risk_some", Kind::kJson},
                                 {"under_some", Kind::kJson},
                                 {"over_some", Kind::kJson},
                                 {"lost_chunk_ms"},
                                 {"at_risk_chunk_ms"},
                                 {"below_goal_chunk_ms"}};
const std::vector<Column> kCounts{{"kind", Kind::kText},
                                  {"reason", Kind::kText},
                                  {"open"},
                                  {"open_bytes"},
                                  {"done"},
                                  {"done_bytes"},
                                  {"failed"},
                                  {"refused"},
                                  {"superseded"}};
const std::vector<Column> kEvent{{"event_number"},
                                 {"at_ms"},
                                 {"kind", Kind::kText},
                                 {"subject", Kind::kText},
                                 {"text", Kind::kText}};
const std::vector<Column> kServer{{"server_id"},
                                  {"location", Kind::kText},
                                  {"address", Kind::kText},
                                  {"liveness", Kind::kText},
                                  {"admin", Kind::kText},
                                  {"to_be_removed", Kind::kTruth},
                                  {"maintenance_left_ms"},
                                  {"reported", Kind::kTruth},
                                  {"capacity_bytes"},
                                  {"used_bytes"},
                                  {"used_share", Kind::kShare},
                                  {"free_bytes"},
                                  {"replicas"},
                                  {"copies_in"},
                                  {"copies_out"},
                                  {"incoming_bytes"},
                                  {"outgoing_bytes"},
                                  {"open_commands"}};
const std::vector<Column> kCommand{{"command_id"},
                                   {"kind", Kind::kText},
                                   {"reason", Kind::kText},
                                   {"chunk_id"},
                                   {"size_bytes"},
                                   {"server_id"},
                                   {"source_id"},
                                   {"drop_id"},
                                   {"state", Kind::kText},
                                   {"why", Kind::kText},
                                   {"because", Kind::kText},
                                   {"issued_ms"},
                                   {"closed_ms"}};

std::string no_such(char letter, std::int64_t id) {
  return std::string("there is no ") + letter + std::to_string(id);
}

}  // namespace

Reader::Reader(const std::filesystem::path& path)
    : path_(path), db_(path, sqlite::OpenMode::kReadOnly) {
  struct stat file {};
  if (stat(path.c_str(), &file) == 0) {
    device_ = file.st_dev;
    inode_ = file.st_ino;
  }
}

bool Reader::is_current() const {
  struct stat file {};
  return stat(path_.c_str(), &file) == 0 && file.st_dev == device_ && file.st_ino == inode_;
}

Result<Reader> Reader::open(const std::filesystem::path& path, const std::string& cluster) {
  std::error_code unknown;
  if (!std::filesystem::exists(path, unknown)) {
    return fail(ErrorCode::kNotFound,
                path.string() + ": " + (unknown ? unknown.message() : "no such file"));
  }
  Reader reader(path);
  const auto number = [&](const char* sql) {
    sqlite::Statement row(reader.db_, sql);
    row.open();
    return row.step() ? row.integer(0) : 0;
  };
  if (number("SELECT count(*) FROM sqlite_schema WHERE name IN ('meta', 'command_history')") != 2) {
    return fail(ErrorCode::kMalformed, path.string() + ": not the database of a rebalancer");
  }
  if (number("SELECT count(*) FROM sqlite_schema WHERE name IN ('cluster_state', 'proposals')") !=
      2) {
    return fail(ErrorCode::kConflict,
                path.string() + ": of an older rebalancer; start one of this version first");
  }
  sqlite::Statement owner(reader.db_, "SELECT cluster FROM meta");
  owner.open();
  const std::string found = owner.step() ? owner.text(0) : "";
  if (found != cluster) {
    return fail(ErrorCode::kConflict,
                path.string() + ": of the cluster '" + found + "' and not of '" + cluster + "'");
  }
  owner.reset();
  return reader;
}

std::string Reader::now(std::optional<std::int64_t> after) {
  const Snapshot snapshot(db_);
  Json all = Json::object();
  all["state"] = rows(db_, kState, "cluster_state").at(0);
  all["commands"] = rows(db_, kCounts, "command_totals ORDER BY kind DESC, reason");
  all["servers"] = rows(db_, {{"liveness", Kind::kText}, {"admin", Kind::kText}, {"count(*)"}},
                        "server GROUP BY liveness, admin");
  all["paused"] = Json::array();
  for (const Json& row : rows(db_, {{"pass", Kind::kText}}, "paused_passes ORDER BY pass")) {
    all["paused"].push_back(row.at("pass"));
  }
  all["drains"] = rows(db_,
                       {{"server_id"},
                        {"admin", Kind::kText},
                        {"to_be_removed", Kind::kTruth},
                        {"chunks_left"},
                        {"bytes_left"}},
                       "drains ORDER BY server_id LIMIT 50");
  all["proposals"] = rows(db_,
                          {{"proposal_id"},
                           {"what", Kind::kText},
                           {"proposed_by", Kind::kText},
                           {"proposed_ms"},
                           {"expires_left_ms"},
                           {"feasible", Kind::kTruth},
                           {"copy_chunks"},
                           {"copy_bytes"},
                           {"duration_ms"},
                           {"chunks_at_risk"}},
                          "proposals WHERE state = 'pending' ORDER BY proposal_id LIMIT 50");
  all["two_people"] = !rows(db_, {{"value", Kind::kText}},
                            "settings WHERE key = 'approval.operations' AND value <> ''")
                           .empty();
  const std::int64_t from = after.value_or(-1);
  Json events =
      rows(db_, kEvent, "events WHERE event_number > ? ORDER BY event_number DESC LIMIT ?", from,
           kEventsAtOnce);
  const Json last = rows(db_, {{"coalesce(max(event_number), 0)"}}, "events").at(0).begin().value();
  all["events"] = std::move(events);
  all["last_event"] = last;
  return text_of(all);
}

std::string Reader::servers() {
  const Snapshot snapshot(db_);
  return text_of(table(db_, kServer, "server_status WHERE admin <> 'removed' ORDER BY server_id"));
}

std::string Reader::history(std::int64_t seconds) {
  const Snapshot snapshot(db_);
  const std::int64_t step = std::max<std::int64_t>(10, seconds / kSteps);
  const std::vector<Column> columns{{"max(at_ms) AS at_ms"},
                                    {"max(lost) AS lost"},
                                    {"max(at_risk) AS at_risk"},
                                    {"max(lost + at_risk + under_replicated) AS below_goal"},
                                    {"max(open_commands) AS open_commands"},
                                    {"max(open_bytes) AS open_bytes"},
                                    {"max(copied_bytes) AS copied_bytes"},
                                    {"min(servers_alive) AS servers_alive"}};
  Json all = table(db_, columns,
                   "risk_over_time WHERE at_ms >= "
                   "(SELECT coalesce(max(at_ms), 0) FROM risk_over_time) - ? "
                   "GROUP BY at_ms / ? ORDER BY 1",
                   seconds * 1000, step * 1000);
  all["columns"] = {"at_ms",         "lost",       "at_risk",      "below_goal",
                    "open_commands", "open_bytes", "copied_bytes", "servers_alive"};
  return text_of(all);
}

std::string Reader::commands() {
  const Snapshot snapshot(db_);
  return text_of(rows(db_, kCommand,
                      "command_history WHERE command_id IN (SELECT command_id FROM outbox "
                      "ORDER BY command_id DESC LIMIT 100) ORDER BY command_id DESC"));
}

std::string Reader::events(std::int64_t before) {
  const Snapshot snapshot(db_);
  return text_of(rows(db_, kEvent,
                      "events WHERE event_number < ? ORDER BY event_number DESC LIMIT ?", before,
                      kEventsAtOnce));
}

Result<std::string> Reader::server(std::int64_t id) {
  const Snapshot snapshot(db_);
  Json found = rows(db_, kServer, "server_status WHERE server_id = ?", id);
  if (found.empty()) return fail(ErrorCode::kNotFound, no_such('s', id));
  Json all = {{"server", found.at(0)}};
  all["drain"] = rows(db_, {{"chunks_left"}, {"bytes_left"}}, "drains WHERE server_id = ?", id);
  all["commands"] = rows(db_, kCommand,
                         "command_history WHERE command_id IN (SELECT command_id FROM outbox "
                         "WHERE server_id = ? ORDER BY command_id DESC LIMIT 30) "
                         "ORDER BY command_id DESC",
                         id);
  all["chunks"] = rows(db_, {{"chunk_id"}, {"state"}},
                       "replica WHERE server_id = ? ORDER BY chunk_id LIMIT 20", id);
  return text_of(all);
}

Result<std::string> Reader::chunk(std::int64_t id) {
  const Snapshot snapshot(db_);
  Json found = rows(db_, {{"chunk_id"}, {"version"}, {"size_bytes"}, {"goal"}, {"life"}},
                    "chunk WHERE chunk_id = ?", id);
  if (found.empty()) return fail(ErrorCode::kNotFound, no_such('c', id));
  Json all = {{"chunk", found.at(0)}};
  all["replicas"] = rows(db_,
                         {{"server_id"},
                          {"version"},
                          {"state", Kind::kText},
                          {"liveness", Kind::kText},
                          {"admin", Kind::kText},
                          {"counts", Kind::kTruth}},
                         "replica_status WHERE chunk_id = ? ORDER BY server_id", id);
  all["violation"] =
      rows(db_, {{"why", Kind::kText}, {"since_ms"}}, "set_aside WHERE chunk_id = ?", id);
  // By way of the indices on what is open: all that was ever ordered is for `explain` to look
  // through.
  all["commands"] = rows(
      db_, kCommand,
      "command_history WHERE command_id IN (SELECT command_id FROM command WHERE kind = 0 AND "
      "state = 0 AND chunk_id = ?1 UNION SELECT command_id FROM command WHERE kind = 1 AND state = "
      "0 AND chunk_id = ?1) ORDER BY command_id DESC",
      id);
  all["files"] =
      rows(db_, {{"name", Kind::kText}},
           "file JOIN file_chunk USING (file_id) WHERE file_chunk.chunk_id = ? LIMIT 10", id);
  return text_of(all);
}

Result<std::string> Reader::command(std::int64_t id) {
  const Snapshot snapshot(db_);
  Json found = rows(db_, kCommand, "command_history WHERE command_id = ?", id);
  if (found.empty()) return fail(ErrorCode::kNotFound, no_such('k', id));
  return text_of({{"command", found.at(0)}});
}

std::int64_t Reader::scanned() const {
  std::int64_t all = 0;
  for (sqlite3_stmt* each = sqlite3_next_stmt(db_.handle(), nullptr); each != nullptr;
       each = sqlite3_next_stmt(db_.handle(), each)) {
    all += sqlite3_stmt_status(each, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0);
  }
  return all;
}

}  // namespace evenkeel::console
