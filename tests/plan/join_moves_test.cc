#include "tools/plan/join_moves.h"

#include <sstream>

#include <gtest/gtest.h>

namespace evenkeel::offline {
namespace {

std::string joined(std::vector<Move> moves) {
  join_moves(moves, 10);
  std::ostringstream text;
  for (const Move& move : moves) {
    text << move.chunk << ' ' << move.old << '>' << move.target << " from " << move.source << ';';
  }
  return text.str();
}

TEST(JoinMoves, LeavesOneMoveForEachReplica) {
  EXPECT_EQ(joined({}), "");
  EXPECT_EQ(joined({{9, 1, 2, 3}, {8, 2, 1, 3}}), "9 1>2 from 3;8 2>1 from 3;");
  // Two replicas of one chunk.
  EXPECT_EQ(joined({{9, 1, 4, 3}, {9, 2, 5, 3}}), "9 1>4 from 3;9 2>5 from 3;");
  // On from where it was put.
  EXPECT_EQ(joined({{9, 1, 4, 3}, {7, 4, 5, 4}, {9, 4, 5, 4}}), "9 1>5 from 3;7 4>5 from 4;");
  EXPECT_EQ(joined({{9, 1, 4, 3}, {9, 4, 5, 3}, {9, 5, 6, 3}}), "9 1>6 from 3;");
  // And back again: nothing is to be done.
  EXPECT_EQ(joined({{9, 1, 4, 3}, {9, 4, 1, 3}}), "");
}

TEST(JoinMoves, ReadsFromWhoHeldItBefore) {
  EXPECT_EQ(joined({{9, 1, 4, 3}, {9, 2, 5, 4}}), "9 1>4 from 3;9 2>5 from 3;");
  EXPECT_EQ(joined({{9, 1, 4, 3}, {9, 2, 5, 4}, {9, 3, 6, 5}}),
            "9 1>4 from 3;9 2>5 from 3;9 3>6 from 3;");
  // The source has moved on since: it is read where it was before all of this.
  EXPECT_EQ(joined({{9, 1, 4, 2}, {9, 4, 5, 2}, {9, 3, 6, 5}}), "9 1>5 from 2;9 3>6 from 2;");
}

}  // namespace
}  // namespace evenkeel::offline
