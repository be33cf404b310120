#include <algorithm>
#include <set>

#include "services/rebalancer/core/draft.h"
#include "services/rebalancer/core/placement.h"
#include "tests/rebalancer/cluster_builder.h"

namespace evenkeel {
namespace {

struct Case {
  const char* name;
  const char* drawing;
  const char* plan;
};
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}
class Planner : public testing::TestWithParam<Case> {};

TEST_P(Planner, Orders) {
  Cluster cluster(GetParam().drawing);
  EXPECT_EQ(plan_of(cluster), GetParam().plan);
  // What is ordered counts as done: planning on orders nothing twice, and comes to an end.
  std::set<std::string> ordered;
  for (int round = 0; round < 4; ++round) {
    for (const std::string& order : drawn(cluster.planned())) {
      EXPECT_TRUE(ordered.insert(order).second) << order;
    }
    cluster.apply(cluster.planned());
  }
  EXPECT_EQ(plan_of(cluster), "");
}

std::string name_of(const testing::TestParamInfo<Case>& info) {
  return info.param.name;
}

// Each row is a drawing, to be read as it stands.
// clang-format off
INSTANTIATE_TEST_SUITE_P(Repair, Planner, testing::Values(
Case{"FewestReplicasFirst", R"(
     s1 A/1 1000
     s2 B/2 1000
     s3 C/3 1000
     s4 D/4 1000
     c1 3 10 = s1 s2
     c2 3 10 = s1)",
     "c2: s1 -> s3 repair; c2: s1 -> s4 repair; c1: s2 -> s3 repair"},
Case{"OneCopyAtATimeForEachChunkInAPlanAndTheNextOnlyWhenItIsKnownToBeNeeded", R"(
     s1 A/1 1000
     s2 B/2 1000
     c1 2 10 = s1)",
     "c1: s1 -> s2 repair"},
Case{"ACopyUnderWayCounts", R"(
     s1 A/1 1000
     s2 B/2 1000
     s3 C/3 1000
     c1 2 10 = s1
     c1: s1 -> s3)",
     ""},
Case{"NoSourceThatIsSuspectCorruptOrStale", R"(
     s1 A/1 1000
     s2 B/2 1000
     s3 C/3 1000
     s4 D/4 1000
     c1 3 10 = s1 s2:corrupt s3:stale)",
     "c1: s1 -> s4 repair; c1: s1 -> s2 repair"},
Case{"StaleReplicasDoNotUseUpTheServers", R"(
     s1 A/1 1000
     s2 B/2 1000
     c1 2 10 = s1 s2:stale)",
     "c1: s1 -> s2 repair"},
Case{"NoSourceThatHasNotReported", R"(
     s1 A/1 1000 presumed
     s2 B/2 1000
     c1 2 10 = s1)",
     "report s1; aside c1"},
Case{"NoSourceThatIsSilent", R"(
     s1 A/1 1000 suspect
     s2 B/2 1000
     c1 2 10 = s1)",
     "aside c1"},
Case{"ADrainingServerIsASourceAndNoTarget", R"(
     s1 A/1 1000 draining
     s2 B/2 1000
     s3 C/3 1000 draining
     c1 1 10 = s1)",
     "c1: s1 -> s2 repair"},
Case{"WhatIsLostIsLeftAlone", R"(
     s1 A/1 1000 dead
     s2 B/2 1000
     c1 2 10 = s1 s2:corrupt)",
     ""},
Case{"NoServerLeftIsSaid", R"(
     s1 A/1 1000
     s2 A/1 1000
     c1 2 10 = s1)",
     "aside c1"},
Case{"ASuspectReplicaThatCannotBeAskedDoesNotHoldUpTheRest", R"(
     s1 A/1 1000
     s2 B/2 1000 suspect
     s3 C/3 1000
     c1 2 10 = s1 s2:suspect)",
     "c1: s1 -> s3 repair"},
Case{"SurplusThatIsNeededAgainIsKept", R"(
     s1 A/1 1000 dead
     s2 B/2 1000
     s3 C/3 1000
     c1 2 10 = s1 s2 s3:surplus)",
     "c1 on s3 is kept"},
Case{"WhatADeleteWouldHaveToLeanOnIsKept", R"(
     s1 A/1 1000
     s2 B/2 1000
     s3 C/3 1000
     s4 D/4 1000
     s5 E/5 1000
     c1 3 10 = s1 s2 s3:corrupt s4:surplus s5:surplus)",
     "c1 on s4 is kept; c1 on s5 is kept"},
