#include <gmock/gmock.h>

#include "common/sqlite/migrate.h"
#include "services/rebalancer/store/store.h"
#include "tests/rebalancer/cluster_builder.h"
#include "tests/support/temp_dir.h"

namespace evenkeel {
namespace {

using namespace std::chrono_literals;

constexpr Store::Keep kThirtyDays{.decisions = 720h, .rows = 1'000'000};

class Decisions : public testing::Test {
 protected:
  Decisions() {
    Changes changes;
    for (std::uint64_t server = 1; server <= 4; ++server) {
      changes.push_back(ServerAdded{member_of(server, "r/h" + std::to_string(server), 1000)});
    }
    for (std::uint64_t chunk = 1; chunk <= 200; ++chunk) {
      changes.push_back(ChunkAdded{
          {ChunkId(chunk), ChunkVersion(3), Bytes(10), checksum_of(chunk)}, 2, ChunkLife::kLive});
    }
    save(changes);
  }

  void save(const Changes& changes) {
    Store::Transaction transaction(store_, Epoch(0), Timestamp(Duration(7)), running_);
    for (const Change& change : changes) transaction.save(change);
    transaction.commit();
  }
  void issue(std::uint64_t id, std::uint64_t chunk, std::uint64_t server,
             const std::string& candidates = "") {
    save({CommandIssued{{.id = CommandId(id),
                         .epoch = Epoch(1),
                         .kind = CommandKind::kReplicate,
                         .reason = Reason::kRepair,
                         .chunk = ChunkId(chunk),
                         .version = ChunkVersion(3),
                         .size = Bytes(10),
                         .server = ServerId(server),
                         .storage = storage_of(server),
                         .source = ServerId(1),
                         .because = "one of two",
                         .candidates = candidates}}});
  }
  void close(std::uint64_t id) { save({CommandClosed{CommandId(id), CommandEnd::kDone, "well"}}); }

  /// A day in which the rebalancer runs, its house is kept every hour, and `wall` means nothing.
  void live(Duration time) {
    for (Duration past{0}; past < time; past += 1h) {
      running_ += 1h;
      save({});
      store_.prune(kThirtyDays, 1000);
    }
  }
  std::vector<std::uint64_t> kept() {
    std::vector<std::uint64_t> ids;
    for (const Decision& decision : store_.decisions_about(ServerId(1), 1000)) {
      ids.push_back(decision.command.value());
    }
    return ids;
  }

  TempDir dir_;
  Store store_{dir_.path() / "r.db", sqlite::schema_directory("rebalancer"), "evenkeel"};
  Duration running_{0};
};

TEST_F(Decisions, ComeBackAsTheyWereMade) {
  issue(1, 7, 2, R"([[4,"same host"],[3,612000]])");
  close(1);
  const auto decision = store_.decision(CommandId(1));
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->chunk, ChunkId(7));
  EXPECT_EQ(decision->server, ServerId(2));
  EXPECT_EQ(decision->source, ServerId(1));
  EXPECT_FALSE(decision->drop);
  EXPECT_EQ(decision->reason, Reason::kRepair);
  EXPECT_EQ(decision->because, "one of two");
  EXPECT_EQ(decision->state, "done");
  EXPECT_EQ(decision->why, "well");
  EXPECT_EQ(decision->closed, Timestamp(Duration(7)));
  ASSERT_EQ(decision->others.size(), 2U);
  EXPECT_EQ(decision->others[0].server, ServerId(4));
  EXPECT_THAT(decision->others[0].refusals, testing::ElementsAre("same host"));
  EXPECT_EQ(decision->others[1].server, ServerId(3));
  EXPECT_EQ(decision->others[1].use_ppm, 612'000U);
  EXPECT_TRUE(decision->others[1].refusals.empty());
  EXPECT_FALSE(store_.decision(CommandId(2)));
}

TEST_F(Decisions, AboutAChunkAreFoundNewestFirst) {
  for (std::uint64_t id = 1; id <= 400; ++id) issue(id, 1 + id % 200, 2 + id % 3);
  std::vector<std::uint64_t> ids;
  for (const Decision& decision : store_.decisions_about(ChunkId(65), 10)) {
    EXPECT_EQ(decision.chunk, ChunkId(65));
    ids.push_back(decision.command.value());
  }
  EXPECT_THAT(ids, testing::ElementsAre(264, 64));
  EXPECT_EQ(store_.decisions_about(ChunkId(65), 1).size(), 1U);
}

TEST_F(Decisions, AboutAChunkAreNotSearchedForAmongAll) {
  sqlite::Database reader(dir_.path() / "r.db", sqlite::OpenMode::kReadOnly);
  sqlite::Statement plan(reader,
                         "EXPLAIN QUERY PLAN SELECT command_id FROM command "
                         "WHERE chunk_id % 64 = ?1 % 64 AND +chunk_id = ?1 "
                         "ORDER BY command_id DESC LIMIT ?2");
  plan.open(5, 10);
  ASSERT_TRUE(plan.step());
  EXPECT_THAT(plan.text(3), testing::HasSubstr("SEARCH command USING COVERING INDEX"));
  EXPECT_FALSE(plan.step()) << plan.text(3);
}

TEST_F(Decisions, AboutAServerAreThoseInWhichItTakesPart) {
  issue(1, 1, 2);
  issue(2, 1, 3);
  const auto of_two = store_.decisions_about(ServerId(2), 10);
  ASSERT_EQ(of_two.size(), 1U);
  EXPECT_EQ(of_two[0].command, CommandId(1));
  EXPECT_EQ(store_.decisions_about(ServerId(1), 10).size(), 2U) << "as a source";
}

TEST_F(Decisions, AreKeptForThirtyDaysOfRunning) {
  issue(1, 1, 2);
  issue(2, 2, 2);
  close(1);
  live(24h * 15);
  issue(3, 1, 3);
  close(3);
  live(24h * 14);
  EXPECT_THAT(kept(), testing::ElementsAre(3, 2, 1));
  live(24h * 2);
  EXPECT_THAT(kept(), testing::ElementsAre(3, 2)) << "what is open stays";
  close(2);
  live(2h);
  EXPECT_THAT(kept(), testing::ElementsAre(3));
  live(24h * 15);
  EXPECT_THAT(kept(), testing::ElementsAre());
}

TEST_F(Decisions, AreBoundedInNumberToo) {
  for (std::uint64_t id = 1; id <= 50; ++id) {
    issue(id, 1, 2);
    close(id);
  }
  EXPECT_TRUE(store_.prune({.decisions = 720h, .rows = 10}, 20));
  EXPECT_EQ(kept().size(), 30U) << "a bounded number at a time";
  while (store_.prune({.decisions = 720h, .rows = 10}, 20)) {}
  EXPECT_EQ(kept().size(), 11U);
}

}  // namespace
}  // namespace evenkeel
