#include "tests/schedules/echo.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/sqlite/database.h"
#include "common/wire/codec.h"
#include "tests/faults/fault_vfs.h"

namespace evenkeel::schedules {
namespace fs = std::filesystem;

namespace {

constexpr const char* kCluster = "evenkeel";
/// Longer than a turn gathers what comes in, or a disk takes for a piece of work; much shorter than
/// any timer that is started anew.
constexpr Nanos kAtOnce = 5 * kMs;
constexpr int kStepsMax = 1'000;

/// Most of what is sent, by far, and nothing rests on a single one.
constexpr std::array kChatter = std::to_array<std::string_view>(
    {"beacon", "heartbeat", "heartbeat_reply", "membership.beacon", "progress"});

/// Of these a repetition does change something: a maintenance is to last from when it was last
/// asked for, and is told of anew.
constexpr std::array kMayChange = std::to_array<std::string_view>({"maintenance"});

/// What is no fact: counters, clocks, and what is derived for people to watch. `column` empty: all
/// of the table.
struct NoFact {
  std::string_view table, column;
};
constexpr std::array kNoFacts = std::to_array<NoFact>({
    {"meta", "commits"},  // each turn is a commit, whether it has brought news or not
    {"meta", "running_ms"},
    {"decision_mark", ""},  // the same clock
    {"server", "changed_ms"},
    {"gauge", ""},
    {"server_load", ""},
    {"identity", "age_reading_ms"},  // the clock of ages, when last written down
    {"identity", "age_instant_ms"},
    {"identity", "age_wall_ms"},
});

bool is_fact(std::string_view table, std::string_view column) {
  for (const NoFact& no : kNoFacts) {
    if (no.table == table && (no.column.empty() || no.column == column)) return false;
  }
  return true;
}

std::string text_of(sqlite3_stmt* row, int column) {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(row, column));
  const std::string value(bytes ? bytes : "",
                          static_cast<std::size_t>(sqlite3_column_bytes(row, column)));
  if (sqlite3_column_type(row, column) != SQLITE_BLOB) return value;
  std::string hex;
  for (const char c : value) {
    constexpr const char* kDigits = "0123456789abcdef";
    hex += kDigits[static_cast<unsigned char>(c) >> 4];
    hex += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

/// Runs a question to its end; each row goes to `tell`.
template <class Tell>
void ask(sqlite::Database& db, const std::string& sql, const Tell& tell) {
  sqlite3_stmt* row = nullptr;
  if (sqlite3_prepare_v2(db.handle(), sql.c_str(), -1, &row, nullptr) != SQLITE_OK) {
    throw sqlite::SqliteError(db.handle(), sql);
  }
  while (sqlite3_step(row) == SQLITE_ROW) tell(row);
  sqlite3_finalize(row);
}

std::string file_of(const Run& run) {
  return run.machine == "membership"        ? "membership.db"
         : run.machine.starts_with("rebal") ? "rebalancer.db"
                                            : "journal.db";
}

}  // namespace

Echo::Echo(World& world, Network& network, Onlooker& onlooker, fs::path root)
    : world_(world),
      network_(network),
      onlooker_(onlooker),
      root_(std::move(root)),
      rng_(world.stream("echo")) {
  network_.on_arrival = [this](const auto& at, const Frames& message) {
    return arrived(at, message);
  };
}

Echo::~Echo() {
  network_.on_arrival = nullptr;
}

bool Echo::arrived(const std::shared_ptr<Network::Socket>& at, const Frames& message) {
  disturbed_ |= settling_;
  if (settling_) return false;
  if (at->run->program == "client" || !rng_.chance(1, 16)) return false;
  const auto decoded = wire::decode(kCluster, bytes_of(message.back()));
  if (!decoded) return false;
  const std::string kind(wire::kind_of(*decoded));
  if (std::ranges::find(kMayChange, kind) != kMayChange.end()) return false;
  if (std::ranges::find(kChatter, kind) != kChatter.end() && !rng_.chance(1, 20)) return false;
  next_ = Arrived{at, message, kind};
  return true;
}

void Echo::after_step() {
  if (!next_) return;
  const Arrived message = *std::exchange(next_, std::nullopt);
  settling_ = true;
  deliver_twice(message);
  settling_ = disturbed_ = false;
}

/// All that the program does at once, to its end. False: it is over, or it does not come to one, or
/// another message has come meanwhile.
bool Echo::settle(const std::shared_ptr<Run>& run) {
  for (int steps = 0; steps < kStepsMax && !run->over; ++steps) {
    if (!world_.step_of(run, world_.now() + kAtOnce)) return !disturbed_;
    onlooker_.after_step();
  }
  return false;
}

bool Echo::deliver(const std::shared_ptr<Network::Socket>& at, Frames message) {
  const auto run = at->run;
  if (run->over || !at->open) return false;
  const auto tell = at->on_message;  // which may destroy the channel
  world_.as(run, [&] { tell(std::move(message)); });
  onlooker_.after_step();
  return settle(run);
}

/// Whatever a rebalancer hears, it plans anew; so does it a few times a second. What it would do
/// for that alone is done before: one that has only asked whether it is there comes first.
bool Echo::pass_a_turn(const std::shared_ptr<Run>& run) {
  const auto control = network_.router_of(*run, "control");
  if (!control) return true;  // no rebalancer
  Frames ping;
  ping.emplace_back(std::string("nobody"));
  ping.emplace_back(wire::encode(kCluster, ControlRequest{.request = 1, .what = Ping{}}));
  return deliver(control, std::move(ping));
}

void Echo::deliver_twice(const Arrived& message) {
  const auto at = message.at.lock();
  if (!at) return;
  const auto run = at->run;
  settle(run);
  disturbed_ = false;  // by what came before
  if (!deliver(at, message.frames) || !pass_a_turn(run)) return;
  const auto before = facts_of(*run);
  if (!before || !deliver(at, message.frames)) return;
  const auto after = facts_of(*run);
  if (!after) return;
  world_.fire("echo of " + message.kind);
  const std::string what = "'" + message.kind + "' once more, to " + run->program + ": ";
  for (const std::string& fact : *before) {
    if (!after->contains(fact)) onlooker_.fault("repeat", what + "gone: " + fact);
  }
  for (const std::string& fact : *after) {
    if (!before->contains(fact)) onlooker_.fault("repeat", what + "new: " + fact);
  }
}

/// None: its database is being made anew.
std::optional<Echo::Facts> Echo::facts_of(const Run& run) const {
  const fs::path folder = root_ / (run.program == "rebalancer-2" ? "rebalancer" : run.program);
  const fs::path file = folder / file_of(run);
  if (!fs::exists(file)) return std::nullopt;
  Facts facts;
  faults::FaultVfs::Quiet quiet;
  sqlite::Database db(file, sqlite::OpenMode::kReadOnly);
  std::vector<std::string> tables;
  ask(db, "SELECT name FROM sqlite_master WHERE type = 'table'",
      [&](sqlite3_stmt* row) { tables.push_back(text_of(row, 0)); });
  for (const std::string& table : tables) {
    if (table.starts_with("sqlite_") || !is_fact(table, "")) continue;
    ask(db, "SELECT * FROM " + table, [&](sqlite3_stmt* row) {
      std::string fact = table;
      for (int i = 0; i < sqlite3_column_count(row); ++i) {
        const std::string column = sqlite3_column_name(row, i);
        if (is_fact(table, column)) fact += " " + column + "=" + text_of(row, i);
      }
      facts.insert(std::move(fact));
    });
  }
  for (const char* part : {"live", "trash", "quarantine"}) {
    std::error_code none;  // not an agent's
    for (const auto& entry : fs::directory_iterator(folder / part, none)) {
      facts.insert(std::string(part) + "/" + entry.path().filename().string() + " of " +
                   std::to_string(entry.file_size(none)) + " bytes");
    }
  }
  return facts;
}

}  // namespace evenkeel::schedules