Case{"SurplusKeepsItsHostWhileItIsNeeded", R"(
     s2 B/2 1000
     s3 C/3 1000
     s4 C/3 1000
     s5 D/5 1000
     c1 3 10 = s2 s3:surplus)",
     "c1: s2 -> s5 repair; c1 on s3 is kept"}
), name_of);
// clang-format on

// Each row is a drawing, to be read as it stands.
// clang-format off
INSTANTIATE_TEST_SUITE_P(Verify, Planner, testing::Values(
Case{"SuspectReplicasAreReadByTheirHolders", R"(
     s1 A/1 1000
     s2 B/2 1000
     c1 2 10 = s1 s2:suspect)",
     "aside c1; verify c1 on s2 content"},
Case{"ADeleteThatWaitsForADeadServerDoesNotKeepItFromBeingAsked", R"(
     s1 A/1 1000
     s2 B/2 1000 dead
     c1 1 10 = s1:suspect s2
     c1: delete s2)",
     "verify c1 on s1 content"}
), name_of);
// clang-format on

// Each row is a drawing, to be read as it stands.
// clang-format off
INSTANTIATE_TEST_SUITE_P(Trim, Planner, testing::Values(
Case{"OneTooManyGoesOnTheWordOfTheOthers", R"(
     s1 A/1 1000
     s2 B/2 1000
     s3 C/3 500
     c1 2 10 = s1 s2 s3)",
     "delete c1 on s3 [s1 s2]"},
Case{"SurplusGoesFirst", R"(
     s1 A/1 1000
     s2 B/2 1000
     s3 C/3 500
     c1 2 10 = s1 s2:surplus s3)",
     "delete c1 on s2 [s1 s3]"},
Case{"WhatSharesARackGoesBeforeWhatIsOnTheFullest", R"(
     s1 A/1 1000
     s2 A/2 1000
     s3 B/3 500
     c1 2 10 = s1 s2 s3)",
     "delete c1 on s1 [s2 s3]"},
Case{"ContentThatWasNeverReadIsReadFirst", R"(
     s1 A/1 1000
     s2 B/2 1000
     s3 C/3 500
     c1 2 10 = s1? s2 s3)",
     "verify c1 on s1 content"},
Case{"NeverOnFewerThanGoal", R"(
     s1 A/1 1000
     s2 B/2 1000 suspect
     s3 C/3 500
     c1 2 10 = s1 s2 s3)",
     "aside c1"},
Case{"TwoOnOneHostAreOneWitness", R"(
     s1 A/1 1000
     s2 A/1 1000
     s3 C/3 500
     c1 2 10 = s1 s2 s3)",
     "delete c1 on s1 [s2 s3]"},
Case{"OneHostAloneIsNotEnough", R"(
     s1 A/1 1000
     s2 A/1 1000
     s3 A/1 1000
     c1 2 10 = s1 s2 s3)",
     "aside c1"},
Case{"StaleGoesByItsOwnVersionWhenThereAreEnough", R"(
     s1 A/1 1000
     s2 B/2 1000
     s3 C/3 500
     c1 2 10 = s1 s2 s3:stale)",
     "delete c1 on s3 [s1 s2]"},
Case{"CorruptIsKeptWhileThereAreNotEnough", R"(
     s1 A/1 1000
     s2 B/2 1000 draining
     s3 C/3 500
     c1 1 10 = s2 s3:corrupt)",
     "c1: s2 -> s1 repair"},
Case{"NothingIsDeletedWhereNothingIsValid", R"(
     s1 A/1 1000
     s2 B/2 1000
     c1 1 10 = s1:corrupt s2:stale)",
     ""},
Case{"OneDeleteOfAChunkAtATime", R"(
     s1 A/1 1000
     s2 B/2 1000
     s3 C/3 500
     s4 D/4 500
     c1 2 10 = s1 s2 s3 s4
     c1: delete s3)",
     ""}
), name_of);
// clang-format on

// Each row is a drawing, to be read as it stands.
// clang-format off
INSTANTIATE_TEST_SUITE_P(Retire, Planner, testing::Values(
Case{"OneReplicaAtATimeWithoutWitnesses", R"(
     s1 A/1 1000
     s2 B/2 1000
     c1 2 10 retired = s1 s2)",
     "delete c1 on s1 []"},
Case{"WaitsForServersThatAreAway", R"(
     s1 A/1 1000 suspect
     c1 2 10 retired = s1)",
     "aside c1"}
), name_of);
// clang-format on

