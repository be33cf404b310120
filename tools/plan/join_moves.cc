#include "tools/plan/join_moves.h"

#include <algorithm>
#include <unordered_map>

namespace evenkeel::offline {
namespace {

/// The moves of one chunk so far, by their place in the list.
using Earlier = std::vector<std::size_t>;

/// Joins `later` to what its chunk has done before; true if it is part of an earlier move now.
bool joined(std::vector<Move>& moves, const Earlier& earlier, Move& later) {
  for (const std::size_t at : earlier) {
    // Its source held the chunk before all of this, since this holds for each move in its turn.
    if (later.source == moves[at].target) later.source = moves[at].source;
  }
  for (const std::size_t at : earlier) {
    if (later.old != moves[at].target) continue;
    moves[at].target = later.target;
    return true;
  }
  return false;
}

/// Chunks that are moved more than once: few, and looked for in little memory.
std::unordered_map<std::uint32_t, Earlier> moved_again(const std::vector<Move>& moves,
                                                       std::uint64_t chunks) {
  std::vector<bool> seen(chunks);
  std::unordered_map<std::uint32_t, Earlier> again;
  for (const Move& move : moves) {
    if (seen[move.chunk]) again.try_emplace(move.chunk);
    seen[move.chunk] = true;
  }
  return again;
}

}  // namespace

void join_moves(std::vector<Move>& moves, std::uint64_t chunks) {
  auto again = moved_again(moves, chunks);
  if (again.empty()) return;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < moves.size(); ++i) {
    Move move = moves[i];
    const auto found = again.find(move.chunk);
    if (found != again.end()) {
      if (joined(moves, found->second, move)) continue;
      found->second.push_back(kept);
    }
    moves[kept++] = move;
  }
  moves.resize(kept);
  moves.erase(std::remove_if(moves.begin(), moves.end(),
                             [](const Move& move) { return move.old == move.target; }),
              moves.end());
}

}  // namespace evenkeel::offline
