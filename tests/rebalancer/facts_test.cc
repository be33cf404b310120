#include "tests/rebalancer/cluster_builder.h"

namespace evenkeel {
namespace {

constexpr const char* kThree = R"(
     s1 A/1 1000
     s2 B/2 1000
     s3 C/3 1000
     c1 2 10 = s1 s2)";

MemberChanged changed(const Cluster& cluster, Member member) {
  return {storage_of(99), EventNumber(cluster.view().membership_number().value() + 1),
          MemberEventKind::kUpdated, std::move(member)};
}
Member member_with(const Cluster& cluster, std::uint64_t server, Liveness liveness) {
  Member member = cluster.server(server).member;
  member.liveness = liveness;
  return member;
}

TEST(Membership, ADeadServersReplicasNoLongerCount) {
  Cluster cluster(kThree);
  cluster.take(changed(cluster, member_with(cluster, 2, Liveness::kDead)));
  EXPECT_EQ(cluster.view().count(cluster.chunk(1)).valid, 1);
  EXPECT_EQ(plan_of(cluster), "c1: s1 -> s3 repair");
}

TEST(Membership, WhoComesBackCountsOnlyOnceItHasReported) {
  Cluster cluster(kThree);
  cluster.take(changed(cluster, member_with(cluster, 2, Liveness::kDead)));
  cluster.take(changed(cluster, member_with(cluster, 2, Liveness::kAlive)));
  EXPECT_EQ(cluster.view().count(cluster.chunk(1)).valid, 1);
  cluster.take(cluster.report(2, "c1", 9));
  EXPECT_EQ(cluster.view().count(cluster.chunk(1)).valid, 2);
}

TEST(Membership, AReportTakenInWhileDeadIsNotTheOneThatIsWantedAfterwards) {
  Cluster cluster(kThree);
  cluster.take(changed(cluster, member_with(cluster, 2, Liveness::kDead)));
  EXPECT_TRUE(cluster.take(cluster.report(2, "c1", 9)).empty());
  cluster.take(changed(cluster, member_with(cluster, 2, Liveness::kAlive)));
  EXPECT_EQ(cluster.server(2).standing, Standing::kRegistering);
}

TEST(Membership, NewsOfAnOldIncarnationIsNone) {
  Cluster cluster(kThree);
  Member newer = member_with(cluster, 2, Liveness::kAlive);
  newer.incarnation = Incarnation(7);
  cluster.take(changed(cluster, newer));
  Member old = newer;
  old.incarnation = Incarnation(6);
  old.liveness = Liveness::kDead;
  cluster.take(changed(cluster, old));
  EXPECT_EQ(cluster.server(2).member, newer);
}

TEST(Membership, AnotherStorageIsEmpty) {
  Cluster cluster(std::string(kThree) + "\nc1: delete s2");
  Member other = member_with(cluster, 2, Liveness::kAlive);
  other.storage = storage_of(2, 'T');
  cluster.take(changed(cluster, other));
  EXPECT_EQ(cluster.holders(1), "s1");
  EXPECT_TRUE(cluster.open().empty()) << "nobody can execute a delete on a storage that is gone";
}

TEST(Membership, OneDiskUnderTwoNamesCountsOnce) {
  Cluster cluster(kThree);
  Member twin = member_of(7, "D/7", 1000);
  twin.storage = storage_of(1);
  cluster.take(changed(cluster, twin));
  EXPECT_EQ(cluster.view().find(ServerId(7)), nullptr);
}

TEST(Membership, DeletesWaitForADeadServerAndNothingElseDoes) {
  Cluster cluster(R"(
     s1 A/1 1000
     s2 B/2 1000
     s3 C/3 1000
     c1 1 10 = s1 s2
     c2 2 10 = s1
     c1: delete s2
     c2: s1 -> s2)");
  cluster.take(changed(cluster, member_with(cluster, 2, Liveness::kDead)));
  ASSERT_EQ(cluster.open().size(), 1U);
  EXPECT_EQ(cluster.open()[0].kind, CommandKind::kDelete);
}

TEST(Snapshot, WhoIsMissingIsSuspectAndThenDead) {
  Cluster cluster(kThree);
  const MembersListed listed{
      storage_of(99), EventNumber(5), {cluster.server(1).member, cluster.server(3).member}};
  cluster.take(listed);
  EXPECT_EQ(cluster.server(2).member.liveness, Liveness::kSuspect);
  cluster.take(listed);
  EXPECT_EQ(cluster.server(2).member.liveness, Liveness::kDead);
}

TEST(Snapshot, AServerOrAStorageThatIsListedTwiceIsTakenOnce) {
  Cluster cluster(kThree);
  Member fourth = member_of(4, "D/4", 1000), fifth = member_of(5, "E/5", 1000);
  fifth.storage = fourth.storage;
  cluster.take(MembersListed{storage_of(99), EventNumber(5), {fourth, fourth, fifth}});
  EXPECT_NE(cluster.view().find(ServerId(4)), nullptr);
  EXPECT_EQ(cluster.view().find(ServerId(5)), nullptr);
}

TEST(Inventory, UnknownChunksAreAdopted) {
  Cluster cluster(kThree);
  cluster.take(cluster.report(3, "c8", 9));
  EXPECT_EQ(cluster.holders(8), "s3");
  EXPECT_EQ(cluster.chunk(8).goal, cluster.limits().default_goal);
}

TEST(Inventory, WhatIsNotListedIsNotThere) {
  Cluster cluster(kThree);
  cluster.take(cluster.report(2, "", 9));
  EXPECT_EQ(cluster.holders(1), "s1");
}

TEST(Inventory, OlderVersionsAreStaleWithTheVersionTheyHaveNow) {
  Cluster cluster(kThree);
  cluster.take(cluster.report(3, "c1@1", 9));
  EXPECT_EQ(cluster.holders(1), "s1 s2 s3:stale");
  cluster.take(cluster.report(3, "c1@2", 10));
  const Chunk chunk = cluster.chunk(1);
  EXPECT_EQ(cluster.view().version_of(chunk, *cluster.view().replica(chunk, ServerId(3))),
            ChunkVersion(2));
}

TEST(Inventory, AHigherVersionMakesTheOthersStale) {
  Cluster cluster(kThree);
  cluster.take(cluster.report(3, "c1@4", 9));
  EXPECT_EQ(cluster.holders(1), "s1:stale s2:stale s3");
  EXPECT_EQ(cluster.chunk(1).version, ChunkVersion(4));
}

TEST(Inventory, AHigherVersionEndsWhatIsUnderWayForTheOldOne) {
  Cluster cluster(R"(
     s1 A/1 1000
     s2 B/2 1000
     s3 C/3 1000
     c1 3 10 = s1 s2:suspect
     c1: s1 -> s3)");
  cluster.apply(cluster.planned());
  ASSERT_EQ(cluster.open().size(), 2U);
  const CommandRecord check = cluster.open()[1];
  ASSERT_EQ(check.kind, CommandKind::kVerify);
  cluster.take(cluster.report(2, "c1@4", 9));
  EXPECT_TRUE(cluster.open().empty());
  cluster.take(cluster.ack(check, Outcome::kFailed, Why::kVersion));
  EXPECT_EQ(cluster.holders(1), "s1:stale s2");
}

TEST(Inventory, ADamagedReplicaProvesNoVersion) {
  Cluster cluster(kThree);
  const Changes changes = cluster.take(cluster.report(3, "c1@9!", 9));
  EXPECT_EQ(cluster.holders(1), "s1 s2 s3:corrupt");
  EXPECT_EQ(cluster.chunk(1).version, ChunkVersion(3));
  for (const Change& change : changes) {
    if (const auto* added = std::get_if<ReplicaAdded>(&change)) {
      EXPECT_EQ(added->version, ChunkVersion(3));
    }
  }
}

/// Seed 670286: its replica was in the map with the version before, and nothing corrected that.
TEST(Inventory, WhoseDamagedReplicaMayHaveClaimedTheNewVersionIsAskedAgain) {
  Cluster cluster(kThree);
  cluster.take(cluster.report(3, "c1@9!", 9));
  EXPECT_TRUE(cluster.view().inventories_wanted().empty());
  cluster.take(cluster.report(2, "c1@9", 9));
  ASSERT_EQ(cluster.holders(1), "s1:stale s2 s3:stale");
  cluster.apply(cluster.planned());
  const std::vector<CommandRecord> open = cluster.open();
  const auto asked = std::ranges::find(open, CommandKind::kReport, &CommandRecord::kind);
  ASSERT_NE(asked, open.end());
  EXPECT_EQ(asked->server, ServerId(3));
  cluster.take(cluster.report(3, "c1@9!", 10));
  EXPECT_EQ(cluster.holders(1), "s1:stale s2 s3:corrupt");
  EXPECT_TRUE(cluster.view().inventories_wanted().empty());
}

/// What is remembered of a server since its last full inventory has a bound.
TEST(Inventory, IsAskedForOnceMuchHasHappenedSinceTheLast) {
  constexpr std::uint64_t kChunks = 1001;  // 500, and half of what it holds then
  std::string drawing = "s1 A/1 100000\ns2 B/2 100000\n";
  for (std::uint64_t c = 1; c <= kChunks; ++c) drawing += "c" + std::to_string(c) + " 1 10 = s1\n";
  Cluster cluster(drawing);
  std::string all;
  for (std::uint64_t c = 1; c <= kChunks; ++c) {
    ASSERT_TRUE(cluster.view().inventories_wanted().empty()) << c;
    cluster.apply({ReplicaAdded{ChunkId(c), ServerId(2), ReplicaState::kValid, ChunkVersion(3),
                                JournalNumber(100 + c)}});
    all += (c == 1 ? "c" : " c") + std::to_string(c);
  }
  const auto asked_of_2 = [&] {
    const std::vector<CommandRecord> open = cluster.open();
    return std::ranges::count_if(open, [](const CommandRecord& command) {
      return command.kind == CommandKind::kReport && command.server == ServerId(2);
    });
  };
  cluster.apply(cluster.planned());
  EXPECT_EQ(asked_of_2(), 1);
  cluster.apply(cluster.planned());
  EXPECT_EQ(asked_of_2(), 1) << "asked twice at once";
  cluster.take(cluster.report(2, all, 100 + kChunks));
  EXPECT_TRUE(cluster.view().find(ServerId(2))->effects.empty());
  EXPECT_TRUE(cluster.view().inventories_wanted().empty());
}

/// All of them are to go, and a delete takes the version that it names and no other.
TEST(Inventory, OfARetiredChunkADamagedReplicaCountsWithTheVersionThatItClaims) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000\nc1 2 10 retired = s1 s2");
  cluster.take(cluster.report(1, "c1@9!", 9));
  const Chunk chunk = cluster.chunk(1);
  EXPECT_EQ(cluster.view().version_of(chunk, *cluster.view().replica(chunk, ServerId(1))),
            ChunkVersion(9));
  EXPECT_EQ(cluster.view().version_of(chunk, *cluster.view().replica(chunk, ServerId(2))),
            ChunkVersion(3));
}

