#pragma once
#include "services/rebalancer/core/cluster_view.h"
#include "services/rebalancer/core/limits.h"
#include "services/rebalancer/core/placement.h"

namespace evenkeel {

/// What to do about the cluster as `view` has it: the next commands, most urgent first.
///
/// The plan is an increment, not the way to the final state: it holds at most
/// `limits.commands_per_turn` commands, and no server gets more than its share. Commands in flight
/// count as if they were done, so that plan() may be called after every batch of events:
///
///     while (true) {
///       wait_for_events();
///       record(facts_of(view, event, limits, now));
///       record(plan(view, limits, now));   // empty when there is nothing to be done now
///     }
///
/// Nothing is planned while membership is not in step, in safe mode nothing but reports, and while
/// the brake holds, beside these, only for chunks with one valid replica left. Pure: equal
/// arguments give equal plans.
Changes plan(const ClusterView& view, const Limits& limits, Instant now);

class Draft;
void report(Draft& draft);  ///< asks servers that came back for what they hold
/// False if it has to wait, for no other reason than that servers have enough to do.
bool repair_one(Draft& draft, ChunkSlot chunk, Reason reason);
void repair_last(Draft& draft);  ///< the part of repair and verify that the brake lets through
void verify_one(Draft& draft, ChunkSlot chunk);
void repair(Draft& draft);  ///< copies what is under-replicated, fewest valid replicas first
void drain(Draft& draft);   ///< copies what is on servers that are leaving
void spread(Draft& draft);  ///< moves replicas that share a failure domain that they should not
void verify(Draft& draft);  ///< asks the holders of suspect replicas to read them
/// Which of the chunks that have a replica too many.
enum class Trim {
  /// All, but those that were moved only until half of the plan is full: a server that is being
  /// filled would stand still while those that it is filled from delete what has gone to it.
  kMovesYield,
  kMovesLeft,  ///< those that were moved
};
/// Deletes what is over, gathering the evidence for it first.
void trim(Draft& draft, Trim which);
void retire(Draft& draft);   ///< deletes the replicas of chunks that their owner has deleted
void balance(Draft& draft);  ///< moves from the fullest to the emptiest

/// What the spread pass would do for a chunk.
struct SpreadMove {
  std::optional<ServerSlot>
      from;           ///< the replica that is to go; none: all are where they should be
  std::string wrong;  ///< with the replica that should go first
  Choice target;
};
SpreadMove choose_move(const Draft& draft, const Chunk& chunk, std::optional<ServerSlot> source);

// The passes for one chunk; for whoever wants to know what they would do.
void spread_one(Draft& draft, ChunkSlot chunk);
void trim_one(Draft& draft, ChunkSlot chunk);
void retire_one(Draft& draft, ChunkSlot chunk);

}  // namespace evenkeel
