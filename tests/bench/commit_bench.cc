// How many commands the rebalancer commits a second: against bare prepared statements that write
// the same rows into the same tables in the same transactions, and beside a reader who does not end
// his read, so that the log of the database only grows. Prints one JSON object a line; fails if the
// databases are not the same in the end. Arguments: folder, chunks (200,000), servers
// (20).
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/sqlite/migrate.h"
#include "services/rebalancer/core/facts.h"
#include "services/rebalancer/core/planner.h"
#include "services/rebalancer/store/store.h"
#include "tests/bench/made_cluster.h"
#include "tests/bench/measure.h"

namespace evenkeel::bench {
namespace {

namespace fs = std::filesystem;
constexpr int kPagesToCheckpoint = 1000;
const Instant kNow = Instant(Duration(3'600'000));

// --- the rebalancer -----------------------------------------------------------------------------

/// A rebalancer's turns after a server was lost: plan, save, apply, commit.
class Turns {
 public:
  Turns(const fs::path& path, std::uint64_t chunks, std::uint64_t servers)
      : cluster_(chunks, servers),
        store_(path, sqlite::schema_directory("rebalancer"), "bench"),
        view_(kNow) {}

  /// Up to the loss of a server, not measured.
  void prepare() {
    cluster_.fill([this](const Changes& changes) { record(changes); });
    record(cluster_.reported(Epoch(1), kNow));
    epoch_ = Epoch(1);
    Member dead = view_.find(ServerId(7))->member;
    dead.liveness = Liveness::kDead;
    record(facts_of(
        view_,
        MemberChanged{MadeCluster::storage_of(99), EventNumber(1), MemberEventKind::kFailed, dead},
        limits(), kNow));
    while (store_.checkpoint_if_due(1)) {}
  }

  /// Commands of each turn, until nothing is left to be planned.
  std::vector<std::size_t> run() {
    std::vector<std::size_t> commands;
    while (true) {
      const Changes planned = plan(view_, limits(), kNow);
      if (planned.empty()) return commands;
      const Stopwatch watch;
      record(planned);
      commits_.push_back(watch.seconds());
      commands.push_back(static_cast<std::size_t>(std::count_if(
          planned.begin(), planned.end(),
          [](const Change& change) { return std::holds_alternative<CommandIssued>(change); })));
    }
  }

  /// Seconds that saving, applying and committing a turn took: half of them less than the first.
  std::pair<double, double> median_and_longest() {
    std::ranges::sort(commits_);
    return {commits_.at(commits_.size() / 2), commits_.back()};
  }
  Bytes log_size() const { return store_.log_size(); }

 private:
  /// All that is lost may be under way at once, or turns would wait for copies.
  static const Limits& limits() {
    static const Limits kLimits{.copies_in = 1 << 20,
                                .copies_out = 1 << 20,
                                .bytes_in = Bytes(1ULL << 50),
                                .bytes_out = Bytes(1ULL << 50),
                                .patience_server = Duration(0)};
    return kLimits;
  }

  void record(const Changes& changes) {
    Store::Transaction transaction(store_, epoch_, Timestamp(Duration(0)), Duration(0));
    for (const Change& change : changes) {
      transaction.save(change);
      view_.apply(change);
    }
    transaction.commit();
    store_.checkpoint_if_due(kPagesToCheckpoint);
  }

  const MadeCluster cluster_;
  Store store_;
  ClusterView view_;
  Epoch epoch_{0};
  std::vector<double> commits_;
};

// --- bare statements ----------------------------------------------------------------------------

struct FreeValue {
  void operator()(sqlite3_value* value) const { sqlite3_value_free(value); }
};
struct Row {
  std::int64_t command;  ///< of which it tells; 0: of none
  std::vector<std::unique_ptr<sqlite3_value, FreeValue>> values;
};
struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using RawStatement = std::unique_ptr<sqlite3_stmt, Finalize>;

RawStatement prepared(const sqlite::Database& db, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  EK_CHECK(sqlite3_prepare_v3(db.handle(), sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &statement,
                              nullptr) == SQLITE_OK);
  return RawStatement(statement);
}

/// What was added to a table, in the order of the commands.
struct NewRows {
  std::string table;
  std::vector<Row> rows;
  std::string insert;
};

std::vector<std::string> tables_of(sqlite::Database& db) {
  std::vector<std::string> names;
  sqlite::Statement tables(db,
                           "SELECT name FROM sqlite_schema WHERE type = 'table' "
                           "AND name NOT GLOB 'sqlite_*' AND name <> 'meta' ORDER BY rowid");
  for (tables.open(); tables.step();) names.push_back(tables.text(0));
  return names;
}

/// Rows of `table` that the database attached as `other` has not.
NewRows rows_beyond(sqlite::Database& db, const std::string& table) {
  NewRows found{.table = table};
  sqlite::Statement by_command(
      db, "SELECT count(*) FROM pragma_table_info(?) WHERE name = 'command_id'");
  by_command.open(table);
  const bool ordered = by_command.step() && by_command.integer(0) > 0;
  const std::string command = ordered ? "command_id" : "0";
  const RawStatement query =
      prepared(db, "SELECT " + command + ", * FROM (SELECT * FROM main." + table +
                       " EXCEPT SELECT * FROM other." + table + ") ORDER BY 1");
  const int columns = sqlite3_column_count(query.get());
  while (sqlite3_step(query.get()) == SQLITE_ROW) {
    Row row{sqlite3_column_int64(query.get(), 0), {}};
    for (int i = 1; i < columns; ++i) {
      row.values.emplace_back(sqlite3_value_dup(sqlite3_column_value(query.get(), i)));
    }
    found.rows.push_back(std::move(row));
  }
  std::string places;
  for (int i = 1; i < columns; ++i) places += i == 1 ? "?" : ", ?";
  found.insert = "INSERT INTO " + table + " VALUES (" + places + ")";
  return found;
}

/// All that `after` has more than `before`, by table.
std::vector<NewRows> what_is_new(const fs::path& after, const fs::path& before) {
  sqlite::Database db(after);
  db.execute("ATTACH '" + before.string() + "' AS other");
  std::vector<NewRows> all;
  for (const std::string& table : tables_of(db)) {
    NewRows rows = rows_beyond(db, table);
    if (!rows.rows.empty()) all.push_back(std::move(rows));
  }
  return all;
}

/// Inserts the rows of one table, each with the turn that its command was committed in.
class Inserter {
 public:
  Inserter(sqlite::Database& db, const NewRows& rows)
      : rows_(rows), statement_(prepared(db, rows.insert)) {}