TEST(Inventory, AnotherSizeIsDamage) {
  Cluster cluster(kThree);
  InventoryRead whole = cluster.report(2, "c1", 9);
  whole.rows[0].content_age = Duration(0);
  cluster.take(whole);
  InventoryRead read = cluster.report(1, "c1", 9);
  read.rows[0].content.size = Bytes(9);
  cluster.take(read);
  EXPECT_EQ(cluster.holders(1), "s1:corrupt s2");
}

/// A database that was lost learns of a chunk from whoever reports first: here from one that was
/// cut short, and that nobody has read.
TEST(Inventory, WhoeverHasReadItKnowsItsSize) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000\ns3 C/3 1000");
  const auto report = [&](std::uint64_t server, std::uint64_t number, std::uint64_t size,
                          bool was_read) {
    InventoryRead read = cluster.report(server, "c1", number);
    read.rows[0].content.size = Bytes(size);
    if (was_read) read.rows[0].content_age = Duration(0);
    cluster.take(read);
  };
  report(1, 9, 4, false);
  EXPECT_EQ(cluster.holders(1), "s1");
  report(2, 9, 10, false);
  EXPECT_EQ(cluster.holders(1), "s1 s2:suspect") << "nobody has read either";
  report(3, 9, 10, true);
  EXPECT_EQ(cluster.chunk(1).size, Bytes(10));
  EXPECT_EQ(cluster.holders(1), "s1:suspect s2:suspect s3");
  report(1, 10, 4, true);
  EXPECT_EQ(cluster.chunk(1).size, Bytes(10)) << "one that was read has that size";
  EXPECT_EQ(cluster.holders(1), "s1:corrupt s2:suspect s3");
}

