#include "tools/sim/snapshot.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>

#include "common/sqlite/migrate.h"
#include "services/rebalancer/store/store.h"
#include "tests/rebalancer/cluster_builder.h"
#include "tests/support/temp_dir.h"

namespace evenkeel::sim {
namespace {

std::string contents(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

class SimSnapshot : public ::testing::Test {
 protected:
  SimSnapshot() : store_(file_, sqlite::schema_directory("rebalancer"), "evenkeel", Epoch(3)) {
    Changes changes{SyncChanged{true}};
    for (std::uint64_t s = 1; s <= 3; ++s) {
      Member member = member_of(s, "A/" + std::to_string(s), 1000);
      member.free = Bytes(600);
      if (s == 3) member.liveness = Liveness::kDead;
      changes.push_back(ServerAdded{member});
    }
    for (std::uint64_t c = 1; c <= 200; ++c) {
      const ChunkVersion version(1);
      changes.push_back(
          ChunkAdded{{ChunkId(c), version, Bytes(2), checksum_of(c)}, 2, ChunkLife::kLive});
      for (const std::uint64_t s : {1, 2}) {
        changes.push_back(
            ReplicaAdded{ChunkId(c), ServerId(s), ReplicaState::kValid, version, JournalNumber(0)});
      }
    }
    save(changes);
  }
  void save(const Changes& changes) {
    Store::Transaction transaction(store_, Epoch(3), Timestamp{}, Duration(0));
    for (const Change& change : changes) transaction.save(change);
    transaction.commit();
  }

  TempDir dir_;
  const std::filesystem::path file_ = dir_.path() / "rebalancer.db";
  Store store_;
};

TEST_F(SimSnapshot, LoadsAsIfTheRebalancerHadRunOn) {
  const Snapshot snapshot(file_);
  const ClusterView view = snapshot.view("evenkeel", {}, Instant{});
  view.check();
  EXPECT_EQ(view.chunk_count(), 200U);
  EXPECT_TRUE(view.synced());
  EXPECT_FALSE(view.in_safe_mode());
  EXPECT_TRUE(view.find(ServerId(1))->works());
  EXPECT_FALSE(view.find(ServerId(3))->works());
  EXPECT_EQ(view.find(ServerId(2))->member.used, Bytes(400));  // free is not all that its disk has
}

TEST_F(SimSnapshot, TheDatabaseIsNotChangedByAByte) {
  const std::filesystem::path log = file_.string() + "-wal";
  const std::string before = contents(file_), log_before = contents(log);
  std::filesystem::path copy;
  {
    const Snapshot snapshot(file_);
    copy = snapshot.file();
    EXPECT_NE(copy.parent_path(), file_.parent_path());
    EXPECT_EQ(std::filesystem::status(copy).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    snapshot.view("evenkeel", {}, Instant{});
  }
  EXPECT_FALSE(std::filesystem::exists(copy.parent_path()));
  EXPECT_EQ(contents(file_), before);
  EXPECT_EQ(contents(log), log_before);
}

TEST_F(SimSnapshot, WhatIsNotCommittedIsNotInIt) {
  Store::Transaction transaction(store_, Epoch(3), Timestamp{}, Duration(0));
  transaction.save(
      ChunkAdded{{ChunkId(999), ChunkVersion(1), Bytes(2), checksum_of(9)}, 2, ChunkLife::kLive});
  const Snapshot snapshot(file_);
  EXPECT_EQ(snapshot.view("evenkeel", {}, Instant{}).chunk_count(), 200U);
  transaction.commit();
}

/// The writer here does not wait for anybody: were it ever locked out, it would throw.
TEST_F(SimSnapshot, AWriterIsNeverLockedOut) {
  std::atomic<bool> over = false;
  std::atomic<int> commits = 0;
  std::string failure;
  std::thread writer([&] {
    try {
      sqlite::Database db(file_);
      db.execute("PRAGMA busy_timeout = 0; PRAGMA synchronous = OFF;");
      while (!over) {
        sqlite::Transaction transaction(db);
        db.execute("UPDATE chunk SET goal = 3 - goal");
        transaction.commit();
        ++commits;
      }
    } catch (const std::exception& error) {
      failure = error.what();
    }
  });
  while (commits == 0 && failure.empty()) std::this_thread::yield();
  const int before = commits;
  for (int i = 0; i < 20; ++i) {
    const Snapshot snapshot(file_);
    const ClusterView view = snapshot.view("evenkeel", {}, Instant{});
    const int goal = view.chunk(0).goal;
    for (ChunkSlot slot = 0; slot < view.chunk_count(); ++slot) {
      ASSERT_EQ(view.chunk(slot).goal, goal) << "a commit that is in it by halves";
    }
  }
  over = true;
  writer.join();
  EXPECT_EQ(failure, "");
  EXPECT_GT(commits, before);
}

TEST_F(SimSnapshot, OfAnotherClusterIsAnError) {
  const Snapshot snapshot(file_);
  EXPECT_THROW(snapshot.view("another", {}, Instant{}), std::runtime_error);
}

}  // namespace
}  // namespace evenkeel::sim
