#include "tests/faults/trial.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

#include <sqlite3.h>

#include "common/sqlite/database.h"

namespace evenkeel::faults {
namespace {

std::function<void(void*)>& connection_hook() {
  static std::function<void(void*)> hook;
  return hook;
}

int on_connection(sqlite3* db, char**, const sqlite3_api_routines*) {
  if (!FaultVfs::install().quiet() && connection_hook()) connection_hook()(db);
  return SQLITE_OK;
}

/// What is drawn at random, and so differs between runs that are the same.
bool is_drawn(const std::string& column) {
  return column == "copy_secret";
}

/// Looks and leaves no trace but this: it rolls back what was left half done while the database was
/// made. Neither does it copy the log back.
class Look {
 public:
  explicit Look(const std::filesystem::path& database) {
    const int rc = sqlite3_open_v2(database.c_str(), &db_, SQLITE_OPEN_READWRITE, nullptr);
    sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    sqlite3_busy_timeout(db_, 100);
    if (rc != SQLITE_OK) fail("open");
  }
  Look(const Look&) = delete;
  Look& operator=(const Look&) = delete;
  ~Look() { sqlite3_close_v2(db_); }

  /// All rows, a line each.
  std::string rows(const std::string& sql, const std::string& before = "") {
    sqlite3_stmt* row = nullptr;
    if (sqlite3_prepare_v2(db_, sql.c_str(), -1, &row, nullptr) != SQLITE_OK) fail(sql);
    std::string all;
    int rc = SQLITE_ROW;
    while ((rc = sqlite3_step(row)) == SQLITE_ROW) {
      all += before;
      for (int i = 0; i < sqlite3_column_count(row); ++i) {
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(row, i));
        const bool drawn = is_drawn(sqlite3_column_name(row, i));
        all += (i > 0 ? "|" : "") + std::string(drawn ? "drawn" : text ? text : "NULL");
      }
      all += "\n";
    }
    sqlite3_finalize(row);
    if (rc != SQLITE_DONE) fail(sql);
    return all;
  }
  std::vector<std::string> names(const std::string& type, const std::string& like) {
    std::istringstream lines(rows("SELECT name FROM sqlite_master WHERE type = '" + type +
                                  "' AND name LIKE '" + like + "' ORDER BY name"));
    std::vector<std::string> all;
    for (std::string name; std::getline(lines, name);) all.push_back(name);
    return all;
  }

 private:
  [[noreturn]] void fail(const std::string& doing) {
    const sqlite::SqliteError error(db_, doing);
    throw error;
  }
  sqlite3* db_ = nullptr;
};

}  // namespace

void on_each_connection(std::function<void(void*)> call) {
  static const int registered = sqlite3_auto_extension(reinterpret_cast<void (*)()>(on_connection));
  EXPECT_EQ(registered, SQLITE_OK);
  connection_hook() = std::move(call);
}

std::string dump(const std::filesystem::path& database) {
  FaultVfs::Quiet quiet;
  if (!std::filesystem::exists(database)) return "";
  Look look(database);
  std::string all = look.rows("SELECT type, name FROM sqlite_master ORDER BY 1, 2");
  for (const std::string& table : look.names("table", "%")) {
    all += look.rows("SELECT * FROM \"" + table + "\"", table + " ");
  }
  return all;
}

std::string complaints(const std::filesystem::path& database) {
  FaultVfs::Quiet quiet;
  Look look(database);
  std::string all = look.rows("PRAGMA integrity_check");
  if (all == "ok\n") all.clear();
  all += look.rows("PRAGMA foreign_key_check");
  for (const std::string& view : look.names("view", "invariant_%")) {
    if (look.rows("SELECT count(*) FROM " + view) != "0\n") all += view + " is not empty\n";
  }
  return all;
}

Share Share::from_environment(std::uint64_t otherwise) {
  const char* given = std::getenv("EVENKEEL_FAULTS");
  if (!given) return Share{otherwise, otherwise};
  if (std::string(given) == "all") return {};
  return Share{std::stoull(given)};
}

