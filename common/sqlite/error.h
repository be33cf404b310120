#pragma once
#include <stdexcept>
#include <string>
#include <string_view>

#include <sqlite3.h>

namespace evenkeel::sqlite {

/// Our own database failed us: disk full, file damaged, statement wrong. The text names the file,
/// the statement and the cause. Not caught before main(), which logs it and exits; the service
/// starts again from what was last committed.
class SqliteError : public std::runtime_error {
 public:
  /// The last failure of `db`, which was at `doing`: a statement or what was attempted.
  SqliteError(sqlite3* db, std::string_view doing);
  SqliteError(int code, const std::string& what) : std::runtime_error(what), code_(code) {}

  int code() const { return code_; }  ///< extended result code, e.g. SQLITE_CONSTRAINT_UNIQUE
  bool disk_full() const { return (code_ & 0xFF) == SQLITE_FULL; }

 private:
  int code_;
};

}  // namespace evenkeel::sqlite