/// A database that was restored gives numbers out twice. What bears the number of a chunk and is
/// another may be all that there is of it.
TEST(Inventory, OtherBytesAreNoReplicaAndAreLeftAloneWhateverBefellThem) {
  for (const char* rows : {"c1", "c1!"}) {
    Cluster cluster(kThree);
    InventoryRead read = cluster.report(2, rows, 9);
    read.rows[0].content.checksum = checksum_of(55);
    cluster.take(read);
    EXPECT_EQ(cluster.holders(1), "s1");
    cluster.take(cluster.report(2, "c1", 10));
    EXPECT_EQ(cluster.holders(1), "s1 s2");
  }
}

TEST(Inventory, DamagedAndThenWholeIsReadBeforeItIsBelieved) {
  Cluster cluster(kThree);
  cluster.take(cluster.report(2, "c1!", 9));
  cluster.take(cluster.report(2, "c1", 10));
  EXPECT_EQ(cluster.holders(1), "s1 s2:suspect");
}

TEST(Inventory, AReportFromBeforeAnEffectIsNoNewsOfIt) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000\nc1 2 10 = s1\nc1: s1 -> s2");
  const auto done = cluster.ack(cluster.open()[0]);
  cluster.take(done);
  ASSERT_EQ(cluster.holders(1), "s1 s2");
  cluster.take(cluster.report(2, "", 9, done.result.journal.value() - 1));
  EXPECT_EQ(cluster.holders(1), "s1 s2");
  cluster.take(cluster.report(2, "", 10, done.result.journal.value()));
  EXPECT_EQ(cluster.holders(1), "s1");
}

