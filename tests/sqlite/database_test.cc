#include "common/sqlite/database.h"

#include <cerrno>
#include <filesystem>
#include <thread>

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "common/base/checksum_value.h"
#include "common/sqlite/readers.h"

namespace evenkeel::sqlite {
namespace {

namespace fs = std::filesystem;

class DatabaseTest : public testing::Test {
 protected:
  DatabaseTest() : directory_(fs::path(testing::TempDir()) / "evenkeel_sqlite_XXXXXX") {
    std::string made = directory_.string();
    EK_CHECK(mkdtemp(made.data()) != nullptr);
    directory_ = made;
  }
  ~DatabaseTest() override { fs::remove_all(directory_); }
  fs::path file() const { return directory_ / "test.db"; }

  fs::path directory_;
};

std::int64_t number(const Database& db, std::string_view sql) {
  Statement query(db, sql);
  query.open();
  EK_CHECK(query.step());
  return query.integer(0);
}

/// What `action` throws: its code, and its text for the eye.
template <class F>
SqliteError error_of(F&& action) {
  try {
    action();
  } catch (const SqliteError& error) {
    return error;
  }
  return SqliteError(SQLITE_OK, "nothing was thrown");
}

struct RowTag {
  static constexpr char prefix = 'r';
};

TEST_F(DatabaseTest, EachTypeGoesThereAndBack) {
  Database db(":memory:");
  db.execute("CREATE TABLE t (i INTEGER, r REAL, t TEXT, b BLOB) STRICT");
  const std::vector<std::uint8_t> blob{0, 1, 255};
  Statement insert(db, "INSERT INTO t VALUES (?, ?, ?, ?)");
  EXPECT_EQ(insert.run(INT64_MIN, 0.5, std::string("a\0b", 3), std::span(blob)), 1);
  insert.run(StrongId<RowTag>(7), 1.0, "", std::span<const std::uint8_t>());
  insert.run(std::optional(3u), std::optional<double>(), std::nullopt,
             Checksum::parse("000102030405060708090a0b0c0d0e0f"));

  Statement query(db, "SELECT i, r, t, b FROM t ORDER BY rowid");
  query.open();
  ASSERT_TRUE(query.step());
  EXPECT_EQ(query.integer(0), INT64_MIN);
  EXPECT_EQ(query.real(1), 0.5);
  EXPECT_EQ(query.text(2), std::string("a\0b", 3));
  EXPECT_EQ(query.blob(3), blob);
  ASSERT_TRUE(query.step());
  EXPECT_EQ(query.integer(0), 7);
  EXPECT_EQ(query.text(2), "");
  EXPECT_TRUE(query.blob(3).empty());
  ASSERT_TRUE(query.step());
  EXPECT_EQ(query.integer(0), 3);
  EXPECT_TRUE(query.is_null(1));
  EXPECT_TRUE(query.is_null(2));
  EXPECT_EQ(query.blob(3).size(), 16u);
  EXPECT_FALSE(query.step());
}

TEST_F(DatabaseTest, AColumnOfAnotherTypeIsAnError) {
  Database db(":memory:");
  Statement query(db, "SELECT NULL, 'text'");
  query.open();
  ASSERT_TRUE(query.step());
  EXPECT_EQ(error_of([&] { query.integer(0); }).code(), SQLITE_MISMATCH);
  EXPECT_EQ(error_of([&] { query.integer(1); }).code(), SQLITE_MISMATCH);
  EXPECT_EQ(error_of([&] { query.text(0); }).code(), SQLITE_MISMATCH);
  EXPECT_EQ(query.text(1), "text");
}

TEST_F(DatabaseTest, ErrorsNameFileStatementAndCause) {
  Database db(file());
  const SqliteError syntax = error_of([&] { Statement(db, "SELEC 1"); });
  EXPECT_EQ(syntax.code(), SQLITE_ERROR);
  for (const std::string& part : {file().string(), std::string("SELEC 1"), std::string("syntax")}) {
    EXPECT_NE(std::string(syntax.what()).find(part), std::string::npos) << syntax.what();
  }
  db.execute("CREATE TABLE t (i INTEGER PRIMARY KEY) STRICT; INSERT INTO t VALUES (1)");
  Statement insert(db, "INSERT INTO t VALUES (?)");
  EXPECT_EQ(error_of([&] { insert.run(1); }).code(), SQLITE_CONSTRAINT_PRIMARYKEY);
  insert.run(2);  // a failed statement can be run again
  EXPECT_EQ(number(db, "SELECT count(*) FROM t"), 2);
  EXPECT_EQ(error_of([&] { Database("/nonexistent/x.db"); }).code(), SQLITE_CANTOPEN);
}

TEST_F(DatabaseTest, WrongNumbersOfParametersAndStatementsAreOurFault) {
  Database db(":memory:");
  Statement query(db, "SELECT ?");
  EXPECT_DEATH(query.open(), "check failed");
  EXPECT_DEATH(query.open(1, 2), "check failed");
  EXPECT_DEATH(query.open(UINT64_MAX), "check failed");
  EXPECT_DEATH(Statement(db, "SELECT 1; SELECT 2"), "check failed");
  EXPECT_DEATH(Statement(db, ""), "check failed");
}

TEST_F(DatabaseTest, IsSetUpForSafety) {
  const Database db(file());
  EXPECT_EQ(number(db, "PRAGMA foreign_keys"), 1);
  EXPECT_EQ(number(db, "PRAGMA synchronous"), 2);
  EXPECT_EQ(number(db, "PRAGMA busy_timeout"), 5000);
  EXPECT_EQ(number(db, "PRAGMA trusted_schema"), 0);
  EXPECT_EQ(number(db, "PRAGMA cell_size_check"), 1);
  EXPECT_EQ(number(db, "PRAGMA secure_delete"), 0);
  EXPECT_EQ(number(db, "PRAGMA wal_autocheckpoint"), 0);
  EXPECT_EQ(number(db, "PRAGMA mmap_size"), 0);
  Statement mode(db, "PRAGMA journal_mode");
  mode.open();
  ASSERT_TRUE(mode.step());
  EXPECT_EQ(mode.text(0), "wal");
}

TEST_F(DatabaseTest, IsForItsOwnerOnly) {
  Database db(file());
  db.execute("CREATE TABLE t (i INTEGER)");
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat status {};
    ASSERT_EQ(stat((file().string() + suffix).c_str(), &status), 0) << suffix;
    EXPECT_EQ(status.st_mode & 0777, 0600u) << suffix;
  }
}

TEST_F(DatabaseTest, ATransactionIsAllOrNothing) {
  Database db(file());
  db.execute("CREATE TABLE t (i INTEGER)");
  {
    Transaction dropped(db);
    db.execute("INSERT INTO t VALUES (1)");
  }
  EXPECT_EQ(number(db, "SELECT count(*) FROM t"), 0);
  Transaction kept(db);
  db.execute("INSERT INTO t VALUES (2)");
  kept.commit();
  EXPECT_EQ(number(Database(file(), OpenMode::kReadOnly), "SELECT i FROM t"), 2);
  EXPECT_DEATH(kept.commit(), "check failed");
}

TEST_F(DatabaseTest, ACachedStatementIsPreparedOnce) {
  Database db(":memory:");
  Statement& first = db.cached("SELECT 1");
  EXPECT_NE(&first, &db.cached("SELECT 2"));
  EXPECT_EQ(&first, &db.cached("SELECT 1"));
}

TEST_F(DatabaseTest, AReaderSeesCommitsAndCannotWrite) {
  EXPECT_EQ(error_of([&] { Database(file(), OpenMode::kReadOnly); }).code() & 0xFF,
            SQLITE_CANTOPEN);
  EXPECT_FALSE(fs::exists(file()));
  Database writer(file());
  writer.execute("CREATE TABLE t (i INTEGER); INSERT INTO t VALUES (5)");
  Database reader(file(), OpenMode::kReadOnly);
  EXPECT_EQ(number(reader, "SELECT i FROM t"), 5);
  EXPECT_EQ(error_of([&] { reader.execute("DELETE FROM t"); }).code() & 0xFF, SQLITE_READONLY);
  Transaction open_write(writer);
  writer.execute("UPDATE t SET i = 6");
  EXPECT_EQ(number(reader, "SELECT i FROM t"), 5);
  open_write.commit();
  EXPECT_EQ(number(reader, "SELECT i FROM t"), 6);
}

TEST_F(DatabaseTest, OnlyTheWriterCopiesTheLogBack) {
  Database writer(file());
  writer.execute("CREATE TABLE t (i INTEGER)");
  {
    Database reader(file(), OpenMode::kReadOnly);
    EXPECT_EQ(number(reader, "SELECT count(*) FROM t"), 0);
  }
  EXPECT_GT(fs::file_size(file().string() + "-wal"), 0u);  // the reader's end left it alone
  EXPECT_GT(writer.wal_pages(), 0);
  EXPECT_FALSE(writer.checkpoint_if_due(1000));
  EXPECT_TRUE(writer.checkpoint_if_due(1));
  EXPECT_EQ(writer.wal_pages(), 0);
  EXPECT_FALSE(writer.checkpoint_if_due(1));
}

TEST_F(DatabaseTest, TheLogGrowsOnlyAsFarAsTheThreshold) {
  Database db(file());
  db.execute("CREATE TABLE t (i INTEGER, filler BLOB)");
  Statement insert(db, "INSERT INTO t VALUES (?, zeroblob(3000))");
  int most = 0, checkpoints = 0;
  for (int i = 0; i < 500; ++i) {
    insert.run(i);
    most = std::max(most, db.wal_pages());
    checkpoints += db.checkpoint_if_due(50) ? 1 : 0;
  }
  EXPECT_GT(checkpoints, 5);
  EXPECT_LT(most, 60);
}

TEST_F(DatabaseTest, AReaderInTheWayPutsTheCheckpointOff) {
  Database writer(file());
  writer.execute("CREATE TABLE t (i INTEGER); INSERT INTO t VALUES (1), (2)");
  Database reader(file(), OpenMode::kReadOnly);
  Statement looking(reader, "SELECT i FROM t");
  looking.open();
  ASSERT_TRUE(looking.step());
  writer.execute("INSERT INTO t VALUES (3)");
  EXPECT_FALSE(writer.checkpoint_if_due(1));
  looking.reset();
  int calls = 0;
  while (!writer.checkpoint_if_due(1)) ASSERT_LT(++calls, 1000);
}

/// A reader that began when all of the log was copied back holds up every copying, and each try
/// would look at all of the log.
TEST_F(DatabaseTest, WhileAReaderIsInTheWayItIsTriedNowAndThenOnly) {
  Database writer(file());
  writer.execute("CREATE TABLE t (i INTEGER, filler BLOB); INSERT INTO t VALUES (1, NULL)");
  while (!writer.checkpoint_if_due(1)) {}
  Database reader(file(), OpenMode::kReadOnly);
  Statement looking(reader, "SELECT i FROM t");
  looking.open();
  ASSERT_TRUE(looking.step());
  Statement insert(writer, "INSERT INTO t VALUES (?, zeroblob(3000))");
  for (int i = 0; i < 500; ++i) {
    insert.run(i);
    EXPECT_FALSE(writer.checkpoint_if_due(100));
  }
  EXPECT_GE(writer.log_bytes(), 500U * 4120);
  looking.reset();
  int calls = 0;  // that it is not tried at each of them shows when it could be done
  while (!writer.checkpoint_if_due(100)) ASSERT_LT(++calls, 1000);
  EXPECT_GT(calls, 0);
  EXPECT_EQ(writer.wal_pages(), 0);
  insert.run(1);
  EXPECT_LT(writer.log_bytes(), 10U * 4120) << "begun anew";
}

TEST_F(DatabaseTest, WhoReadsIsNamed) {
  Database(file()).execute("CREATE TABLE t (i INTEGER); INSERT INTO t VALUES (1), (2)");
  int ready[2], go[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(go), 0);
  const pid_t child = fork();
  if (child == 0) {
    Database reader(file(), OpenMode::kReadOnly);
    Statement looking(reader, "SELECT i FROM t");
    looking.open();
    char word = looking.step() ? 'r' : 'f';
    static_cast<void>(!write(ready[1], &word, 1));
    static_cast<void>(!read(go[0], &word, 1));
    _exit(0);
  }
  char word = 0;
  ASSERT_EQ(read(ready[0], &word, 1), 1);
  const auto readers = readers_of(file());
  ASSERT_EQ(write(go[1], "g", 1), 1);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  ASSERT_EQ(readers.size(), 1U);
  EXPECT_TRUE(readers[0].starts_with("process " + std::to_string(child))) << readers[0];
  EXPECT_TRUE(readers_of(file()).empty());
}

/// A file system of its own that is soon full. Needs the right to mount.
class SmallDisk {
 public:
  explicit SmallDisk(const fs::path& at) : at_(at.string()) {
    fs::create_directory(at);
    mounted_ = mount("none", at_.c_str(), "tmpfs", 0, "size=2m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(at_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }

 private:
  std::string at_;
  bool mounted_ = false;
};

TEST_F(DatabaseTest, AFullDiskLosesNothingThatWasCommitted) {
  const SmallDisk disk(directory_ / "small");
  if (!disk.mounted()) GTEST_SKIP() << "no right to mount a small disk";
  Database db(directory_ / "small" / "test.db");
  db.execute("CREATE TABLE t (i INTEGER, filler BLOB)");
  db.execute("INSERT INTO t VALUES (1, NULL)");
  std::int64_t committed = 1;
  const SqliteError error = error_of([&] {
    for (;;) {
      Transaction transaction(db);
      db.execute("INSERT INTO t VALUES (2, zeroblob(100000))");
      transaction.commit();
      ++committed;
    }
  });
  EXPECT_TRUE(error.disk_full()) << error.what();
  EXPECT_TRUE(sqlite3_get_autocommit(db.handle()));  // nothing is left open
  EXPECT_EQ(number(db, "SELECT count(*) FROM t"), committed);
  EXPECT_GT(committed, 1);
}

}  // namespace
}  // namespace evenkeel::sqlite
