#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/sqlite/database.h"

namespace evenkeel::console {

/// The rebalancer's database, to look at: each function gives JSON, from one state of it. None
/// reads all chunks or all replicas: what is wanted of all of them the rebalancer keeps counted.
class Reader {
 public:
  /// Errors say what is wrong with the file; SqliteError, if it is none.
  static Result<Reader> open(const std::filesystem::path& path, const std::string& cluster);
  /// Whether `path` still names the file that was opened.
  bool is_current() const;

  /// How it is now, and what happened after the event `after` (none: the last of what happened).
  std::string now(std::optional<std::int64_t> after);
  std::string servers();
  /// How it was in the last so many seconds, in 240 steps at most; of each the worst.
  std::string history(std::int64_t seconds);
  /// Commands that are open, the newest first.
  std::string commands();
  /// The events before `before`, the newest first.
  std::string events(std::int64_t before);
  /// kNotFound if there is none.
  Result<std::string> server(std::int64_t id);
  Result<std::string> chunk(std::int64_t id);
  Result<std::string> command(std::int64_t id);

  /// How many rows were looked at because no index leads to those that were wanted.
  std::int64_t scanned() const;

 private:
  explicit Reader(const std::filesystem::path& path);

  std::filesystem::path path_;
  std::uint64_t device_ = 0, inode_ = 0;
  sqlite::Database db_;
};

}  // namespace evenkeel::console
