// What is kept counted for operators: that it follows what happens, also over restarts and hours.
// tests/rebalancer/world.h compares it with all rows, after histories that were drawn.
#include "services/rebalancer/watch.h"

#include <gmock/gmock.h>

#include "common/sqlite/migrate.h"
#include "services/rebalancer/rebalancer.h"
#include "tests/rebalancer/cluster_builder.h"
#include "tests/rebalancer/rows.h"
#include "tests/support/temp_dir.h"

namespace evenkeel {
namespace {

TEST(Loads, TellsOnlyWhatIsNew) {
  Cluster cluster(R"(
    s1 A/1 100
    s2 A/2 100
    s3 A/3 100
    c1 1 10 = s1
    c2 1 10 = s1)");
  Loads loads;
  EXPECT_EQ(loads.changed(cluster.view()).size(), 3U);
  EXPECT_TRUE(loads.changed(cluster.view()).empty());
  cluster.apply({ReplicaLost{ChunkId(1), ServerId(1), JournalNumber(0)}});
  const auto changed = loads.changed(cluster.view());
  ASSERT_EQ(changed.size(), 1U);
  EXPECT_EQ(changed[0].first, ServerId(1));
  EXPECT_EQ(changed[0].second.replicas, 1U);
  EXPECT_EQ(changed[0].second.used, Bytes(10));
}

TEST(Loads, CountsWhatRestsOnServersThatLeaveAndOnNoOther) {
  Cluster cluster(R"(
    s1 A/1 1000 draining
    s2 A/2 1000
    s3 A/3 1000 draining
    c1 1 10 = s1
    c2 1 20 = s1 s2
    c3 2 30 = s1 s2 s3)");
  Loads loads;
  std::map<ServerId, ServerLoad> told;
  for (const auto& [id, load] : loads.changed(cluster.view())) told[id] = load;
  EXPECT_EQ(told.at(ServerId(1)).left, (ServerLoad::Left{2, Bytes(40)}));
  EXPECT_EQ(told.at(ServerId(3)).left, (ServerLoad::Left{1, Bytes(30)}));
  EXPECT_EQ(told.at(ServerId(2)).left, std::nullopt);
  cluster.apply({ReplicaAdded{ChunkId(1), ServerId(2), ReplicaState::kValid, ChunkVersion(3),
                              JournalNumber(0)}});
  for (const auto& [id, load] : loads.changed(cluster.view())) told[id] = load;
  EXPECT_EQ(told.at(ServerId(1)).left, (ServerLoad::Left{1, Bytes(30)}));
  cluster.apply({ServerAdminSet{.server = ServerId(3), .admin = AdminState::kInService}});
  for (const auto& [id, load] : loads.changed(cluster.view())) told[id] = load;
  EXPECT_EQ(told.at(ServerId(3)).left, std::nullopt);
}

TEST(Loads, CountsLargeServersBitByBit) {
  std::string drawing = "s1 A/1 9000000 draining\ns2 A/2 9000000\n";
  constexpr std::uint64_t kChunks = Loads::kLooks + 5'000;
  Cluster cluster(drawing);
  Changes changes;
  for (std::uint64_t id = 1; id <= kChunks; ++id) {
    changes.push_back(ChunkAdded{
        {ChunkId(id), ChunkVersion(3), Bytes(1), checksum_of(id, 3)}, 1, ChunkLife::kLive});
    changes.push_back(ReplicaAdded{ChunkId(id), ServerId(1), ReplicaState::kValid, ChunkVersion(3),
                                   JournalNumber(0)});
  }
  cluster.apply(changes);
  Loads loads;
  const auto left = [&]() -> std::optional<ServerLoad::Left> {
    for (const auto& [id, load] : loads.changed(cluster.view())) {
      if (id == ServerId(1)) return load.left;
    }
    return std::nullopt;
  };
  EXPECT_EQ(left(), std::nullopt) << "not all of them at once";
  EXPECT_EQ(left(), (ServerLoad::Left{kChunks, Bytes(kChunks)}));
}

TEST(Loads, TellsOfManyServersInSeveralGoes) {
  std::string drawing;
  constexpr std::size_t kServers = 2 * Loads::kServers + 100;
  for (std::size_t i = 1; i <= kServers; ++i) drawing += "s" + std::to_string(i) + " A/1 100\n";
  Cluster cluster(drawing);
  Loads loads;
  std::set<ServerId> told;
  std::vector<std::size_t> goes;
  do {
    const auto changed = loads.changed(cluster.view());
    for (const auto& [id, load] : changed) told.insert(id);
    goes.push_back(changed.size());
  } while (loads.in_round());
  EXPECT_THAT(goes, testing::ElementsAre(Loads::kServers, Loads::kServers, 100));
  EXPECT_EQ(told.size(), kServers);
}

/// A rebalancer with three servers that hold a chunk of goal 3.
class WatchTest : public testing::Test {
 protected:
  WatchTest() { start(true); }

