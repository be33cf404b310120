#include "services/agent/store/journal.h"

#include <gtest/gtest.h>

#include "tests/agent/builder.h"

namespace evenkeel::agent {
namespace {

class JournalTest : public testing::Test {
 protected:
  Journal open(const std::string& cluster = "evenkeel", std::uint64_t server = 1) {
    return Journal(dir_.path() / "journal.db", {cluster, ServerId(server)}, storage_of('f'));
  }
  CommandResult failed(std::uint64_t id) {
    return {CommandId(id),    Outcome::kFailed,
            Why::kNoSource,   "none could",
            JournalNumber(0), {{ServerId(4), Fault::kCorrupt}, {ServerId(2), Fault::kUnreachable}},
            Bytes(17),        Bytes(99)};
  }
  TempDir dir_;
};

TEST_F(JournalTest, IsOneStorageForEverAndANewIncarnationEachTime) {
  std::optional<StorageId> storage;
  for (std::uint64_t start = 1; start <= 3; ++start) {
    const Journal journal = open();
    EXPECT_EQ(journal.identity().incarnation, Incarnation(start));
    if (!storage) storage = journal.identity().storage;
    EXPECT_EQ(journal.identity().storage, *storage);
  }
}

TEST_F(JournalTest, BelongsToOneServerOfOneCluster) {
  open();
  EXPECT_THROW(open("other"), std::runtime_error);
  EXPECT_THROW(open("evenkeel", 2), std::runtime_error);
}

TEST_F(JournalTest, RemembersEpochAndKey) {
  {
    Journal journal = open();
    journal.raise_epoch(Epoch(8));
    journal.set_copy_key(std::string(32, 'k'));
  }
  Journal journal = open();
  EXPECT_EQ(journal.identity().epoch, Epoch(8));
  EXPECT_EQ(journal.identity().copy_key, std::string(32, 'k'));
}

TEST_F(JournalTest, RemembersResultsAsTheyWere) {
  {
    Journal journal = open();
    Journal::Batch batch(journal, Timestamp{});
    EXPECT_EQ(batch.add(failed(5)).journal, JournalNumber(1));
    EXPECT_EQ(batch.add(failed(3)).journal, JournalNumber(2));
    batch.confirm(CommandId(3));
    batch.commit();
  }
  Journal journal = open();
  EXPECT_EQ(journal.identity().journal, JournalNumber(2));
  const auto past = journal.past();
  ASSERT_EQ(past.results.size(), 2U);
  EXPECT_TRUE(past.results[0].confirmed && !past.results[1].confirmed);
  const CommandResult& result = past.results[1].result;
  EXPECT_EQ(result.command, CommandId(5));
  EXPECT_EQ(result.why, Why::kNoSource);
  EXPECT_EQ(result.detail, "none could");
  ASSERT_EQ(result.blamed.size(), 2U);
  EXPECT_EQ(result.blamed[1].server, ServerId(2));
  EXPECT_EQ(result.bytes_done, Bytes(17));
}

TEST_F(JournalTest, WhatIsNotCommittedHasNotHappened) {
  Journal journal = open();
  {
    Journal::Batch batch(journal, Timestamp{});
    batch.add(failed(5));
  }
  EXPECT_EQ(journal.identity().journal, JournalNumber(0));
  EXPECT_TRUE(journal.past().results.empty());
}

TEST_F(JournalTest, ForgetsUpToTheWatermark) {
  {
    Journal journal = open();
    Journal::Batch batch(journal, Timestamp{});
    batch.add(failed(5));
    batch.add(failed(6));
    batch.forget({CommandId(5)}, CommandId(5));
    batch.commit();
  }
  const auto past = open().past();
  EXPECT_EQ(past.watermark, CommandId(5));
  ASSERT_EQ(past.results.size(), 1U);
  EXPECT_EQ(past.results[0].result.command, CommandId(6));
}

TEST_F(JournalTest, RemembersTombstonesChecksAndWhatWasStored) {
  const ReplicaKey key{ChunkId(3), ChunkVersion(2)};
  {
    Journal journal = open();
    Journal::Batch batch(journal, Timestamp{});
    batch.intend_delete(key, CommandId(40));
    batch.add_stored(key);
    batch.checked(key,
                  {checksum_of('c'), ReplicaFinding::kCorrupt, AgeReading(Duration(5)), Bytes(70)});
    batch.mark({AgeReading(Duration(7)), "boot", Instant(Duration(8)), Timestamp(Duration(9))});
    batch.commit();
  }
  Journal journal = open();
  EXPECT_EQ(journal.tombstone(key), CommandId(40));
  EXPECT_EQ(journal.past().intended, CommandId(40));
  EXPECT_EQ(journal.stored(key), JournalNumber(1));
  const auto checks = journal.checks();
  EXPECT_EQ(checks.at(key).finding, ReplicaFinding::kCorrupt);
  EXPECT_EQ(checks.at(key).checked, AgeReading(Duration(5)));
  EXPECT_EQ(checks.at(key).size, Bytes(70));
  EXPECT_EQ(journal.age_mark()->boot, "boot");
  Journal::Batch batch(journal, Timestamp{});
  batch.came(key);
  batch.went(key);
  batch.commit();
  EXPECT_EQ(journal.tombstone(key), std::nullopt);
  EXPECT_EQ(journal.stored(key), std::nullopt);
  EXPECT_TRUE(journal.checks().empty());
}

TEST_F(JournalTest, TheFileItselfKeepsTheFenceUp) {
  Journal journal = open();
  journal.raise_epoch(Epoch(8));
  sqlite::Database other(dir_.path() / "journal.db");
  EXPECT_THROW(other.execute("UPDATE identity SET epoch = 7"), sqlite::SqliteError);
  EXPECT_THROW(other.execute("UPDATE identity SET server = 9"), sqlite::SqliteError);
}

}  // namespace
}  // namespace evenkeel::agent