/// Counts acknowledgements; in the run without faults also keeps the states that they are about.
class Trial::Recorder : public Ledger {
 public:
  Recorder(Trial& trial, Outcome& outcome, bool keeps)
      : trial_(trial), outcome_(outcome), keeps_(keeps) {}
  void acknowledged() override {
    ++outcome_.acknowledged;
    if (!keeps_) return;
    note();
    trial_.acknowledged_.push_back(trial_.states_.size() - 1);
  }
  void published(const std::string& condition) override { outcome_.published.push_back(condition); }
  void note() {
    std::string state;
    try {
      state = dump(trial_.file());
    } catch (const sqlite::SqliteError& error) {
      // While it is made it has no log yet, and nobody reads beside who writes. It is empty then.
      EXPECT_EQ(error.code() & 0xFF, SQLITE_BUSY) << error.what();
      return;
    }
    if (trial_.states_.empty() || trial_.states_.back() != state) {
      trial_.states_.push_back(std::move(state));
    }
  }

 private:
  Trial& trial_;
  Outcome& outcome_;
  const bool keeps_;
};

Trial::Trial(Script script, Share share) : script_(std::move(script)), share_(share) {
  const std::filesystem::path memory = "/dev/shm";
  const auto base =
      std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
  std::string name = (base / "faults-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
  root_ = name;
  clean_up_ = std::shared_ptr<void>(nullptr, [root = root_](void*) {
    std::error_code error;
    std::filesystem::remove_all(root, error);
  });
  start_ = root_ / "start";
  folder_ = root_ / "run";
  std::filesystem::create_directory(start_);
  if (script_.prepare) {
    FaultVfs::Quiet quiet;
    script_.prepare(start_);
  }
  record();
}

void Trial::set_up() {
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directory(folder_);
  for (const auto& entry : std::filesystem::directory_iterator(start_)) {
    if (entry.path().string().ends_with("-shm")) continue;
    std::filesystem::copy_file(entry.path(), folder_ / entry.path().filename());
  }
  FaultVfs::install().watch(folder_);
}

/// The run without faults: what there is to be failed, and the states that it goes through.
void Trial::record() {
  set_up();
  Outcome outcome;
  Recorder recorder(*this, outcome, true);
  recorder.note();
  acknowledged_.push_back(0);
  on_each_connection([&](void* handle) {
    sqlite3_commit_hook(
        static_cast<sqlite3*>(handle),
        [](void* to) {
          static_cast<Recorder*>(to)->note();  // what was committed before
          return 0;
        },
        &recorder);
  });
  script_.run(folder_, recorder);
  on_each_connection(nullptr);
  FaultVfs& vfs = FaultVfs::install();
  for (const Kind kind : kAllKinds) calls_[kind] = vfs.calls(kind);
  changes_ = vfs.changes();
  EXPECT_EQ(complaints(file()), "") << script_.name;
}

Trial::Outcome Trial::run_once(const std::function<void(FaultVfs&)>& spoil) {
  set_up();
  FaultVfs& vfs = FaultVfs::install();
  spoil(vfs);
  Outcome outcome;
  Recorder recorder(*this, outcome, false);
  try {
    script_.run(folder_, recorder);
  } catch (const sqlite::SqliteError&) {
    outcome.refused = true;
  }
  return outcome;
}

bool Trial::is_allowed(const std::string& state, std::size_t acknowledged) const {
  const std::size_t first = acknowledged_[acknowledged];
  const std::size_t last = acknowledged + 1 < acknowledged_.size() ? acknowledged_[acknowledged + 1]
                                                                   : acknowledged_.back();
  for (std::size_t i = first; i <= last; ++i) {
    if (states_[i] == state) return true;
  }
  return false;
}

void Trial::look(const Outcome& outcome) {
  FaultVfs::Quiet quiet;
  if (std::filesystem::exists(file())) {
    ASSERT_EQ(complaints(file()), "");
    const std::string state = dump(file());
    ASSERT_TRUE(is_allowed(state, outcome.acknowledged))
        << "after " << outcome.acknowledged << " acknowledgements there should be:\n"
        << states_[acknowledged_[outcome.acknowledged]] << "and there is:\n"
        << state;
    for (const std::string& condition : outcome.published) {
      ASSERT_EQ(Look(file()).rows("SELECT " + condition), "1\n") << "was visible";
    }
  } else {
    ASSERT_EQ(outcome.acknowledged, 0U) << "the file is gone";
  }
  script_.reopen(folder_, [] {});
  ASSERT_EQ(complaints(file()), "") << "after another start";
}

/// The first of them, the last, and evenly from between.
std::vector<std::uint64_t> Trial::chosen(std::uint64_t calls, std::uint64_t salt,
                                         std::uint64_t at_most) {
  std::vector<std::uint64_t> all;
  const std::uint64_t stride = (calls + at_most - 1) / at_most + (calls == 0);
  for (std::uint64_t n = 1 + salt % stride; n <= calls; n += stride) all.push_back(n);
  return all;
}

Tally Trial::fail_calls(Kind kind, bool for_good) {
  Tally tally{.calls = calls_[kind]};
  const std::uint64_t at_most = kind == Kind::kMemory ? share_.allocations : share_.calls;
  for (const std::uint64_t nth : chosen(tally.calls, static_cast<std::uint64_t>(kind), at_most)) {
    SCOPED_TRACE(script_.name + ": " + to_text(kind) + " at call " + std::to_string(nth) +
                 (for_good ? " and ever after" : ""));
    const Outcome outcome = run_once([&](FaultVfs& vfs) { vfs.fail(kind, nth, for_good); });
    FaultVfs& vfs = FaultVfs::install();
    EXPECT_GT(vfs.failed(), 0U);
    vfs.heal();
    ++tally.runs;
    ++(outcome.refused ? tally.refused : tally.survived);
    look(outcome);
    if (testing::Test::HasFailure()) break;
  }
  return tally;
}

Tally Trial::lose_power(Unsynced unsynced) {
  Tally tally{.calls = changes_};
  for (const std::uint64_t nth :
       chosen(changes_, static_cast<std::uint64_t>(unsynced), share_.calls)) {
    SCOPED_TRACE(script_.name + ": power lost at change " + std::to_string(nth) +
                 ", unsynced: " + to_text(unsynced));
    const Outcome outcome = run_once([&](FaultVfs& vfs) { vfs.lose_power_at(nth); });
    Rng rng(nth);
    FaultVfs::install().heal(unsynced, rng);
    ++tally.runs;
    ++(outcome.refused ? tally.refused : tally.survived);
    look(outcome);
    if (testing::Test::HasFailure()) break;
  }
  return tally;
}

Tally Trial::lose_power_after_a_failed_sync() {
  Tally tally{.calls = calls_[Kind::kSync]};
  for (const std::uint64_t nth : chosen(tally.calls, 0, share_.calls)) {
    SCOPED_TRACE(script_.name + ": IOERR_FSYNC at call " + std::to_string(nth) +
                 ", another start, power lost");
    const Outcome outcome = run_once([&](FaultVfs& vfs) {
      vfs.fail(Kind::kSync, nth, false);
      vfs.die_of_failed_sync();
    });
    FaultVfs& vfs = FaultVfs::install();
    vfs.heal();
    std::string before;
    script_.reopen(folder_, [&] {
      before = dump(file());
      vfs.lose_power();
    });
    Rng rng(nth);
    vfs.heal(Unsynced::kLost, rng);
    ++tally.runs;
    ++(outcome.refused ? tally.refused : tally.survived);
    EXPECT_EQ(complaints(file()), "");
    EXPECT_EQ(dump(file()), before);
    if (testing::Test::HasFailure()) break;
  }
  return tally;
}

std::uint64_t Trial::count_losses(const std::function<void(FaultVfs&)>& spoil) {
  std::uint64_t losses = 0;
  for (const std::uint64_t nth : chosen(changes_, 0, share_.calls)) {
    const Outcome outcome = run_once([&](FaultVfs& vfs) {
      vfs.lose_power_at(nth);
      spoil(vfs);
    });
    on_each_connection(nullptr);
    Rng rng(nth);
    FaultVfs::install().heal(Unsynced::kTorn, rng);
    FaultVfs::Quiet quiet;
    try {
      losses += std::filesystem::exists(file())
                    ? complaints(file()) != "" || !is_allowed(dump(file()), outcome.acknowledged)
                    : outcome.acknowledged > 0;
    } catch (const sqlite::SqliteError&) {
      ++losses;  // it cannot even be read
    }
  }
  return losses;
}

}  // namespace evenkeel::faults