TEST(Inventory, AReportFromBeforeACopyInPlaceDoesNotMakeItCorruptAgain) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000\nc1 2 10 = s1 s2:corrupt\nc1: s1 -> s2");
  const auto done = cluster.ack(cluster.open()[0]);
  cluster.take(done);
  ASSERT_EQ(cluster.holders(1), "s1 s2");
  cluster.take(cluster.report(2, "c1!", 9, done.result.journal.value() - 1));
  EXPECT_EQ(cluster.holders(1), "s1 s2");
}

TEST(Inventory, AReportFromBeforeADeleteDoesNotBringItBack) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000\nc1 1 10 = s1 s2\nc1: delete s2");
  const auto done = cluster.ack(cluster.open()[0]);
  cluster.take(done);
  cluster.take(cluster.report(2, "c1", 9, done.result.journal.value() - 1));
  EXPECT_EQ(cluster.holders(1), "s1");
}

TEST(Inventory, ProvesCopies) {
  Cluster cluster(R"(
     s1 A/1 1000
     s2 B/2 1000
     c2 2 10 = s1
     c2: s1 -> s2)");
  cluster.take(cluster.report(2, "c2", 9));
  EXPECT_TRUE(cluster.open().empty());
  EXPECT_EQ(cluster.holders(2), "s1 s2");
}

TEST(Inventory, DoesNotProveThatADeleteIsNotStillOnItsWay) {
  Cluster cluster(R"(
     s1 A/1 1000
     s2 B/2 1000
     c1 1 10 = s1 s2
     c1: delete s2)");
  cluster.take(cluster.report(2, "", 9));
  EXPECT_EQ(cluster.holders(1), "s1") << "whatever took it";
  ASSERT_EQ(cluster.open().size(), 1U) << "it would take the copy that came in its place";
  const auto late = cluster.ack(cluster.open()[0], Outcome::kFailed, Why::kMissing);
  cluster.take(late);
  EXPECT_TRUE(cluster.open().empty());
  EXPECT_EQ(cluster.holders(1), "s1");
}

TEST(Inventory, AStretchOfAnotherRunOrStorageIsNoNews) {
  Cluster cluster(kThree);
  const InventoryRead old = cluster.report(2, "", 9);
  Member member = member_with(cluster, 2, Liveness::kAlive);
  member.incarnation = Incarnation(2);
  cluster.take(changed(cluster, member));
  EXPECT_TRUE(cluster.take(old).empty());
  const InventoryRead current = cluster.report(2, "c1", 9);
  member.storage = storage_of(2, 'T');
  cluster.take(changed(cluster, member));
  EXPECT_TRUE(cluster.take(current).empty());
  EXPECT_EQ(cluster.holders(1), "s1");
}

InventoryRead news(const Cluster& cluster, const std::string& rows, std::uint64_t number,
                   std::vector<std::pair<ChunkId, ChunkVersion>> gone = {}) {
  InventoryRead read = cluster.report(2, rows, number);
  read.full = false;
  read.listed.clear();
  read.gone = std::move(gone);
  return read;
}

/// As of that number of the journal.
InventoryRead at(InventoryRead read, std::uint64_t journal) {
  read.journal = JournalNumber(journal);
  return read;
}

