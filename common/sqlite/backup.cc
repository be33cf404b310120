#include "common/sqlite/backup.h"

#include <memory>

namespace evenkeel::sqlite {
namespace {

struct Finish {
  void operator()(sqlite3_backup* backup) const { sqlite3_backup_finish(backup); }
};

}  // namespace

void back_up(const Database& from, const std::filesystem::path& to) {
  Database copy(to);
  copy.execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;");  // it is all or nothing
  const std::unique_ptr<sqlite3_backup, Finish> backup(
      sqlite3_backup_init(copy.handle(), "main", from.handle(), "main"));
  if (!backup) throw SqliteError(copy.handle(), "begin to copy to " + to.string());
  // All pages in one step: between steps others may write, and it would begin anew.
  const int rc = sqlite3_backup_step(backup.get(), -1);
  if (rc != SQLITE_DONE) {
    throw SqliteError(rc, to.string() + ": " + sqlite3_errstr(rc) + " in: copy of a database");
  }
}

}  // namespace evenkeel::sqlite