// Each row is a drawing, to be read as it stands.
// clang-format off
INSTANTIATE_TEST_SUITE_P(Report, Planner, testing::Values(
Case{"WhoCameBackFromTheDeadIsAsked", R"(
     s1 A/1 1000 registering
     s2 B/2 1000)",
     "report s1"},
Case{"WhoIsSilentIsNot", R"(
     s1 A/1 1000 dead)",
     ""}
), name_of);
// clang-format on

// Each row is a drawing, to be read as it stands.
// clang-format off
INSTANTIATE_TEST_SUITE_P(Balance, Planner, testing::Values(
Case{"FromTheFullestToTheEmptiest", R"(
     s1 A/1 1000
     s2 B/2 1000
     c1 1 100 = s1
     c2 1 100 = s1
     c3 1 100 = s1)",
     "c1: s1 -> s2 balance drop s1"},
Case{"WithinTheBandInPeace", R"(
     s1 A/1 1000
     s2 B/2 1000
     c1 1 100 = s1
     c2 1 100 = s1
     c3 1 100 = s2)",
     ""},
Case{"CapacityWeighs", R"(
     s1 A/1 3000
     s2 B/2 1000
     c1 1 100 = s1
     c2 1 100 = s1
     c3 1 100 = s1
     c4 1 100 = s2)",
     ""},
Case{"NotOntoTheHostOfAnotherReplica", R"(
     s1 A/1 1000
     s2 B/2 1000
     s3 B/2 1000
     c1 2 100 = s1 s2
     c2 2 100 = s1 s2
     c3 2 100 = s1 s2)",
     "c1: s2 -> s3 balance drop s2"},
Case{"NotIntoTheRackOfAnotherReplica", R"(
     s1 z/A/1 1000
     s2 z/B/2 1000
     s3 z/A/3 1000
     c1 2 100 = s2 s3
     c2 2 100 = s2 s3
     c3 2 100 = s2 s3)",
     "c2: s3 -> s1 balance drop s3"}
), name_of);
// clang-format on

struct RefusalCase {
  const char* name;
  const char* drawing;
  std::optional<Refusal> refusal;  // of s2, for c1
};
void PrintTo(const RefusalCase& c, std::ostream* out) {
  *out << c.name;
}
class Rules : public testing::TestWithParam<RefusalCase> {};

TEST_P(Rules, RefusesForOneReason) {
  Cluster cluster(GetParam().drawing);
  const Draft draft(cluster.view(), cluster.limits(), cluster.now());
  EXPECT_EQ(refusal(draft, cluster.chunk(1), *cluster.view().slot_of(ServerId(2))),
            GetParam().refusal);
}
std::string refusal_name(const testing::TestParamInfo<RefusalCase>& info) {
  return info.param.name;
}

// Each row is a drawing, to be read as it stands.
// clang-format off
INSTANTIATE_TEST_SUITE_P(Refusal, Rules, testing::Values(
RefusalCase{"None", "s1 A/1 100\ns2 B/2 100\nc1 2 10 = s1", std::nullopt},
RefusalCase{"NotAlive", "s1 A/1 100\ns2 B/2 100 suspect\nc1 2 10 = s1", Refusal::kNotAlive},
RefusalCase{"NotReported", "s1 A/1 100\ns2 B/2 100 presumed\nc1 2 10 = s1", Refusal::kNotReported},
RefusalCase{"NotInService", "s1 A/1 100\ns2 B/2 100 draining\nc1 2 10 = s1", Refusal::kNotInService},
RefusalCase{"Holds", "s1 A/1 100\ns2 B/2 100\nc1 2 10 = s1 s2:suspect", Refusal::kHoldsReplica},
RefusalCase{"StaleIsReplacedInPlace", "s1 A/1 100\ns2 B/2 10\nc1 2 10 = s1 s2:stale", std::nullopt},
RefusalCase{"Receives", "s1 A/1 100\ns2 B/2 100\nc1 2 10 = s1\nc1: s1 -> s2", Refusal::kHoldsReplica},
RefusalCase{"IsDeleting", "s1 A/1 100\ns2 B/2 100\nc1 1 10 = s1 s2:corrupt\nc1: delete s2", Refusal::kHoldsReplica},
RefusalCase{"CorruptIsReplacedInPlace", "s1 A/1 100\ns2 B/2 10\nc1 2 10 = s1 s2:corrupt", std::nullopt},
RefusalCase{"SameHost", "s1 A/1 100\ns2 A/1 100\nc1 2 10 = s1", Refusal::kSameHost},
RefusalCase{"TooFull", "s1 A/1 100\ns2 B/2 100\nc1 2 93 = s1", Refusal::kTooFull},
RefusalCase{"JustFits", "s1 A/1 100\ns2 B/2 100\nc1 2 92 = s1", std::nullopt},
RefusalCase{"Reserve", "s1 A/1 100\ns2 B/2 100 reserve=20\nc1 2 81 = s1", Refusal::kTooFull},
RefusalCase{"OthersFillTheDisk", "s1 A/1 100\ns2 B/2 100 free=20\nc1 2 21 = s1", Refusal::kTooFull},
RefusalCase{"WhatIsFreeOnTheDiskJustFits", "s1 A/1 100\ns2 B/2 100 free=20\nc1 2 20 = s1", std::nullopt},
RefusalCase{"WhatIsToLeaveIsStillThere",
            "s1 A/1 100\ns2 B/2 100\nc1 2 50 = s1\nc2 1 50 = s1 s2\nc2: delete s2", Refusal::kTooFull}
), refusal_name);
// clang-format on

