#include "services/agent/core/inventory_desk.h"

#include <gtest/gtest.h>

#include "tests/agent/builder.h"

namespace evenkeel::agent {
namespace {

const Instant kStart{};

class Desk : public testing::Test {
 protected:
  void put(std::uint64_t chunk) {
    table_.put({ChunkId(chunk), ChunkVersion(1)}, {Bytes(10), checksum_of('c')});
  }
  ReplicaKey key(std::uint64_t chunk) { return {ChunkId(chunk), ChunkVersion(1)}; }
  void begin() { desk_.begin(table_, ages_, JournalNumber(3), kStart); }
  void reply(const Inventory& part, InventoryReply::Status status = InventoryReply::Status::kOk) {
    desk_.on_reply({part.number, part.part, status});
  }
  /// Sends and confirms all parts.
  std::vector<Inventory> send_all() {
    std::vector<Inventory> parts;
    while (const auto part = desk_.next(kStart)) {
      parts.push_back(*part);
      reply(*part);
    }
    return parts;
  }

  const AgentIdentity own_{ServerId(1), Incarnation(4), storage_of('a'), Epoch(2)};
  ReplicaTable table_;
  AgeClock ages_{std::nullopt, "boot", kStart, Timestamp{}};
  InventoryDesk desk_{own_, 3};
};

TEST_F(Desk, AFullOneInParts) {
  for (std::uint64_t chunk = 1; chunk <= 7; ++chunk) put(chunk);
  desk_.want_full();
  begin();
  const auto parts = send_all();
  ASSERT_EQ(parts.size(), 3U);
  std::size_t rows = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(parts[i].part, i + 1);
    EXPECT_EQ(parts[i].parts, 3U);
    EXPECT_EQ(parts[i].number, InventoryNumber(1));
    EXPECT_EQ(parts[i].basis, std::nullopt);
    EXPECT_EQ(parts[i].journal, JournalNumber(3));
    rows += parts[i].rows.size();
  }
  EXPECT_EQ(rows, 7U);
  EXPECT_TRUE(desk_.idle());
  EXPECT_FALSE(desk_.has_news());
}

TEST_F(Desk, AnEmptyStorageHasAnInventoryToo) {
  desk_.want_full();
  begin();
  EXPECT_EQ(send_all().size(), 1U);
}

TEST_F(Desk, APartIsSentAgainUntilItIsAnswered) {
  desk_.want_full();
  begin();
  ASSERT_TRUE(desk_.next(kStart));
  EXPECT_FALSE(desk_.next(kStart + Duration(999)));
  EXPECT_TRUE(desk_.next(kStart + Duration(1'000)));
  EXPECT_FALSE(desk_.next(kStart + Duration(2'999)));
  EXPECT_TRUE(desk_.next(kStart + Duration(3'000)));
}

TEST_F(Desk, AfterAFullOneOnlyWhatChanged) {
  put(1), put(2);
  desk_.want_full();
  begin();
  send_all();
  put(5);
  table_.erase(key(1));
  desk_.changed(key(5));
  desk_.changed(key(1));
  ASSERT_TRUE(desk_.has_news());
  begin();
  const auto parts = send_all();
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_EQ(parts[0].number, InventoryNumber(2));
  EXPECT_EQ(parts[0].basis, InventoryNumber(1));
  ASSERT_EQ(parts[0].rows.size(), 1U);
  EXPECT_EQ(parts[0].rows[0].content.chunk, ChunkId(5));
  ASSERT_EQ(parts[0].gone.size(), 1U);
  EXPECT_EQ(parts[0].gone[0].first, ChunkId(1));
}

/// Who hears of one takes it for the only one.
TEST_F(Desk, WithOneVersionOfAChunkAllOfThemAreTold) {
  put(1), put(2);
  const ReplicaKey newer{ChunkId(1), ChunkVersion(9)};
  table_.put(newer, *table_.find(key(1)));
  desk_.want_full();
  begin();
  send_all();
  desk_.changed(key(1));
  begin();
  const auto parts = send_all();
  ASSERT_EQ(parts[0].rows.size(), 2U);
  EXPECT_EQ(parts[0].rows[1].content.version, newer.version);
}

TEST_F(Desk, WithoutABasisNothingIsSaidOfChanges) {
  desk_.changed(key(1));
  EXPECT_FALSE(desk_.has_news());
}

TEST_F(Desk, AgainMeansAFullOne) {
  put(1);
  desk_.want_full();
  begin();
  send_all();
  desk_.changed(key(1));
  begin();
  reply(*desk_.next(kStart), InventoryReply::Status::kAgain);
  EXPECT_TRUE(desk_.idle() && desk_.wants_full());
  begin();
  EXPECT_EQ(send_all()[0].basis, std::nullopt);
}

TEST_F(Desk, AnOldAnswerChangesNothing) {
  for (std::uint64_t chunk = 1; chunk <= 4; ++chunk) put(chunk);
  desk_.want_full();
  begin();
  const auto first = *desk_.next(kStart);
  reply(first);
  const auto second = *desk_.next(kStart);
  reply(first);
  desk_.on_reply({InventoryNumber(9), 2, InventoryReply::Status::kOk});
  EXPECT_FALSE(desk_.idle());
  reply(second);
  EXPECT_TRUE(desk_.idle());
}

TEST_F(Desk, ANewIncarnationBeginsAnew) {
  desk_.want_full();
  begin();
  send_all();
  auto next = own_;
  next.incarnation = Incarnation(5);
  desk_.identify(next);
  EXPECT_TRUE(desk_.wants_full());
  begin();
  const auto parts = send_all();
  EXPECT_EQ(parts[0].number, InventoryNumber(1));
  EXPECT_EQ(parts[0].from.incarnation, Incarnation(5));
}

TEST_F(Desk, TellsTheNumberThatItPromised) {
  put(1);
  const auto promised = desk_.want_full();
  begin();
  EXPECT_EQ(send_all()[0].number, promised);
}

}  // namespace
}  // namespace evenkeel::agent
