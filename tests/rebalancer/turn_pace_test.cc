#include "services/rebalancer/turn_pace.h"

#include <gtest/gtest.h>

namespace evenkeel {
namespace {

using namespace std::chrono_literals;

TEST(TurnPace, IsThatOfTheSettingsWhereTurnsAreShort) {
  TurnPace pace{Limits{}};
  for (int i = 0; i < 100; ++i) pace.took(10ms, true);
  EXPECT_EQ(pace.limits().commands_per_turn, Limits{}.commands_per_turn);
  EXPECT_EQ(pace.limits().sorted_per_turn, Limits{}.sorted_per_turn);
}

TEST(TurnPace, LongTurnsAreFollowedByOnesThatMayDoLess) {
  TurnPace pace{Limits{}};
  pace.took(50ms, true);
  EXPECT_EQ(pace.limits().commands_per_turn, Limits{}.commands_per_turn / 2);
  EXPECT_EQ(pace.limits().sorted_per_turn, Limits{}.sorted_per_turn / 2);
  EXPECT_EQ(pace.limits().copies_in, Limits{}.copies_in);
  for (int i = 0; i < 20; ++i) pace.took(10s, true);
  EXPECT_EQ(pace.limits().commands_per_turn, Limits{}.commands_per_turn / 16);
}

TEST(TurnPace, ATurnMayAlwaysDoSomething) {
  Limits one;
  one.commands_per_turn = 1;
  TurnPace pace(one);
  for (int i = 0; i < 20; ++i) pace.took(10s, true);
  EXPECT_EQ(pace.limits().commands_per_turn, 1);
}

TEST(TurnPace, GrowsAgainOnlyWhereThereIsMoreToDo) {
  TurnPace pace{Limits{}};
  for (int i = 0; i < 20; ++i) pace.took(10s, true);
  pace.took(1ms, false);
  EXPECT_EQ(pace.limits().commands_per_turn, Limits{}.commands_per_turn / 16);
  for (int i = 0; i < 20; ++i) pace.took(1ms, true);
  EXPECT_EQ(pace.limits().commands_per_turn, Limits{}.commands_per_turn);
}

TEST(TurnPace, TheFirstTurnAfterARestIsAShortOne) {
  TurnPace pace{Limits{}};
  pace.rested();
  EXPECT_EQ(pace.limits().commands_per_turn, Limits{}.commands_per_turn / 4);
  for (int i = 0; i < 20; ++i) pace.took(1ms, true);
  EXPECT_EQ(pace.limits().commands_per_turn, Limits{}.commands_per_turn);
}

TEST(TurnPace, ARestMakesSlowTurnsNoLonger) {
  TurnPace pace{Limits{}};
  for (int i = 0; i < 20; ++i) pace.took(10s, true);
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
    pace.took(took, true);
  }
  EXPECT_LE(took, 35ms);
  EXPECT_GE(took, 17ms);
}

}  // namespace
}  // namespace evenkeel