std::string target(const Cluster& cluster, const Limits& limits) {
  const Draft draft(cluster.view(), limits, cluster.now());
  const auto choice = choose_target(draft, cluster.chunk(1), *cluster.view().slot_of(ServerId(1)));
  return choice.server ? to_string(cluster.view().server(*choice.server).id()) : "none";
}

TEST(Target, PrefersAnotherZoneThenAnotherRack) {
  Cluster cluster(R"(
     s1 x/A/1 1000
     s2 x/A/2 1000
     s3 x/B/3 1000
     s4 y/C/4 1000
     c1 2 10 = s1
     c2 1 500 = s4)");
  EXPECT_EQ(target(cluster, cluster.limits()), "s4") << "spread before room";
}

TEST(Target, WaitsWhenOnlyABusyServerHasTheBetterRack) {
  Cluster cluster(R"(
     s1 A/1 1000
     s2 A/2 1000
     s3 B/3 1000
     c1 2 10 = s1
     c2 2 10 = s1
     c2: s1 -> s3)");
  Limits limits = cluster.limits();
  EXPECT_EQ(target(cluster, limits), "s3");
  limits.copies_in = 1;
  EXPECT_EQ(target(cluster, limits), "none");
}

TEST(Target, IsTheLeastFilledAndAmongEqualsTheNearest) {
  Cluster cluster(R"(
     s1 x/A/1 1000
     s2 x/B/2 1000
     s3 x/C/3 1000
     s4 x/D/4 1000
     c1 2 10 = s1
     c2 1 100 = s2)");
  EXPECT_EQ(target(cluster, cluster.limits()), "s3");
}

TEST(Target, IsNotTheOneThatSaidItIsFull) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000\nc1 2 10 = s1");
  cluster.apply({ServerFull{ServerId(2), cluster.now() + 30s}});
  EXPECT_EQ(target(cluster, cluster.limits()), "none");
  cluster.advance(30s);
  EXPECT_EQ(target(cluster, cluster.limits()), "s2");
}

TEST(Aside, IsLookedAtAgainAfterItsTimeOrWhenSomethingIsNew) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000 registering\nc1 2 10 = s1");
  cluster.apply(cluster.planned());
  EXPECT_EQ(cluster.chunk(1).queue, Queue::kAside);
  EXPECT_EQ(plan_of(cluster), "");
  cluster.take(cluster.report(2, "", 9));
  EXPECT_EQ(plan_of(cluster), "c1: s1 -> s2 repair");
  cluster.apply({ChunkSetAside{ChunkId(1), "for a test", cluster.now() + 5s}});
  EXPECT_EQ(plan_of(cluster), "");
  cluster.advance(5s);
  cluster.take(TimePassed{});
  EXPECT_EQ(plan_of(cluster), "c1: s1 -> s2 repair");
}

TEST(Trim, PresenceThatIsOldIsAskedForAgain) {
  Cluster cluster(R"(
     s1 A/1 1000
     s2 B/2 1000
     s3 C/3 500
     c1 2 10 = s1 s2 s3)");
  cluster.advance(5min);
  EXPECT_EQ(plan_of(cluster), "verify c1 on s1 presence; verify c1 on s2 presence");
}

