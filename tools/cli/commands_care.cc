#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "common/base/system_clock.h"
#include "common/sqlite/error.h"
#include "tools/cli/commands.h"
#include "tools/cli/render.h"
#include "tools/cli/view.h"

namespace evenkeel::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kFaultsShown = 20;  // of each check

/// A thing that must hold, and the query that gives a row of text for each way in which it does
/// not.
struct MustHold {
  const char* name;
  const char* faults;  // column and what follows FROM
  const char* from;
};

/// The file itself: each page belongs somewhere and once, and each index has its rows.
constexpr MustHold kSound{"database is sound", "quick_check",
                          "pragma_quick_check(20) WHERE quick_check <> 'ok'"};
constexpr MustHold kSoundToTheLast{"database is sound, read in full", "integrity_check",
                                   "pragma_integrity_check(20) WHERE integrity_check <> 'ok'"};
constexpr MustHold kNamesWhatIs{"what is named is there",
                                "\"table\" || ' row ' || coalesce(rowid, '?') || ' names what is "
                                "not in ' || parent",
                                "pragma_foreign_key_check"};
constexpr MustHold kOfOpenCommands[] = {
    {"deletes lean on evidence", "'k' || command_id || ' deletes without'",
     "invariant_delete_without_evidence"},
    {"what is sent is open", "'k' || command_id || ': ' || fault",
     "invariant_outbox_is_open_commands"},
    {"nothing is copied onto a holder", "'k' || command_id || ' does'",
     "invariant_copy_onto_holder"},
};
constexpr MustHold kNoneAhead{"no replica is newer than its chunk",
                              "'c' || chunk_id || ' is, on s' || server_id",
                              "invariant_replica_ahead_of_chunk"};
// What reads every chunk and replica takes some seconds for each million chunks; these take none.
constexpr MustHold kSmallIsSound{
    "small tables are sound", "name || ': ' || quick_check",
    "(SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN ('meta', 'server', 'outbox', "
    "'policy', 'policy_refusal', 'paused_pass', 'gauge', 'server_load', 'command_count', "
    "'setting', "
    "'proposal')), pragma_quick_check(name) WHERE quick_check <> 'ok'"};
constexpr MustHold kSmallNamesWhatIs{
    "what small tables name is there",
    "name || ' row ' || coalesce(rowid, '?') || ' names what is not in ' || parent",
    "(SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN ('outbox', 'server_load', "
    "'policy_refusal', 'set_aside')), pragma_foreign_key_check(name)"};

/// What is kept counted, against what is there. Both in one look, as others may write.
constexpr MustHold kCounted[] = {
    {"replicas were counted well", "'counted ' || counted || ', and there are ' || there",
     "(SELECT (SELECT replicas FROM cluster_state) AS counted, (SELECT count(*) FROM replica) AS "
     "there) WHERE counted <> there"},
    {"chunks were counted well", "'counted ' || counted || ', and there are ' || there",
     "(SELECT (SELECT chunks + creating + retired FROM cluster_state) AS counted, (SELECT count(*) "
     "FROM "
     "chunk) AS there) WHERE counted <> there"},
};

class Checks {
 public:
  explicit Checks(const View& view) : view_(view) {}

  void look(const MustHold& what) {
    const std::string limit = " LIMIT " + std::to_string(kFaultsShown);
    const Rows faults = view_.rows({{"fault", "", Kind::kText, 1, what.faults}}, what.from + limit);
    rows_.rows.push_back({std::string(what.name), std::int64_t{faults.rows.empty()},
                          faults.rows.empty() ? Cell() : faults.rows[0][0]});
    for (const auto& row : faults.rows) {
      found_.push_back(
          std::string(what.name) + ": " +
          (std::holds_alternative<std::string>(row[0]) ? std::get<std::string>(row[0]) : "?"));
    }
  }

  const Rows& rows() const { return rows_; }
  const std::vector<std::string>& found() const { return found_; }

 private:
  const View& view_;
  Rows rows_{{{"check", "WHAT MUST HOLD", Kind::kText, 9},
              {"holds", "HOLDS", Kind::kTruth, 8},
              {"first_fault", "", Kind::kText}},
             {}};
  std::vector<std::string> found_;
};

