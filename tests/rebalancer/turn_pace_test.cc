#include "services/rebalancer/turn_pace.h"

#include <gtest/gtest.h>

namespace evenkeel {
namespace {

using namespace std::chrono_literals;

TEST(TurnPace, IsThatOfTheSettingsWhereTurnsAreShort) {
  TurnPace pace{Limits{}};
  for (int i = 0; i < 100; ++i) pace.took({.all = 10ms}, true);
  EXPECT_EQ(pace.limits().commands_per_turn, Limits{}.commands_per_turn);
  EXPECT_EQ(pace.limits().sorted_per_turn, Limits{}.sorted_per_turn);
}

TEST(TurnPace, LongTurnsAreFollowedByOnesThatMayDoLess) {
  TurnPace pace{Limits{}};
  pace.took({.all = 50ms}, true);
  EXPECT_EQ(pace.limits().commands_per_turn, Limits{}.commands_per_turn / 2);
  EXPECT_EQ(pace.limits().sorted_per_turn, Limits{}.sorted_per_turn / 2);
  EXPECT_EQ(pace.limits().copies_in, Limits{}.copies_in);
  for (int i = 0; i < 20; ++i) pace.took({.all = 10s}, true);
  EXPECT_EQ(pace.limits().commands_per_turn, Limits{}.commands_per_turn / 16);
}

TEST(TurnPace, ATurnMayAlwaysDoSomething) {
  Limits one;
  one.commands_per_turn = 1;
  TurnPace pace(one);
  for (int i = 0; i < 20; ++i) pace.took({.all = 10s}, true);
  EXPECT_EQ(pace.limits().commands_per_turn, 1);
}

TEST(TurnPace, GrowsAgainOnlyWhereThereIsMoreToDo) {
  TurnPace pace{Limits{}};
  for (int i = 0; i < 20; ++i) pace.took({.all = 10s}, true);
  pace.took({.all = 1ms}, false);
  EXPECT_EQ(pace.limits().commands_per_turn, Limits{}.commands_per_turn / 16);
  for (int i = 0; i < 20; ++i) pace.took({.all = 1ms}, true);
  EXPECT_EQ(pace.limits().commands_per_turn, Limits{}.commands_per_turn);
}

TEST(TurnPace, TheFirstTurnAfterARestIsAShortOne) {
  TurnPace pace{Limits{}};
  pace.rested();
  EXPECT_EQ(pace.limits().commands_per_turn, Limits{}.commands_per_turn / 4);
  for (int i = 0; i < 20; ++i) pace.took({.all = 1ms}, true);
  EXPECT_EQ(pace.limits().commands_per_turn, Limits{}.commands_per_turn);
}

TEST(TurnPace, ARestMakesSlowTurnsNoLonger) {
  TurnPace pace{Limits{}};
  for (int i = 0; i < 20; ++i) pace.took({.all = 10s}, true);
  pace.rested();
  EXPECT_EQ(pace.limits().commands_per_turn, Limits{}.commands_per_turn / 16);
}

TEST(TurnPace, WhereTheDiskIsOutrunLessIsDone) {
  TurnPace pace{Limits{}};
  pace.outran_disk();
  EXPECT_EQ(pace.limits().commands_per_turn, Limits{}.commands_per_turn / 2);
  for (int i = 0; i < 20; ++i) pace.outran_disk();
  EXPECT_EQ(pace.limits().commands_per_turn, Limits{}.commands_per_turn / 16);
}

/// A machine on which each command takes 0.4 ms.
TEST(TurnPace, ComesToRestWhereATurnTakesAsLongAsItMay) {
  TurnPace pace{Limits{}};
  Duration took{};
  for (int i = 0; i < 50; ++i) {
    took = Duration(pace.limits().commands_per_turn * 4 / 10);
    pace.took({.all = took}, true);
  }
  EXPECT_LE(took, 35ms);
  EXPECT_GE(took, 17ms);
}

/// A disk that takes 40 ms for each commit, on which other work is waited for.
TEST(TurnPace, FewerDecisionsAreNoRemedyForASlowDisk) {
  TurnPace pace{Limits{}};
  const auto turn = [&] {
    const Duration own(pace.limits().commands_per_turn / 16);
    pace.took({.all = own + 40ms, .commit = 40ms}, true);
  };
  for (int i = 0; i < 20; ++i) turn();
  EXPECT_EQ(pace.limits().commands_per_turn, Limits{}.commands_per_turn);
  for (int i = 0; i < 20; ++i) pace.took({.all = 10s}, true);
  for (int i = 0; i < 20; ++i) turn();
  EXPECT_EQ(pace.limits().commands_per_turn, Limits{}.commands_per_turn);
}

/// What a turn decides takes it 0.4 ms each, and its commit 20 ms.
TEST(TurnPace, WaitingForADiskIsNoReasonToDecideForLongerThanThat) {
  TurnPace pace{Limits{}};
  Duration own{};
  for (int i = 0; i < 50; ++i) {
    own = Duration(pace.limits().commands_per_turn * 4 / 10);
    pace.took({.all = own + 20ms, .commit = 20ms}, true);
  }
  EXPECT_LE(own, 25ms);
  EXPECT_GE(own, 10ms);
}

}  // namespace
}  // namespace evenkeel