  /// The rows of commands up to this one; in the last turn, all.
  void run(std::int64_t last_command, bool last_turn) {
    for (; next_ < rows_.rows.size(); ++next_) {
      const Row& row = rows_.rows[next_];
      if (row.command > last_command && !last_turn) return;
      for (std::size_t i = 0; i < row.values.size(); ++i) {
        sqlite3_bind_value(statement_.get(), static_cast<int>(i + 1), row.values[i].get());
      }
      EK_CHECK(sqlite3_step(statement_.get()) == SQLITE_DONE);
      sqlite3_reset(statement_.get());
    }
  }

 private:
  const NewRows& rows_;
  RawStatement statement_;
  std::size_t next_ = 0;
};

/// Seconds to write `rows` in as many transactions as there were turns.
double bare(const fs::path& path, const std::vector<NewRows>& rows,
            const std::vector<std::size_t>& turns) {
  sqlite::Database db(path);
  std::vector<Inserter> inserters;
  for (const NewRows& table : rows) inserters.emplace_back(db, table);
  sqlite::Statement begin(db, "UPDATE meta SET commits = commits + 1 WHERE epoch = ?");
  std::int64_t command = 0;
  const Stopwatch watch;
  for (std::size_t turn = 0; turn < turns.size(); ++turn) {
    command += static_cast<std::int64_t>(turns[turn]);
    sqlite::Transaction transaction(db);
    begin.run(std::uint64_t{1});
    for (Inserter& inserter : inserters) inserter.run(command, turn + 1 == turns.size());
    transaction.commit();
    db.checkpoint_if_due(kPagesToCheckpoint);
  }
  return watch.seconds();
}

// --- both ---------------------------------------------------------------------------------------

int run(const fs::path& folder, std::uint64_t chunks, std::uint64_t servers) {
  const fs::path ours = folder / "ours.db", before = folder / "before.db",
                 theirs = folder / "bare.db", read = folder / "read.db";
  std::vector<std::size_t> turns;
  double our_seconds = 0;
  std::pair<double, double> alone, beside;
  Bytes log;
  {
    Turns rebalancer(ours, chunks, servers);
    rebalancer.prepare();
    fs::copy_file(ours, before);
    fs::copy_file(ours, theirs);
    const Stopwatch watch;
    turns = rebalancer.run();
    our_seconds = watch.seconds();
    alone = rebalancer.median_and_longest();
  }
  {
    Turns rebalancer(read, chunks, servers);
    rebalancer.prepare();
    const sqlite::Database reader(read, sqlite::OpenMode::kReadOnly);
    sqlite::Statement looking(reader, "SELECT chunk_id FROM chunk");
    looking.open();
    EK_CHECK(looking.step());
    rebalancer.run();
    beside = rebalancer.median_and_longest();
    log = rebalancer.log_size();
  }
  const std::vector<NewRows> rows = what_is_new(ours, before);
  const double bare_seconds = bare(theirs, rows, turns);
  double commands = 0, written = 0;
  for (const std::size_t each : turns) commands += static_cast<double>(each);
  for (const NewRows& table : rows) written += static_cast<double>(table.rows.size());
  say("commands", commands, "");
  say("rows_written_for_each_command", written / commands, "");
  say("commands_committed", commands / our_seconds, "1/s");
  say("commands_committed_by_bare_statements", commands / bare_seconds, "1/s");
  say("ratio_to_bare_statements", bare_seconds / our_seconds, "");
  say("turn_committed_alone", alone.first * 1000, "ms, median");
  say("turn_committed_beside_a_reader", beside.first * 1000, "ms, median");
  say("ratio_beside_a_reader", beside.first / alone.first, "");
  say("longest_alone", alone.second * 1000, "ms");
  say("longest_beside_a_reader", beside.second * 1000, "ms");
  say("log_beside_a_reader", static_cast<double>(log.count()) / (1 << 20), "MiB");
  const bool same = what_is_new(ours, theirs).empty() && what_is_new(theirs, ours).empty() &&
                    what_is_new(ours, read).empty() && what_is_new(read, ours).empty();
  if (!same) std::fprintf(stderr, "the two databases differ\n");
  return same && commands > 0 ? 0 : 1;
}

}  // namespace
}  // namespace evenkeel::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: evenkeel-commit-bench FOLDER [CHUNKS [SERVERS]]\n");
    return 2;
  }
  const std::uint64_t chunks = argc > 2 ? std::stoull(argv[2]) : 200'000;
  const std::uint64_t servers = argc > 3 ? std::stoull(argv[3]) : 20;
  std::printf("{\"chunks\": %llu, \"servers\": %llu, \"build\": \"%s\"}\n",
              static_cast<unsigned long long>(chunks), static_cast<unsigned long long>(servers),
              EVENKEEL_BUILD);
  return evenkeel::bench::run(argv[1], chunks, servers);
}