  void start(bool first) {
    rebalancer_.reset();
    store_.emplace(dir_.path() / "r.db", sqlite::schema_directory("rebalancer"), "evenkeel");
    rebalancer_.emplace(*store_, clock_, Limits{});
    const MembersListed listed = members_listed(3);
    rebalancer_->handle(std::vector<Event>{listed});
    ++reports_;
    for (const Member& member : listed.members) {
      InventoryRead read = full_inventory(member, reports_, 1, clock_.now());
      if (!first || member.server != ServerId(3)) {
        read.rows.push_back({{ChunkId(7), ChunkVersion(1), Bytes(100), checksum_of(7)},
                             ReplicaFinding::kOk,
                             Duration(0)});
        read.listed.push_back(ChunkId(7));
      }
      rebalancer_->handle(std::vector<Event>{read});
    }
    pass(Duration(0));
  }
  void pass(Duration time) {
    clock_.advance(time);
    rebalancer_->handle(std::vector<Event>{TimePassed{}});
  }
  void acknowledge_copy() {
    const auto& open = rebalancer_->view().in_flight();
    const auto found = std::find_if(open.begin(), open.end(), [](const auto& each) {
      return each.second.kind == CommandKind::kReplicate;
    });
    ASSERT_NE(found, open.end());
    const CommandRecord copy = found->second;
    rebalancer_->handle(std::vector<Event>{CommandAcknowledged{
        {copy.server, Incarnation(1), copy.storage, rebalancer_->view().epoch()},
        {.command = copy.id, .detail = "", .journal = JournalNumber(2), .blamed = {}}}});
  }
  std::string rows(const std::string& sql) { return rows_of(dir_.path() / "r.db", sql); }

  TempDir dir_;
  ManualClock clock_{Timestamp(std::chrono::hours(500'000))};
  std::optional<Store> store_;
  std::optional<Rebalancer> rebalancer_;
  std::uint64_t reports_ = 0;
};

TEST_F(WatchTest, TheStateIsThatOfTheCommit) {
  EXPECT_EQ(rows("mode || ' ' || chunks || ' ' || under_replicated || under_some || replicas "
                 "FROM cluster_state"),
            "running 1 1[7]2");
  EXPECT_EQ(rows("kind || ' ' || reason || ' ' || open || ' ' || open_bytes FROM command_totals "
                 "WHERE kind = 'replicate'"),
            "replicate repair 1 100");
}

TEST_F(WatchTest, DangerIsAddedUpOverRestarts) {
  pass(Duration(1500));
  EXPECT_EQ(rows("below_goal_chunk_ms || ' ' || at_risk_chunk_ms FROM cluster_state"), "1500 0");
  start(true);
  pass(1s);
  EXPECT_EQ(rows("below_goal_chunk_ms || '' FROM cluster_state"), "2500");
}

TEST_F(WatchTest, DangerThatOneCommitBeginsAndTheNextEndsIsAddedUp) {
  clock_.advance(Duration(700));
  acknowledge_copy();
  EXPECT_EQ(rows("healthy || ' ' || below_goal_chunk_ms FROM cluster_state"), "1 700");
  pass(1s);
  EXPECT_EQ(rows("below_goal_chunk_ms || '' FROM cluster_state"), "700") << "it is over";
}

TEST_F(WatchTest, WhatWasDoneIsCountedOverRestarts) {
  const auto copies = [&] {
    return rows(
        "open || ' ' || done || ' ' || done_bytes FROM command_totals "
        "WHERE kind = 'replicate'");
  };
  acknowledge_copy();
  EXPECT_EQ(copies(), "0 1 100");
  EXPECT_EQ(rows("healthy || '' FROM cluster_state"), "1");
  start(false);
  EXPECT_EQ(copies(), "0 1 100");
}

TEST_F(WatchTest, SamplesGetSparserWithAgeAndEnd) {
  for (int i = 0; i < 3 * 360; ++i) pass(10s);
  EXPECT_EQ(rows("count(*) || '' FROM risk_over_time WHERE at_ms > "
                 "(SELECT max(at_ms) FROM risk_over_time) - 3600000"),
            "360");
  EXPECT_EQ(rows("count(*) || '' FROM risk_over_time WHERE at_ms < "
                 "(SELECT max(at_ms) FROM risk_over_time) - 7200000"),
            "60");
  for (int i = 0; i < 31 * 24; ++i) pass(1h);
  EXPECT_EQ(rows("(max(at_ms) - min(at_ms) <= 30 * 86400000) || ' ' || (count(*) < 800) "
                 "FROM risk_over_time"),
            "1 1");
}

TEST_F(WatchTest, AClockThatIsSetBackLeavesNoSamplesOfTheFuture) {
  pass(1h);
  const std::string later = rows("max(at_ms) || '' FROM risk_over_time");
  clock_ = ManualClock(Timestamp(std::chrono::hours(499'000)));
  start(false);
  pass(10s);
  EXPECT_NE(rows("max(at_ms) || '' FROM risk_over_time"), later);
}

TEST_F(WatchTest, FilesAreCounted) {
  const auto files = [&] { return rows("files || '' FROM cluster_state"); };
  const auto ask = [&](Request request) {
    std::optional<Answer> answer;
    const std::vector<Asked> asked{{std::move(request), [&](Answer a) { answer = std::move(a); }}};
    rebalancer_->handle({}, asked);
    return std::move(answer).value();
  };
  const FileId file = std::get<PutOpened>(ask(PutOpen{"f", 1, Bytes(0)})).file;
  EXPECT_EQ(files(), "0");
  ask(PutClose{file, {}, true});
  EXPECT_EQ(files(), "1");
  ask(DeleteNamed{Named("f")});
  EXPECT_EQ(files(), "0");
}

}  // namespace
}  // namespace evenkeel
