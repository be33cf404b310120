#include "common/sqlite/database.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/mutant.h"

namespace evenkeel::sqlite {
namespace {

constexpr const char* kInMemory = ":memory:";

std::string file_of(sqlite3* db) {
  const char* name = db ? sqlite3_db_filename(db, "main") : nullptr;
  return name && *name ? name : kInMemory;
}

/// Makes the file with a mode that SQLite then also gives to the log beside it. One that is there
/// is not touched: to open and close it would drop the locks that other connections of this
/// process have on it.
void make_private(const std::filesystem::path& path) {
  const int fd = open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0) {
    close(fd);
  } else if (errno != EEXIST) {
    throw SqliteError(SQLITE_CANTOPEN, path.string() + ": " + std::strerror(errno));
  }
}

/// Counting the bytes that SQLite has allocated, which nobody asks for, takes a lock at each of its
/// allocations: a tenth of the processor's time of a commit with many rows. It can be told so only
/// before its first use; where others in the process have come first, it goes on counting.
void stop_counting_memory() {
  static const int rc = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(rc);
}

constexpr int kCallsBetweenTries = 100;
constexpr std::uint64_t kPageInLog = 4096 + 24;
// Bytes of the log's file that are kept for the next log, and by how much a longer file is made
// shorter at once. To cut 192 MiB off took a commit 70 ms on ext4, half of them its processor's
// (tests/bench/load_bench.cc).
constexpr std::uint64_t kLogFile = 64 << 20, kShorterAtOnce = 16 << 20;

}  // namespace

SqliteError::SqliteError(sqlite3* db, std::string_view doing)
    : std::runtime_error(file_of(db) + ": " + sqlite3_errmsg(db) + " (" +
                         std::to_string(sqlite3_extended_errcode(db)) +
                         ") in: " + std::string(doing)),
      code_(sqlite3_extended_errcode(db)) {}