TEST(Inventory, WhatIsGoneIsGoneInThatVersionOnly) {
  Cluster cluster(kThree);
  cluster.take(news(cluster, "", 9, {{ChunkId(1), ChunkVersion(2)}}));
  EXPECT_EQ(cluster.holders(1), "s1 s2");
  cluster.take(news(cluster, "c1@4", 10, {{ChunkId(1), ChunkVersion(3)}}));
  EXPECT_EQ(cluster.holders(1), "s1:stale s2");
  cluster.take(news(cluster, "", 11, {{ChunkId(1), ChunkVersion(4)}}));
  EXPECT_EQ(cluster.holders(1), "s1:stale");
}

TEST(Inventory, WhatIsGoneInSeveralVersionsIsGoneInTheOneThatIsKnown) {
  Cluster cluster(kThree);
  cluster.take(
      news(cluster, "", 9, {{ChunkId(1), ChunkVersion(2)}, {ChunkId(1), ChunkVersion(3)}}));
  EXPECT_EQ(cluster.holders(1), "s1");
}

TEST(Inventory, AReportOfChangesIsTakenOnce) {
  Cluster cluster(kThree);
  const InventoryRead gone = news(cluster, "", 9, {{ChunkId(1), ChunkVersion(3)}});
  cluster.take(gone);
  cluster.take(news(cluster, "c1", 10));
  EXPECT_EQ(cluster.holders(1), "s1 s2");
  EXPECT_TRUE(cluster.take(gone).empty());
  EXPECT_EQ(cluster.holders(1), "s1 s2");
}

TEST(Inventory, IsAcceptableByNumberBasisStorageRunAndJournal) {
  Cluster cluster(kThree);
  const Server& server = cluster.server(2);  // inventory 2 was taken
  const Inventory good{.from = {ServerId(2), Incarnation(1), storage_of(2), Epoch(5)},
                       .number = InventoryNumber(3),
                       .basis = std::nullopt,
                       .journal = JournalNumber(0)};
  EXPECT_TRUE(acceptable(server, good));
  Inventory other = good;
  other.number = InventoryNumber(2);
  EXPECT_FALSE(acceptable(server, other)) << "taken before";
  other = good;
  other.from.incarnation = Incarnation(2);
  EXPECT_FALSE(acceptable(server, other));
  other = good;
  other.from.storage = storage_of(2, 'T');
  EXPECT_FALSE(acceptable(server, other));
  other = good;
  other.basis = InventoryNumber(2);
  EXPECT_TRUE(acceptable(server, other));
  other.basis = InventoryNumber(1);
  EXPECT_FALSE(acceptable(server, other)) << "what changed between 1 and 2 would be missing";
  Server acked = server;
  acked.report_floor = JournalNumber(50);
  EXPECT_FALSE(acceptable(acked, good));
  other = good;
  other.journal = JournalNumber(50);
  EXPECT_TRUE(acceptable(acked, other));
}

TEST(Ack, ARepeatedOneIsNoNews) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000\nc1 2 10 = s1\nc1: s1 -> s2");
  const auto done = cluster.ack(cluster.open()[0]);
  cluster.take(done);
  EXPECT_TRUE(cluster.take(done).empty());
}

TEST(Ack, OfACopyThatComesLateDoesNotBringBackWhatIsGoneOrMendWhatIsDamaged) {
  const char* copying = "s1 A/1 1000\ns2 B/2 1000\nc1 2 10 = s1\nc1: s1 -> s2";
  Cluster gone(copying);
  auto done = gone.ack(gone.open()[0]);
  done.result.journal = JournalNumber(5);
  gone.take(at(news(gone, "", 9, {{ChunkId(1), ChunkVersion(3)}}), 6));
  gone.take(done);
  EXPECT_EQ(gone.holders(1), "s1");
  EXPECT_TRUE(gone.open().empty());

  Cluster damaged(copying);
  done = damaged.ack(damaged.open()[0]);
  done.result.journal = JournalNumber(5);
  damaged.take(at(news(damaged, "c1!", 9), 6));
  damaged.take(done);
  EXPECT_EQ(damaged.holders(1), "s1 s2:corrupt");

  Cluster reported(copying);
  done = reported.ack(reported.open()[0]);
  done.result.journal = JournalNumber(5);
  reported.take(reported.report(2, "", 9, 6));
  reported.take(done);
  EXPECT_EQ(reported.holders(1), "s1");

  Cluster before(copying);
  done = before.ack(before.open()[0]);
  done.result.journal = JournalNumber(5);
  before.take(at(news(before, "", 9, {{ChunkId(1), ChunkVersion(3)}}), 4));
  before.take(done);
  EXPECT_EQ(before.holders(1), "s1 s2") << "copied after that";
}