TEST(Trim, HeldDeletesHoldTrimRetireAndBalance) {
  Cluster cluster(R"(
     s1 A/1 1000
     s2 B/2 1000
     s3 C/3 500
     c1 2 10 = s1 s2 s3
     c2 2 10 retired = s1
     c3 1 100 = s1
     c4 1 100 = s1
     c5 1 100 = s1)");
  EXPECT_NE(plan_of(cluster), "");
  cluster.apply({DeletesHeld{"for a test"}});
  EXPECT_EQ(plan_of(cluster), "");
}

/// How many copies and deletes a plan of eight commands has, where s1 is to give to s3, which is
/// empty but for what `holders` says, and ten chunks have one replica too many on s2.
std::pair<long, long> copies_and_deletes(const std::string& holders, int on_s1) {
  std::string drawing = "s1 A/1 1000\ns2 B/2 1000\ns3 C/3 1000\n";
  for (int i = 1; i <= on_s1; ++i) drawing += "c" + std::to_string(i) + " 1 10 = s1\n";
  for (int i = 41; i <= 50; ++i) drawing += "c" + std::to_string(i) + " 1 10 = s2\n";
  for (int i = 51; i <= 60; ++i) drawing += "c" + std::to_string(i) + " 1 10 = " + holders + "\n";
  Cluster cluster(drawing);
  cluster.limits().commands_per_turn = 8;
  const auto orders = drawn(cluster.planned());
  const auto deletes = std::ranges::count_if(
      orders, [](const std::string& order) { return order.starts_with("delete"); });
  return {static_cast<long>(orders.size()) - deletes, deletes};
}

TEST(Trim, AServerIsFilledWhileWhatWasMovedIsDeletedWhereItCameFrom) {
  EXPECT_EQ(copies_and_deletes("s1 s2:surplus", 40), std::pair(4L, 4L));
  EXPECT_EQ(copies_and_deletes("s3 s2:surplus", 10), std::pair(0L, 8L));
}

TEST(Trim, WhatIsTooManyGoesBeforeAnythingIsMoved) {
  EXPECT_EQ(copies_and_deletes("s1 s2", 40), std::pair(0L, 8L));
}

TEST(Mode, NothingIsPlannedUnlessMembershipIsInStep) {
  Cluster cluster("s1 A/1 1000\ns2 B/2 1000 registering\nc1 2 10 = s1");
  cluster.take(MembershipUnsure{"for a test"});
  EXPECT_EQ(plan_of(cluster), "");
}

TEST(Bounds, APlanHoldsNoMoreThanItsLimit) {
  std::string drawing = "s1 A/1 100000\ns2 B/2 100000\n";
  for (int i = 1; i <= 50; ++i) drawing += "c" + std::to_string(i) + " 2 10 = s1\n";
  Cluster cluster(drawing);
  cluster.limits().commands_per_turn = 7;
  EXPECT_EQ(drawn(cluster.planned()).size(), 7U);
  cluster.limits().commands_per_turn = 512;
  cluster.limits().copies_in = 11;
  EXPECT_EQ(drawn(cluster.planned()).size(), 11U);
  cluster.limits().copies_in = 100;
  cluster.limits().bytes_out = Bytes(45);
  EXPECT_EQ(drawn(cluster.planned()).size(), 4U);
}

/// Of chunks that a dead server held, which are known in no order.
TEST(Bounds, APlanTakesUpWhatLiesTogether) {
  std::string drawing = "s1 A/1 100000\ns2 B/2 100000\ns3 C/3 100000 dead\n";
  for (int i = 1; i <= 200; ++i) drawing += "c" + std::to_string(i) + " 2 10 = s1 s3\n";
  Cluster cluster(drawing);
  cluster.limits().commands_per_turn = 8;
  std::set<std::uint64_t> chunks;
  for (const Change& change : cluster.planned()) {
    chunks.insert(std::get<CommandIssued>(change).command.chunk->value());
  }
  ASSERT_EQ(chunks.size(), 8U);
  int runs = 1;
  for (auto next = chunks.begin(); std::next(next) != chunks.end(); ++next) {
    runs += *std::next(next) != *next + 1;
  }
  EXPECT_LE(runs, 2);  // there may be less than a plan between where it begins and the last of all
}

}  // namespace
}  // namespace evenkeel
