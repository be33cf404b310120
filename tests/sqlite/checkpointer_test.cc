#include "common/sqlite/checkpointer.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <utility>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace evenkeel::sqlite {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMiB = 1 << 20;

std::int64_t number(const Database& db, std::string_view sql) {
  Statement query(db, sql);
  query.open();
  EK_CHECK(query.step());
  return query.integer(0);
}

class CheckpointerTest : public testing::Test {
 protected:
  CheckpointerTest() {
    writer_.execute("CREATE TABLE t (i INTEGER PRIMARY KEY, filler BLOB)");
    checkpointer_.set_elsewhere([this](std::function<void()> work, std::function<void()> done) {
      ASSERT_FALSE(work_) << "one at a time";
      work_ = std::move(work);
      done_ = std::move(done);
      ++begun_;
    });
  }
  /// So many rows of a page each, in one commit.
  void commit(int rows) {
    Transaction transaction(writer_);
    auto& insert = writer_.cached("INSERT INTO t (filler) VALUES (zeroblob(3000))");
    for (int i = 0; i < rows; ++i) insert.run();
    transaction.commit();
    rows_ += rows;
  }
  bool under_way() const { return work_ != nullptr; }
  void finish() {
    ASSERT_TRUE(work_);
    work_();
    work_ = nullptr;
    std::exchange(done_, nullptr)();
  }
  fs::path file() const { return dir_.path() / "test.db"; }
  std::uint64_t log_file_bytes() const { return fs::file_size(file().string() + "-wal"); }
  /// What the file holds without its log: what was copied back.
  std::int64_t rows_without_log() const {
    fs::copy_file(file(), dir_.path() / "copy.db", fs::copy_options::overwrite_existing);
    return number(Database(dir_.path() / "copy.db"), "SELECT count(*) FROM t");
  }

  TempDir dir_;
  Database writer_{file()};
  Checkpointer checkpointer_{writer_};
  std::function<void()> work_, done_;
  int begun_ = 0, rows_ = 0;
};