TEST(Ack, OfACommandNeverIssuedHoldsDeletesUntilAllHaveReportedAnew) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000\nc1 2 10 = s1\nc1: s1 -> s2");
  auto done = cluster.ack(cluster.open()[0]);
  const Epoch before = cluster.view().epoch();
  done.result.command = CommandId(cluster.view().next_command().value() + 7);
  cluster.take(done);
  EXPECT_TRUE(cluster.view().deletes_held().has_value());
  EXPECT_GT(cluster.view().next_command(), done.result.command);
  EXPECT_GT(cluster.view().epoch(), before);
  cluster.take(TimePassed{});
  EXPECT_TRUE(cluster.view().deletes_held().has_value());
  cluster.take(cluster.report(1, "c1", 9));
  cluster.take(cluster.report(2, "", 9));
  cluster.take(TimePassed{});
  EXPECT_FALSE(cluster.view().deletes_held().has_value());
}

TEST(Inventory, AMoveThatAReportProvesMakesTheOldPlaceSurplusToo) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000\nc1 1 10 = s1\nc1: s1 -> s2 drop s1");
  cluster.take(cluster.report(2, "c1", 9));
  EXPECT_EQ(cluster.holders(1), "s1:surplus s2");
}

TEST(Ack, OfAnotherStorageIsNoNews) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000\nc1 2 10 = s1\nc1: s1 -> s2");
  auto done = cluster.ack(cluster.open()[0]);
  done.from.storage = storage_of(2, 'T');
  EXPECT_TRUE(cluster.take(done).empty());
}

TEST(Ack, ASourceThatIsBlamedIsSuspect) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000\nc1 2 10 = s1\nc1: s1 -> s2");
  cluster.take(cluster.ack(cluster.open()[0], Outcome::kFailed, Why::kNoSource,
                           {{ServerId(1), Fault::kCorrupt}}));
  EXPECT_EQ(cluster.holders(1), "s1:suspect");
}

TEST(Ack, ASourceThatCouldNotBeReachedIsNot) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000\nc1 2 10 = s1\nc1: s1 -> s2");
  cluster.take(cluster.ack(cluster.open()[0], Outcome::kFailed, Why::kNoSource,
                           {{ServerId(1), Fault::kUnreachable}}));
  EXPECT_EQ(cluster.holders(1), "s1");
}

TEST(Ack, NoSpaceMakesAServerFullForAWhile) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000\ns3 C/3 1000\nc1 2 10 = s1\nc1: s1 -> s2");
  cluster.take(cluster.ack(cluster.open()[0], Outcome::kFailed, Why::kNoSpace));
  EXPECT_EQ(plan_of(cluster), "c1: s1 -> s3 repair");
}

TEST(Ack, AMoveThatIsDoneMakesTheOldPlaceSurplus) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000\nc1 1 10 = s1\nc1: s1 -> s2 drop s1");
  cluster.take(cluster.ack(cluster.open()[0]));
  EXPECT_EQ(cluster.holders(1), "s1:surplus s2");
  EXPECT_EQ(plan_of(cluster), "delete c1 on s1 [s2]");
}

TEST(Ack, AVerifyThatIsDoneClearsASuspectAndOneThatFailsCondemnsIt) {
  for (const auto& [outcome, why, after] :
       {std::tuple{Outcome::kDone, Why::kNone, "s1 s2"},
        std::tuple{Outcome::kFailed, Why::kCorrupt, "s1 s2:corrupt"},
        std::tuple{Outcome::kFailed, Why::kMissing, "s1"}}) {
    Cluster cluster("s1 A/1 1000\ns2 B/2 1000\nc1 2 10 = s1 s2:suspect");
    cluster.apply(cluster.planned());
    cluster.take(cluster.ack(cluster.open()[0], outcome, why));
    EXPECT_EQ(cluster.holders(1), after);
  }
}

/// The copy that was to take its place may have, and its own acknowledgement be late.
TEST(Ack, AVerifyThatClearsASuspectEndsTheCopyToIt) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000\nc1 2 10 = s1 s2:corrupt\nc1: s1 -> s2");
  cluster.take(cluster.report(2, "c1", 9));
  ASSERT_EQ(cluster.holders(1), "s1 s2:suspect");
  cluster.apply(cluster.planned());
  ASSERT_EQ(cluster.open().size(), 2U);
  ASSERT_EQ(cluster.open()[1].kind, CommandKind::kVerify);
  cluster.take(cluster.ack(cluster.open()[1]));
  EXPECT_EQ(cluster.holders(1), "s1 s2");
  EXPECT_TRUE(cluster.open().empty());
}