std::string why_not(const std::string& path) {
  return path + ": " + std::strerror(errno);
}

/// Makes the file durable and gives it its name, which must be free.
Result<void> settle(const std::string& aside, const std::string& to) {
  const int fd = ::open(aside.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  if (fd >= 0) ::close(fd);
  if (!synced) return fail(ErrorCode::kDenied, why_not(aside));
  if (::renameat2(AT_FDCWD, aside.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0) {
    return fail(ErrorCode::kConflict, why_not(to));
  }
  const fs::path folder = fs::path(to).parent_path();
  const int at = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (at < 0) return fail(ErrorCode::kDenied, why_not(folder.string()));
  const bool named = ::fsync(at) == 0;
  ::close(at);
  if (!named) return fail(ErrorCode::kDenied, why_not(folder.string()));
  return {};
}

/// A file that is gone again unless it was given its name.
struct Aside {
  std::string path;
  ~Aside() {
    std::error_code ignored;
    for (const char* part : {"", "-wal", "-shm"}) fs::remove(path + part, ignored);
  }
};

}  // namespace

Exit check(const Options& options, CheckDepth depth) {
  const Result<View> view = View::open(options.database, options.cluster);
  if (!view) return error(view.error().what);
  Checks checks(*view);
  if (depth == CheckDepth::kQuick) {
    checks.look(kSmallIsSound);
    checks.look(kSmallNamesWhatIs);
    for (const MustHold& each : kOfOpenCommands) checks.look(each);
  } else {
    checks.look(depth == CheckDepth::kDeep ? kSoundToTheLast : kSound);
    checks.look(kNamesWhatIs);
    for (const MustHold& each : kOfOpenCommands) checks.look(each);
    checks.look(kNoneAhead);
  }
  if (depth == CheckDepth::kDeep) {
    for (const MustHold& each : kCounted) checks.look(each);
  }
  if (options.json) {
    std::fputs(json(Fields{{"holds", checks.found().empty()},
                           {"checks", checks.rows()},
                           {"faults", checks.found()}})
                   .c_str(),
               stdout);
  } else {
    std::fputs(table(checks.rows(), style_of(STDOUT_FILENO)).c_str(), stdout);
    for (const std::string& fault : checks.found()) error("check: " + fault);
  }
  return checks.found().empty() ? Exit::kOk : Exit::kUnhealthy;
}

Exit backup(const Options& options, const std::string& to) {
  const Result<View> view = View::open(options.database, options.cluster);
  if (!view) return error(view.error().what);
  std::error_code unknown;
  if (fs::exists(to, unknown)) return error("backup: " + to + ": is there already");
  const SystemClock clock;
  const Instant began = clock.now();
  const Aside aside{to + ".partial-" + std::to_string(getpid())};
  try {
    view->back_up(aside.path);
  } catch (const sqlite::SqliteError& fault) {
    return error(std::string("backup: ") + fault.what());
  }
  const Result<View> copy = View::open(aside.path, options.cluster);
  if (!copy) return error("backup: " + copy.error().what);
  Checks checks(*copy);
  checks.look(kSound);
  if (!checks.found().empty()) return error("backup: " + checks.found().front());
  const std::int64_t chunks = copy->number("SELECT chunks FROM cluster_state");
  const std::int64_t at = copy->number("SELECT at_ms FROM cluster_state");
  if (const auto settled = settle(aside.path, to); !settled) {
    return error("backup: " + settled.error().what);
  }
  const auto size = static_cast<std::int64_t>(fs::file_size(to));
  const Duration took = clock.now() - began;
  if (options.json) {
    std::fputs(json(Fields{{"file", to},
                           {"bytes", size},
                           {"chunks", chunks},
                           {"at_ms", at},
                           {"elapsed_ms", std::int64_t{took.count()}}})
                   .c_str(),
               stdout);
  } else {
    std::printf("backed up %s, %s, in %s\n",
                count_of(static_cast<std::uint64_t>(chunks), "chunk").c_str(),
                bytes_text(static_cast<std::uint64_t>(size)).c_str(), duration_text(took).c_str());
  }
  return Exit::kOk;
}

}  // namespace evenkeel::cli
