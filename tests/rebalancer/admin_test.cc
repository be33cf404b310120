#include "services/rebalancer/core/admin.h"

#include <gmock/gmock.h>

#include "services/rebalancer/core/drained.h"
#include "tests/rebalancer/cluster_builder.h"

namespace evenkeel {
namespace {

using testing::HasSubstr;

constexpr const char* kFour = R"(
     s1 A/1 1000
     s2 B/2 1000
     s3 C/3 1000
     s4 D/4 1000
     c1 2 10 = s1 s2
     c2 2 10 = s2 s3)";

/// Takes what an operator asked for; the error in words if it was refused.
std::string asked(Cluster& cluster, const Result<Changes>& changes) {
  if (!changes) return to_string(changes.error().code) + (": " + changes.error().what);
  cluster.apply(*changes);
  return "";
}
std::string drained(Cluster& cluster, std::uint64_t server, AfterDrain after = AfterDrain::kStay) {
  return asked(cluster, drain(cluster.view(), ServerId(server), after));
}
AdminState admin_of(const Cluster& cluster, std::uint64_t server) {
  return cluster.server(server).admin;
}
void die(Cluster& cluster, std::uint64_t server) {
  Member member = cluster.server(server).member;
  member.liveness = Liveness::kDead;
  cluster.apply({ServerUpdated{member}});
}
/// Has every copy that is ordered made, until nothing more is.
void make_copies(Cluster& cluster) {
  for (int turn = 0; turn < 20; ++turn) {
    cluster.apply(cluster.planned());
    for (const CommandRecord& command : cluster.open()) cluster.take(cluster.ack(command));
  }
}

TEST(Drain, WhatTheServerHeldIsCopiedElsewhereAndThenItIsDrained) {
  Cluster cluster(kFour);
  EXPECT_EQ(drained(cluster, 2), "");
  EXPECT_EQ(admin_of(cluster, 2), AdminState::kDraining);
  EXPECT_TRUE(anything_rests_on(cluster.view(), *cluster.view().slot_of(ServerId(2))));
  cluster.take(TimePassed{});
  EXPECT_EQ(admin_of(cluster, 2), AdminState::kDraining) << "both chunks rest on it";
  make_copies(cluster);
  EXPECT_EQ(admin_of(cluster, 2), AdminState::kDraining) << "not before it was looked at";
  cluster.take(TimePassed{});
  EXPECT_EQ(admin_of(cluster, 2), AdminState::kDrained);
  EXPECT_TRUE(cluster.take(TimePassed{}).empty()) << "said once";
  EXPECT_THAT(cluster.holders(1), HasSubstr("s2")) << "it keeps what it has";
}

TEST(Drain, ItTakesNothingNew) {
  Cluster cluster(R"(
     s1 A/1 1000
     s2 B/2 1000
     s3 C/3 1000
     c1 2 10 = s1
     c1: s1 -> s2)");
  EXPECT_EQ(drained(cluster, 2), "");
  EXPECT_TRUE(cluster.open().empty()) << "the copy on its way to it is closed";
  EXPECT_EQ(plan_of(cluster), "c1: s1 -> s3 repair");
}

TEST(Drain, IsOverOnlyWhenTheCopiesAreThere) {
  Cluster cluster(kFour);
  drained(cluster, 2);
  cluster.apply(cluster.planned());
  ASSERT_FALSE(cluster.open().empty());
  cluster.take(TimePassed{});
  EXPECT_EQ(admin_of(cluster, 2), AdminState::kDraining) << "under way is not there";
}

TEST(Drain, WhoDiesWhileItIsDrainedHasNotBeenDrained) {
  Cluster cluster(kFour);
  drained(cluster, 2);
  die(cluster, 2);
  make_copies(cluster);
  cluster.take(TimePassed{});
  EXPECT_EQ(admin_of(cluster, 2), AdminState::kDraining);
}

TEST(Drain, WhatIsLeftOnOthersThatLeaveDoesNotCount) {
  Cluster cluster(R"(
     s1 A/1 1000
     s2 B/2 1000 draining
     s3 C/3 1000 draining
     c1 1 10 = s2 s3)");
  cluster.take(TimePassed{});
  EXPECT_EQ(admin_of(cluster, 2), AdminState::kDraining);
  make_copies(cluster);
  cluster.take(TimePassed{});
  EXPECT_EQ(admin_of(cluster, 2), AdminState::kDrained);
  EXPECT_EQ(admin_of(cluster, 3), AdminState::kDrained);
}

TEST(Drain, SuspectHoldersAndThoseThatHaveNotReportedAreNotLeantOn) {
  for (const char* state : {"suspect", "presumed"}) {
    Cluster cluster(std::string("s1 A/1 1000 ") + state + R"(
     s2 B/2 1000 draining
     c1 1 10 = s1 s2)");
    cluster.take(TimePassed{});
    EXPECT_EQ(admin_of(cluster, 2), AdminState::kDraining) << state;
  }
}

TEST(Drain, AReplicaThatIsAboutToGoIsNotLeantOn) {
  Cluster cluster(R"(
     s1 A/1 1000
     s2 B/2 1000 draining
     s3 C/3 1000
     c1 1 10 = s1 s2 s3
     c1: delete s1)");
  const ServerSlot slot = *cluster.view().slot_of(ServerId(2));
  EXPECT_FALSE(anything_rests_on(cluster.view(), slot)) << "s3 is left";
  Cluster fewer(R"(
     s1 A/1 1000
     s2 B/2 1000 draining
     c1 1 10 = s1 s2
     c1: delete s1)");
  EXPECT_TRUE(anything_rests_on(fewer.view(), *fewer.view().slot_of(ServerId(2))));
}

TEST(Drain, WhatClientsWereToldToStoreThereIsWaitedFor) {
  Cluster cluster(R"(
     s1 A/1 1000
     s2 B/2 1000
     c1 1 10 = s1
     c9 1 10 creating =)");
  cluster.apply({ChunkPromised{ChunkId(9), {ServerId(2)}}});
  drained(cluster, 2);
  cluster.take(TimePassed{});
  EXPECT_EQ(admin_of(cluster, 2), AdminState::kDraining);
  cluster.apply({ChunkRetired{ChunkId(9)}});
  cluster.take(TimePassed{});
  EXPECT_EQ(admin_of(cluster, 2), AdminState::kDrained);
}

TEST(Drain, WhatItsOwnerDeletedNeedsNoServer) {
  Cluster cluster(R"(
     s1 A/1 1000
     s2 B/2 1000 draining
     c1 2 10 retired = s2)");
  cluster.take(TimePassed{});
  EXPECT_EQ(admin_of(cluster, 2), AdminState::kDrained);
}

TEST(Undrain, PutsItBackAndWhatIsTooManyIsTrimmed) {
  Cluster cluster(kFour);
  drained(cluster, 2);
  make_copies(cluster);
  cluster.take(TimePassed{});
  EXPECT_EQ(asked(cluster, undrain(cluster.view(), ServerId(2))), "");
  EXPECT_EQ(admin_of(cluster, 2), AdminState::kInService);
  make_copies(cluster);
  EXPECT_EQ(cluster.view().count(cluster.chunk(1)).valid, 2);
  EXPECT_EQ(cluster.view().count(cluster.chunk(2)).valid, 2);
}

TEST(Decommission, RemovesOnceDrainedAndForgetsWhatItHeld) {
  Cluster cluster(std::string(kFour) + "\nc3 1 10 = s1 s2\nc3: delete s2");
  EXPECT_EQ(drained(cluster, 2, AfterDrain::kRemove), "");
  cluster.take(TimePassed{});
  EXPECT_EQ(admin_of(cluster, 2), AdminState::kDraining);
  while (true) {  // all copies, but the delete is never acknowledged
    cluster.apply(cluster.planned());
    bool any = false;
    for (const CommandRecord& command : cluster.open()) {
      if (command.kind == CommandKind::kDelete) continue;
      any = true;
      cluster.take(cluster.ack(command));
    }
    if (!any) break;
  }
  cluster.take(TimePassed{});
  EXPECT_EQ(admin_of(cluster, 2), AdminState::kRemoved);
  EXPECT_TRUE(cluster.open().empty()) << "its delete does not matter any more";
  cluster.take(TimePassed{});
  EXPECT_EQ(cluster.server(2).chunks.size(), 0U);
  EXPECT_EQ(cluster.view().count(cluster.chunk(1)).valid, 2);
  EXPECT_EQ(plan_of(cluster), "");
}

TEST(Decommission, NothingThatARemovedServerSaysCounts) {
  Cluster cluster(kFour);
  cluster.apply({ServerAdminSet{ServerId(2), AdminState::kRemoved, AfterDrain::kStay, {}}});
  cluster.take(TimePassed{});
  EXPECT_TRUE(cluster.take(cluster.report(2, "c1 c2 c7", 9)).empty());
  EXPECT_EQ(cluster.holders(1), "s1");
  Member same = cluster.server(2).member;
  same.incarnation = Incarnation(9);
  cluster.take(MembersListed{
      storage_of(99),
      EventNumber(5),
      {cluster.server(1).member, same, cluster.server(3).member, cluster.server(4).member}});
  EXPECT_EQ(admin_of(cluster, 2), AdminState::kRemoved);
  Member other = same;
  other.storage = storage_of(2, 'T');
  cluster.take(MembersListed{
      storage_of(99),
      EventNumber(6),
      {cluster.server(1).member, other, cluster.server(3).member, cluster.server(4).member}});
  EXPECT_EQ(admin_of(cluster, 2), AdminState::kInService) << "another disk is a new one";
}

TEST(Decommission, OfADeadServerHasToBeForcedAndWaitsForItsChunks) {
  Cluster cluster(R"(
     s1 A/1 1000
     s2 B/2 1000
     s3 C/3 1000
     c1 2 10 = s1 s2
     c2 1 10 = s2)");
  die(cluster, 2);
  EXPECT_THAT(drained(cluster, 2, AfterDrain::kRemove), HasSubstr("conflict: s2 is dead"));
  EXPECT_EQ(drained(cluster, 2, AfterDrain::kRemoveEvenDead), "");
  make_copies(cluster);
  cluster.take(TimePassed{});
  EXPECT_EQ(admin_of(cluster, 2), AdminState::kDraining) << "the only replica of c2 is there";
  cluster.apply({ChunkRetired{ChunkId(2)}});
  cluster.take(TimePassed{});
  EXPECT_EQ(admin_of(cluster, 2), AdminState::kRemoved);
}

TEST(Decommission, WhoIsRemovedKeepsNoDeletesHeld) {
  Cluster cluster(kFour);
  die(cluster, 2);
  cluster.apply({DeletesHeld{"for a test"}});
  cluster.take(TimePassed{});
  EXPECT_TRUE(cluster.view().deletes_held());
  cluster.apply({ServerAdminSet{ServerId(2), AdminState::kRemoved, AfterDrain::kStay, {}}});
  cluster.take(TimePassed{});
  EXPECT_FALSE(cluster.view().deletes_held());
}

TEST(Maintenance, EndsByItself) {
  Cluster cluster(kFour);
  EXPECT_EQ(asked(cluster, begin_maintenance(cluster.view(), ServerId(2), cluster.now() + 10min,
                                             cluster.now())),
            "");
  EXPECT_EQ(admin_of(cluster, 2), AdminState::kMaintenance);
  EXPECT_EQ(cluster.server(2).awaited_until, cluster.now() + 10min);
  cluster.advance(10min - 1ms);
  cluster.take(TimePassed{});
  EXPECT_EQ(admin_of(cluster, 2), AdminState::kMaintenance);
  cluster.advance(1ms);
  cluster.take(TimePassed{});
  EXPECT_EQ(admin_of(cluster, 2), AdminState::kInService);
  EXPECT_FALSE(cluster.server(2).awaited_until);
}

void maintain(Cluster& cluster, std::uint64_t server, Duration length = 10min) {
  ASSERT_EQ(asked(cluster, begin_maintenance(cluster.view(), ServerId(server),
                                             cluster.now() + length, cluster.now())),
            "");
}

TEST(Maintenance, WhatStaysSafeWithoutTheServerIsNotCopied) {
  Cluster cluster(R"(
     s1 A/1 1000
     s2 B/2 1000
     s3 C/3 1000
     s4 D/4 1000
     c1 3 10 = s1 s2 s3
     c2 3 10 = s1 s2 s3)");
  cluster.apply(pause(cluster.view(), Reason::kBalance, true));
  maintain(cluster, 3);
  EXPECT_EQ(plan_of(cluster), "");
  die(cluster, 3);
  EXPECT_EQ(plan_of(cluster), "") << "it is awaited";
  cluster.advance(10min);
  cluster.take(TimePassed{});
  EXPECT_THAT(plan_of(cluster), HasSubstr("c1: s"));
}

TEST(Maintenance, WhatDoesNotIsCopiedWhileItIsThere) {
  Cluster cluster(R"(
     s1 A/1 1000
     s2 B/2 1000
     s3 C/3 1000
     s4 D/4 1000
     c1 1 10 = s3
     c2 2 10 = s1 s3
     c3 3 10 = s1 s2 s3)");
  maintain(cluster, 3);
  make_copies(cluster);
  EXPECT_EQ(cluster.view().count(cluster.chunk(1)).valid, 2);
  EXPECT_EQ(cluster.view().count(cluster.chunk(2)).valid, 3);
  EXPECT_EQ(cluster.holders(3), "s1 s2 s3");
  EXPECT_EQ(plan_of(cluster), "") << "nor is anything trimmed";
  EXPECT_EQ(asked(cluster, end_maintenance(cluster.view(), ServerId(3))), "");
  make_copies(cluster);
  EXPECT_EQ(cluster.view().count(cluster.chunk(1)).valid, 1);
  EXPECT_EQ(cluster.view().count(cluster.chunk(2)).valid, 2);
}

TEST(Maintenance, ADrainingServerThatIsAwaitedIsNotCountedOn) {
  Cluster cluster(R"(
     s1 A/1 1000
     s2 B/2 1000
     s3 C/3 1000 draining
     s4 D/4 1000
     c1 3 10 = s1 s2 s3)");
  die(cluster, 3);
  cluster.apply({ServerAwaited{ServerId(3), cluster.now() + 10min}});
  EXPECT_THAT(plan_of(cluster), HasSubstr("c1: s"));
}

TEST(Maintenance, CanBeMadeLongerAndEnded) {
  Cluster cluster(kFour);
  const auto until = [&](Duration length) {
    return asked(cluster, begin_maintenance(cluster.view(), ServerId(2), cluster.now() + length,
                                            cluster.now()));
  };
  until(1min);
  until(5min);
  cluster.advance(2min);
  cluster.take(TimePassed{});
  EXPECT_EQ(admin_of(cluster, 2), AdminState::kMaintenance);
  EXPECT_EQ(asked(cluster, end_maintenance(cluster.view(), ServerId(2))), "");
  EXPECT_EQ(admin_of(cluster, 2), AdminState::kInService);
  EXPECT_EQ(asked(cluster, end_maintenance(cluster.view(), ServerId(2))), "") << "so it is";
}

TEST(Admin, NonsenseIsRefusedAndSaysWhy) {
  Cluster cluster(kFour);
  const auto maintain = [&](std::uint64_t server) {
    return asked(cluster, begin_maintenance(cluster.view(), ServerId(server), cluster.now() + 1min,
                                            cluster.now()));
  };
  EXPECT_EQ(drained(cluster, 9), "not found: there is no server s9");
  EXPECT_EQ(asked(cluster, undrain(cluster.view(), ServerId(9))),
            "not found: there is no server s9");
  EXPECT_EQ(asked(cluster, end_maintenance(cluster.view(), ServerId(9))),
            "not found: there is no server s9");
  EXPECT_EQ(maintain(9), "not found: there is no server s9");
  drained(cluster, 2);
  EXPECT_EQ(maintain(2), "conflict: s2 is draining; undrain it first");
  EXPECT_EQ(asked(cluster, end_maintenance(cluster.view(), ServerId(2))),
            "conflict: s2 is draining, not in maintenance");
  drained(cluster, 2, AfterDrain::kRemove);
  EXPECT_EQ(drained(cluster, 2), "conflict: s2 is draining and to be removed; undrain it first");
  maintain(3);
  EXPECT_EQ(asked(cluster, undrain(cluster.view(), ServerId(3))),
            "conflict: s3 is in maintenance and not drained");
  cluster.apply({ServerAdminSet{ServerId(4), AdminState::kRemoved, AfterDrain::kStay, {}}});
  EXPECT_THAT(drained(cluster, 4), HasSubstr("conflict: s4 is removed"));
  EXPECT_THAT(asked(cluster, undrain(cluster.view(), ServerId(4))), HasSubstr("empty directory"));
  EXPECT_THAT(maintain(4), HasSubstr("conflict: s4 is removed"));
}

TEST(Admin, AskingTwiceChangesNothing) {
  Cluster cluster(kFour);
  drained(cluster, 2);
  EXPECT_TRUE(drain(cluster.view(), ServerId(2), AfterDrain::kStay)->empty());
  drained(cluster, 2, AfterDrain::kRemove);
  EXPECT_TRUE(drain(cluster.view(), ServerId(2), AfterDrain::kRemove)->empty());
  EXPECT_TRUE(undrain(cluster.view(), ServerId(1))->empty());
  cluster.apply(pause(cluster.view(), Reason::kTrim, true));
  EXPECT_TRUE(pause(cluster.view(), Reason::kTrim, true).empty());
}

TEST(Pause, APausedPassOrdersNothingAndTheOthersGoOn) {
  Cluster cluster(R"(
     s1 A/1 1000
     s2 B/2 1000
     s3 C/3 1000
     s4 D/4 1000
     c1 2 10 = s1
     c2 1 10 = s1:corrupt s2)");
  cluster.apply(pause(cluster.view(), Reason::kRepair, true));
  EXPECT_EQ(plan_of(cluster), "delete c2 on s1 [s2]");
  cluster.apply(pause(cluster.view(), std::nullopt, true));
  EXPECT_EQ(plan_of(cluster), "");
  for (const Reason pass : kPasses) EXPECT_TRUE(cluster.view().paused(pass));
  cluster.apply(pause(cluster.view(), std::nullopt, false));
  EXPECT_THAT(plan_of(cluster), HasSubstr("c1: s1 -> "));
}

TEST(Pause, NoMovesWhileWhatTheyLeaveBehindWouldNotBeTrimmed) {
  Cluster cluster(R"(
     s1 A/1 1000
     s2 B/2 1000
     c1 1 100 = s1
     c2 1 100 = s1
     c3 1 100 = s1
     c4 1 100 = s1)");
  EXPECT_THAT(plan_of(cluster), HasSubstr("balance"));
  cluster.apply(pause(cluster.view(), Reason::kTrim, true));
  EXPECT_EQ(plan_of(cluster), "");
}

TEST(Cancel, ClosesACopyAndLeavesItsChunkInPeace) {
  Cluster cluster(R"(
     s1 A/1 1000
     s2 B/2 1000
     s3 C/3 1000
     c1 2 10 = s1
     c2 1 10 = s1 s2
     c1: s1 -> s3
     c2: delete s2)");
  const auto open = cluster.open();
  EXPECT_THAT(asked(cluster, cancel(cluster.view(), open[1].id, cluster.now())),
              HasSubstr("conflict: k2 is a delete"));
  EXPECT_THAT(asked(cluster, cancel(cluster.view(), CommandId(77), cluster.now())),
              HasSubstr("not found: k77"));
  EXPECT_EQ(asked(cluster, cancel(cluster.view(), open[0].id, cluster.now())), "");
  EXPECT_EQ(cluster.open().size(), 1U);
  EXPECT_EQ(plan_of(cluster), "");
  cluster.advance(1min);
  cluster.take(TimePassed{});
  EXPECT_THAT(plan_of(cluster), HasSubstr("c1: s1 -> s"));
}

TEST(Goal, MoreAreCopiedAndFewerAreTrimmed) {
  Cluster cluster(R"(
     s1 A/1 1000
     s2 B/2 1000
     s3 C/3 1000
     c1 2 10 = s1 s2)");
  EXPECT_EQ(asked(cluster, change_goal(cluster.view(), ChunkId(1), 3)), "");
  make_copies(cluster);
  EXPECT_EQ(cluster.holders(1), "s1 s2 s3");
  EXPECT_EQ(asked(cluster, change_goal(cluster.view(), ChunkId(1), 1)), "");
  make_copies(cluster);
  EXPECT_EQ(cluster.view().count(cluster.chunk(1)).valid, 1);
  EXPECT_TRUE(change_goal(cluster.view(), ChunkId(1), 1)->empty());
  EXPECT_THAT(asked(cluster, change_goal(cluster.view(), ChunkId(5), 1)), HasSubstr("not found"));
}

}  // namespace
}  // namespace evenkeel