Database::Database(const std::filesystem::path& path, OpenMode mode) {
  const bool writes = mode == OpenMode::kReadWrite;
  if (writes && path != kInMemory) make_private(path);
  const bool reads = mode == OpenMode::kReadOnly;
  const int flags = (reads ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX |
                    SQLITE_OPEN_EXRESCODE;
  stop_counting_memory();
  sqlite3* db = nullptr;
  const int rc = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
  db_.reset(db);  // a handle comes back even when opening failed, and has to be closed
  if (rc != SQLITE_OK) throw SqliteError(db, "open " + path.string());
  execute(
      "PRAGMA busy_timeout = 5000; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
      "PRAGMA mmap_size = 0;");  // with mmap an I/O error would be a signal and not an error code
  if (writes) prepare_writer();
  if (reads) prepare_reader();
  if (mode == OpenMode::kCopyLog) prepare_copier();
}

void Database::prepare_writer() {
  execute(
      "PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
      "PRAGMA secure_delete = OFF; PRAGMA wal_autocheckpoint = 0;");
  const auto remember_pages = [](void* of, sqlite3*, const char*, int in_log) {
    Log& log = *static_cast<Log*>(of);
    if (log.copied == log.length) log.copied = 0;  // only then it may have been begun anew
    log.length = in_log;
    return SQLITE_OK;
  };
  sqlite3_wal_hook(handle(), remember_pages, log_.get());  // after the pragma, which sets it
  if (EK_MUTANT(no_sync_of_databases)) execute("PRAGMA synchronous = OFF");
  begin_log_anew();
}

/// What an earlier run has left in the log may not be on the disk, though we can read it: when a
/// sync fails the system takes the pages for clean, and the next sync says that all is well. What
/// is added behind such a gap would be lost with it when the power goes.
void Database::begin_log_anew() {
  const int rc =
      sqlite3_wal_checkpoint_v2(handle(), "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  const bool reader_in_the_way = (rc & 0xFF) == SQLITE_BUSY || (rc & 0xFF) == SQLITE_LOCKED;
  if (rc != SQLITE_OK && !reader_in_the_way) throw SqliteError(handle(), "checkpoint");
}

void Database::prepare_reader() {
  execute("PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0;");
  sqlite3_db_config(handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

void Database::prepare_copier() {
  execute("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;");
  sqlite3_db_config(handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  execute("SELECT count(*) FROM sqlite_schema");  // before a read it does not know of the log
}

void Database::execute(const std::string& sql) {
  if (sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    throw SqliteError(handle(), sql);
  }
}

Statement& Database::cached(std::string_view sql) {
  auto found = cached_.find(sql);
  if (found == cached_.end()) {
    found = cached_.emplace(std::string(sql), Statement(*this, sql)).first;
  }
  return found->second;
}

bool Database::checkpoint_if_due(int pages_threshold) {
  if (!checkpoint_due(pages_threshold)) return false;
  const auto back = copy_log_back();
  return back && note_copied(*back);
}

bool Database::checkpoint_due(int pages_threshold) {
  EK_CHECK(pages_threshold > 0);
  Log& log = *log_;
  if (wal_pages() < pages_threshold) return false;
  const bool same_log = log.length_at_try > 0 && log.length >= log.length_at_try;
  if (same_log && log.length < log.length_at_try + pages_threshold &&
      ++log.calls_since < kCallsBetweenTries) {
    return false;
  }
  log.length_at_try = log.length;
  log.calls_since = 0;
  bound_log_file();
  return true;
}

std::optional<Database::CopiedBack> Database::copy_log_back() {
  CopiedBack back;
  const int rc = sqlite3_wal_checkpoint_v2(handle(), "main", SQLITE_CHECKPOINT_PASSIVE,
                                           &back.in_log, &back.copied);
  if ((rc & 0xFF) == SQLITE_BUSY || (rc & 0xFF) == SQLITE_LOCKED) return std::nullopt;
  if (rc != SQLITE_OK) throw SqliteError(handle(), "checkpoint");
  return back;
}

bool Database::note_copied(const CopiedBack& back) {
  log_->copied = back.copied;
  if (wal_pages() > 0) return false;
  log_->length_at_try = 0;
  return true;  // the next commit begins the log anew, unless a reader still looks at it
}

void Database::note_begun_anew() {
  log_->copied = 0;
  log_->length_at_try = 0;
}

std::uint32_t Database::log_salt() const {
  constexpr int kOffset = 16;  // www.sqlite.org/fileformat.html, "WAL Header Format"
  sqlite3_file* log = log_file();
  std::uint32_t salt = 0;
  const int rc = log ? log->pMethods->xRead(log, &salt, sizeof salt, kOffset) : SQLITE_IOERR_READ;
  if (rc != SQLITE_OK) throw SqliteError(rc, file_of(handle()) + "-wal: its header");
  return salt;
}

void Database::bound_log_file() {
  sqlite3_file* log = log_file();
  sqlite3_int64 size = 0;
  if (!log || log->pMethods->xFileSize(log, &size) != SQLITE_OK) return;  // shortened another time
  const auto long_now = static_cast<std::uint64_t>(size);
  const std::uint64_t kept = std::max(kLogFile, long_now - std::min(long_now, kShorterAtOnce));
  if (kept == log_->kept) return;
  execute("PRAGMA journal_size_limit = " + std::to_string(kept));
  log_->kept = kept;
}

/// None: there is no log yet.
sqlite3_file* Database::log_file() const {
  sqlite3_file* log = nullptr;
  sqlite3_file_control(handle(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  return log && log->pMethods ? log : nullptr;
}

std::uint64_t Database::log_bytes() const {
  return static_cast<std::uint64_t>(log_->length) * kPageInLog;
}

Transaction::Transaction(Database& db) : db_(&db) {
  db.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (!db_ || sqlite3_get_autocommit(db_->handle())) return;
  // Nothing to be done about a failing rollback: SQLite drops the transaction on close anyway.
  sqlite3_exec(db_->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  EK_CHECK(db_ != nullptr);
  db_->execute("COMMIT");  // when it fails, the destructor rolls back what SQLite has not
  db_ = nullptr;
}

}  // namespace evenkeel::sqlite