TEST(Ack, ADeleteRemovesTheVersionThatItNamesAndNoOther) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000\nc1 1 10 = s1 s2\nc1: delete s2");
  cluster.take(cluster.report(2, "c1@4", 9, 50));
  cluster.take(cluster.ack(cluster.open()[0]));
  EXPECT_EQ(cluster.holders(1), "s1:stale s2");
}

TEST(Ack, ACopyWhoseSourceDiedMeanwhileCounts) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000\nc1 2 10 = s1\nc1: s1 -> s2");
  cluster.take(changed(cluster, member_with(cluster, 1, Liveness::kDead)));
  ASSERT_EQ(cluster.open().size(), 1U);
  cluster.take(cluster.ack(cluster.open()[0]));
  EXPECT_EQ(cluster.view().count(cluster.chunk(1)).valid, 1);
}

CopyDoneAfterAll after_all(std::uint64_t server, std::uint64_t journal, std::uint64_t version = 3) {
  return {ServerId(server), storage_of(server), ChunkId(1), ChunkVersion(version),
          JournalNumber(journal)};
}

TEST(CopyAfterAll, IsAReplicaLikeAnyOther) {
  Cluster cluster(kThree);
  cluster.take(after_all(3, 7));
  EXPECT_EQ(cluster.holders(1), "s1 s2 s3");
  EXPECT_TRUE(cluster.take(after_all(3, 7)).empty()) << "it is said again";
}

TEST(CopyAfterAll, OfAnOldVersionIsStaleAndOfAReplacedStorageNothing) {
  Cluster cluster(kThree);
  EXPECT_TRUE(cluster
                  .take(CopyDoneAfterAll{ServerId(3), storage_of(3, 'T'), ChunkId(1),
                                         ChunkVersion(3), JournalNumber(7)})
                  .empty());
  cluster.take(after_all(3, 7, 2));
  EXPECT_EQ(cluster.holders(1), "s1 s2 s3:stale");
}

TEST(CopyAfterAll, EndsAnotherCopyToTheSamePlace) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000\ns3 C/3 1000\nc1 2 10 = s1\nc1: s1 -> s3");
  cluster.take(after_all(3, 7));
  EXPECT_TRUE(cluster.open().empty());
  EXPECT_EQ(cluster.holders(1), "s1 s3");
}

TEST(CopyAfterAll, SaidAgainAfterItsDeleteDoesNotBringItBack) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000\ns3 C/3 1000\nc1 2 10 = s1 s2 s3\nc1: delete s3");
  cluster.take(cluster.ack(cluster.open()[0]));  // with a journal number above 100
  ASSERT_EQ(cluster.holders(1), "s1 s2");
  EXPECT_TRUE(cluster.take(after_all(3, 7)).empty());
  cluster.take(cluster.report(3, "", 9, 500));
  EXPECT_TRUE(cluster.take(after_all(3, 7)).empty()) << "a report from after it has told";
}

TEST(CopyAfterAll, AfterAStartOnlyWhatWasNotAcknowledgedBeforeIsNews) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000\ns3 C/3 1000 presumed\nc1 2 10 = s1 s2");
  cluster.take(JournalAcknowledged{ServerId(3), storage_of(3), JournalNumber(7)});
  EXPECT_TRUE(cluster.take(after_all(3, 7)).empty()) << "its delete may be forgotten";
  cluster.take(after_all(3, 8));
  EXPECT_EQ(cluster.holders(1), "s1 s2 s3");
}

TEST(CopyAfterAll, InThePlaceOfADamagedOneHasToBeRead) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000\ns3 C/3 1000\nc1 2 10 = s1 s2 s3:corrupt");
  cluster.take(after_all(3, 7));
  EXPECT_EQ(cluster.holders(1), "s1 s2 s3:suspect");
  EXPECT_TRUE(cluster.take(after_all(3, 7)).empty());
  Cluster old("s1 A/1 1000\ns2 B/2 1000\ns3 C/3 1000\nc1 2 10 = s1 s2 s3:stale");
  old.take(after_all(3, 7));
  EXPECT_EQ(old.holders(1), "s1 s2 s3");
}

