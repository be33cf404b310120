#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sqlite3.h>

#include "common/sqlite/error.h"
#include "common/sqlite/statement.h"

namespace evenkeel::sqlite {

enum class OpenMode {
  kReadWrite,  // the one connection that writes and checkpoints
  kReadOnly,   // may look, and does nothing else to the file: neither writes nor checkpoints
  kCopyLog,    // only copies the log back, on behalf of the writer: see Checkpointer
};

/// A connection to one SQLite file, used by one thread at a time. Everything throws SqliteError
/// when it fails.
///
/// The file has write-ahead logging, full sync (an acknowledged commit survives a loss of power)
/// and mode 0600 when it is made here. Nobody but the writing connection, and its Checkpointer, may
/// checkpoint: SQLite before 3.51.3 can lose commits when one connection checkpoints while another
/// begins the log anew.
class Database {
 public:
  /// Opens the file, and makes it if it is not there and `mode` is kReadWrite. ":memory:" is a
  /// database of its own that ends with this object.
  explicit Database(const std::filesystem::path& path, OpenMode mode = OpenMode::kReadWrite);

  /// One or more statements without parameters.
  void execute(const std::string& sql);

  /// The statement for `sql`, prepared at its first use and kept. It is the same object at each
  /// call, so a query must not be asked for again while its rows are being read.
  Statement& cached(std::string_view sql);

  /// Pages (of 4 KiB) in the log after the last commit. To be called after commits, and between
  /// batches if possible, as it takes some ms: copies the log back into the file when it has
  /// `pages_threshold` pages or more. False if there was nothing to do, or a reader was in the way
  /// and it has to be tried again. To try takes time in proportion to the log: while a reader is in
  /// the way, that is done only now and then, however often it is called.
  bool checkpoint_if_due(int pages_threshold);
  int wal_pages() const { return log_->length - log_->copied; }
  /// How long the log is, what was copied back but cannot be overwritten yet included.
  std::uint64_t log_bytes() const;

  // The parts of checkpoint_if_due(), for Checkpointer.
  struct CopiedBack {
    int in_log = 0, copied = 0;  ///< pages; fewer than there were: a reader was in the way
  };
  /// Whether it is to be tried now; it then counts as tried.
  bool checkpoint_due(int pages_threshold);
  /// None: another connection was at it.
  std::optional<CopiedBack> copy_log_back();
  /// What was copied of this connection's log, by it or another. True if that was all.
  bool note_copied(const CopiedBack& back);
  void note_begun_anew();
  /// Another one whenever the log was begun anew.
  std::uint32_t log_salt() const;
  /// Bounds by how much the file of a long log is made shorter where the log is begun anew next.
  /// To be called before it can be: the commit that begins it waits for that.
  void bound_log_file();

  sqlite3* handle() const { return db_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close(db); }
  };
  void prepare_writer();
  void begin_log_anew();
  void prepare_reader();
  void prepare_copier();
  sqlite3_file* log_file() const;

  struct Log {
    int length = 0, copied = 0;  // pages
    int length_at_try = 0;       // when a reader was in the way; 0: none was
    int calls_since = 0;
    std::uint64_t kept = 0;  // bytes of its file that stay where it is begun anew
  };
  std::unique_ptr<Log> log_ = std::make_unique<Log>();  // SQLite keeps its address
  std::unique_ptr<sqlite3, Close> db_;
  std::map<std::string, Statement, std::less<>> cached_;  // finalized before db_ is closed
};

/// All or nothing. Rolls back unless commit() was reached. Begins IMMEDIATE, so that a conflict
/// shows at the start and not at the commit.
class Transaction {
 public:
  explicit Transaction(Database& db);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();

  /// Once. After a SqliteError nothing of the transaction has happened, and it has to be done again
  /// as a whole: when the disk is full SQLite has already rolled back.
  void commit();

 private:
  Database* db_;  // none once it is committed
};

}  // namespace evenkeel::sqlite
