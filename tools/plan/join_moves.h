#pragma once
#include <cstdint>
#include <vector>

#include "tools/plan/offline.h"

namespace evenkeel::offline {

/// Plans that follow each other move a chunk on from where the one before has put it, and read it
/// there. As one plan: the first place to the last in one move, and read from who holds it now.
/// `chunks` is above the number of every chunk.
void join_moves(std::vector<Move>& moves, std::uint64_t chunks);

}  // namespace evenkeel::offline