AgentGreeted greeting(const Cluster& cluster, std::uint64_t server, std::uint64_t epoch,
                      std::optional<std::uint64_t> last) {
  const Member& member = cluster.server(server).member;
  return {{{member.server, member.incarnation, member.storage, Epoch(epoch)},
           JournalNumber(0),
           last ? std::optional(CommandId(*last)) : std::nullopt}};
}

TEST(Greeting, WhoHasSeenMoreThanWeHoldsDeletes) {
  Cluster cluster(kThree);
  cluster.take(greeting(cluster, 1, 77, 500));
  EXPECT_TRUE(cluster.view().deletes_held());
  EXPECT_EQ(cluster.view().epoch(), Epoch(78));
  EXPECT_GT(cluster.view().next_command(), CommandId(500));
}

/// A put that this database does not know to have ended may have: its owner counts on it.
TEST(Greeting, WhatIsBeingPutAndIsThereIsKeptAsOthersAreOnceSomeoneHasSeenMore) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000\nc1 2 10 creating =\nc2 2 10 creating =");
  cluster.take(cluster.report(1, "c1", 9));
  EXPECT_EQ(cluster.chunk(1).life, ChunkLife::kCreating);
  cluster.take(greeting(cluster, 1, 77, 500));
  cluster.take(cluster.report(1, "c1", 10));
  EXPECT_EQ(cluster.chunk(1).life, ChunkLife::kLive);
  EXPECT_EQ(cluster.chunk(2).life, ChunkLife::kCreating) << "it is nowhere";
}

TEST(Greeting, NumbersThatNobodyReachesAreNotFollowed) {
  Cluster cluster(kThree);
  constexpr std::uint64_t kMax = INT64_MAX;
  cluster.take(greeting(cluster, 1, kMax, kMax));
  EXPECT_TRUE(cluster.view().deletes_held());
  EXPECT_EQ(cluster.view().epoch(), Epoch(5));
}

TEST(Journal, OfAStorageThatWasReplacedIsNoNews) {
  Cluster cluster(kThree);
  Member other = member_with(cluster, 2, Liveness::kAlive);
  other.storage = storage_of(2, 'T');
  cluster.take(changed(cluster, other));
  EXPECT_TRUE(
      cluster.take(JournalAcknowledged{ServerId(2), storage_of(2), JournalNumber(9)}).empty());
  cluster.take(JournalAcknowledged{ServerId(2), other.storage, JournalNumber(4)});
  EXPECT_EQ(cluster.server(2).acked_journal, JournalNumber(4));
}

ChunksStored stored(std::uint64_t server, std::uint64_t journal) {
  return {{{ChunkId(1), ServerId(server), storage_of(server), JournalNumber(journal)}}};
}

TEST(Receipt, MakesAReplicaOfAChunkThatIsBeingPut) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000\nc1 2 10 creating =");
  cluster.take(stored(2, 5));
  EXPECT_EQ(cluster.holders(1), "s2");
  EXPECT_TRUE(cluster.take(stored(2, 5)).empty());
}

TEST(Receipt, ThatComesAgainDoesNotBringBackWhatWasMoved) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000\nc1 1 10 = s1");
  EXPECT_TRUE(cluster.take(stored(2, 5)).empty());
  Cluster put("s1 A/1 1000\ns2 B/2 1000\nc1 1 10 creating =");
  put.take(put.report(2, "", 9, 7));
  EXPECT_TRUE(put.take(stored(2, 5)).empty()) << "the report is newer, and does not list it";
}

/// The put is closed long after, and the file has come and gone meanwhile.
TEST(Receipt, ThatComesLateDoesNotBringBackWhatIsGone) {
  for (const bool was_seen : {true, false}) {
    Cluster cluster("s1 A/1 1000\ns2 B/2 1000\nc1 2 10 creating =");
    if (was_seen) cluster.take(at(news(cluster, "c1", 9), 5));
    EXPECT_EQ(cluster.holders(1), was_seen ? "s2" : "");
    cluster.take(at(news(cluster, "", 10, {{ChunkId(1), ChunkVersion(3)}}), 6));
    EXPECT_TRUE(cluster.take(stored(2, 5)).empty());
    EXPECT_EQ(cluster.holders(1), "");
    cluster.take(stored(2, 7));
    EXPECT_EQ(cluster.holders(1), "s2") << "stored once more";
  }
}

}  // namespace
}  // namespace evenkeel