TEST_F(CheckpointerTest, CopiesOnItsOwnThreadUntilThereIsAnother) {
  checkpointer_.set_elsewhere({});
  commit(100);
  checkpointer_.look(1'000);
  EXPECT_GT(writer_.wal_pages(), 100);
  checkpointer_.look(100);
  EXPECT_EQ(writer_.wal_pages(), 0);
  EXPECT_EQ(rows_without_log(), rows_);
}

TEST_F(CheckpointerTest, CopiesElsewhereOneAtATime) {
  commit(100);
  checkpointer_.look(100);
  ASSERT_TRUE(under_way());
  commit(100);
  checkpointer_.look(100);
  EXPECT_EQ(begun_, 1);
  finish();
  EXPECT_EQ(writer_.wal_pages(), 0);
  EXPECT_EQ(rows_without_log(), rows_);
}

TEST_F(CheckpointerTest, WhatWasCommittedAfterItWasThroughIsLeftForTheNext) {
  commit(100);
  checkpointer_.look(100);
  ASSERT_TRUE(under_way());
  const int before = rows_;
  work_();  // the other thread is through, and it is not known yet
  commit(50);
  EXPECT_EQ(rows_without_log(), before);
  work_ = nullptr;
  std::exchange(done_, nullptr)();
  EXPECT_GE(writer_.wal_pages(), 50) << "in a log that was begun anew";
  EXPECT_LT(writer_.wal_pages(), 100);
  commit(100);
  checkpointer_.look(100);
  finish();
  EXPECT_EQ(writer_.wal_pages(), 0);
  EXPECT_EQ(rows_without_log(), rows_);
}

/// SQLite's WAL-reset bug takes a checkpoint that begins when all has been copied.
TEST_F(CheckpointerTest, NeverBeginsWhereAllIsCopied) {
  commit(100);
  checkpointer_.look(100);
  finish();
  for (int i = 0; i < 1'000; ++i) checkpointer_.look(1);
  EXPECT_EQ(begun_, 1);
  commit(1);
  EXPECT_LT(writer_.log_bytes(), 20U * 4120) << "begun anew by the commit after it";
}

TEST_F(CheckpointerTest, SaysThatLessShouldBeCommitted) {
  commit(1'000);
  checkpointer_.look(1'000);
  ASSERT_TRUE(under_way());
  EXPECT_FALSE(checkpointer_.falls_behind());
  while (writer_.log_bytes() < 64 * kMiB) commit(1'000);
  EXPECT_TRUE(checkpointer_.falls_behind());
  finish();
  EXPECT_EQ(writer_.wal_pages(), 0);
  commit(1);
  EXPECT_FALSE(checkpointer_.falls_behind());
}

/// All that a long log has left behind it, cut off at once, is a commit that takes long.
TEST_F(CheckpointerTest, TheFileOfALongLogIsMadeShorterBitByBit) {
  while (log_file_bytes() < 130 * kMiB) commit(1'000);
  std::uint64_t before = log_file_bytes();
  for (int ends = 0; before > 64 * kMiB; ++ends) {
    ASSERT_LT(ends, 20);
    checkpointer_.look(1);
    finish();
    commit(1);
    EXPECT_LT(log_file_bytes(), before);
    EXPECT_LE(before - log_file_bytes(), 16 * kMiB);
    before = log_file_bytes();
  }
}

TEST_F(CheckpointerTest, AReaderInTheWayIsNotFallingBehind) {
  Database reader(file(), OpenMode::kReadOnly);
  Statement looking(reader, "SELECT count(*) FROM sqlite_schema");
  looking.open();
  ASSERT_TRUE(looking.step());
  commit(1'000);
  checkpointer_.look(1'000);
  finish();
  while (writer_.log_bytes() < 64 * kMiB) commit(1'000);
  EXPECT_FALSE(checkpointer_.falls_behind());
  EXPECT_GT(writer_.wal_pages(), 10'000);
}

/// The real thing: a thread that copies while this one commits.
class BesideCommits : public CheckpointerTest {
 protected:
  BesideCommits() {
    checkpointer_.set_elsewhere([this](std::function<void()> work, std::function<void()> done) {
      copying_ = std::async(std::launch::async, std::move(work));
      done_ = std::move(done);
      ++begun_;
    });
  }
  void look() {
    if (copying_.valid() &&
        copying_.wait_for(std::chrono::seconds(0)) == std::future_status::ready) {
      join();
    }
    checkpointer_.look(1'000);
  }
  void join() {
    if (!copying_.valid()) return;
    copying_.get();
    std::exchange(done_, nullptr)();
  }
  void expect_all_there() {
    join();
    Statement check(writer_, "PRAGMA integrity_check");
    check.open();
    ASSERT_TRUE(check.step());
    EXPECT_EQ(check.text(0), "ok");
    check.reset();
    writer_.checkpoint_if_due(1);
    EXPECT_EQ(rows_without_log(), rows_);
  }

  std::future<void> copying_;
};

TEST_F(BesideCommits, NothingIsLost) {
  for (int i = 0; i < 3'000; ++i) {
    commit(i % 40);
    look();
    if (i % 500 > 0) continue;
    const Database reader(file(), OpenMode::kReadOnly);
    ASSERT_EQ(number(reader, "SELECT count(*) FROM t"), rows_);
  }
  EXPECT_GT(begun_, 10);
  expect_all_there();
}

TEST_F(BesideCommits, TheLogComesToAnEndWhereLessIsCommittedWhenItAsksForThat) {
  std::uint64_t longest = 0, before = 0;
  int ends = 0;
  while (ends < 2) {
    const bool less = checkpointer_.falls_behind();
    commit(less ? 1 : 300);
    if (less) join();  // however slow that thread is, it gets on while little is committed
    ends += writer_.log_bytes() < before ? 1 : 0;
    before = writer_.log_bytes();
    longest = std::max(longest, before);
    look();
  }
  EXPECT_LT(longest, 68 * kMiB);
  expect_all_there();
}

}  // namespace
}  // namespace evenkeel::sqlite
