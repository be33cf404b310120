#include <algorithm>
#include <tuple>
#include <vector>

#include "services/rebalancer/core/draft.h"
#include "services/rebalancer/core/placement.h"
#include "services/rebalancer/core/planner.h"

namespace evenkeel {
namespace {

bool is_there(const ClusterView& view, const Replica& replica) {
  return replica.state == ReplicaState::kValid && view.counts(replica.server) &&
         view.stays(replica.server);
}

bool shares_domain(const ClusterView& view, const Chunk& chunk, const Replica& one) {
  const SpreadLevel level = view.spread(chunk.policy);
  return std::any_of(chunk.replicas.begin(), chunk.replicas.end(), [&](const Replica& other) {
    return other.server != one.server && is_there(view, other) &&
           view.place(other.server).at(level) == view.place(one.server).at(level);
  });
}

/// The replicas that may have to move, the one to begin with first: those on servers that the
/// policy refuses, then those that share a domain; among these the one on the fullest server.
std::vector<ServerSlot> to_move(const Draft& draft, const Chunk& chunk) {
  const ClusterView& view = draft.view();
  std::vector<std::tuple<bool, double, ServerSlot>> found;
  for (const Replica& one : chunk.replicas) {
    if (!is_there(view, one)) continue;
    const bool refused = !view.allows(chunk.policy, one.server);
    if (!refused && !shares_domain(view, chunk, one)) continue;
    found.emplace_back(!refused, -draft.use(one.server), one.server);
  }
  std::sort(found.begin(), found.end());
  std::vector<ServerSlot> servers;
  for (const auto& one : found) servers.push_back(std::get<ServerSlot>(one));
  return servers;
}

/// What is wrong with the replica that is to move.
std::string wrong_with(const ClusterView& view, const Chunk& chunk, ServerSlot server) {
  if (view.allows(chunk.policy, server)) return "two replicas share a failure domain";
  const Server& holder = view.server(server);
  const LabelTerm* broken =
      broken_term(view.policies().at(chunk.policy).required, holder.member.labels);
  return "the replica on " + to_string(holder.id()) + " breaks the rule '" + to_string(*broken) +
         "' of its policy";
}

}  // namespace

/// Where one can go may depend on which one goes: what stays is in the way.
SpreadMove choose_move(const Draft& draft, const Chunk& chunk, std::optional<ServerSlot> source) {
  SpreadMove move;
  for (const ServerSlot from : to_move(draft, chunk)) {
    if (!move.from) {
      move.from = from;
      move.wrong = wrong_with(draft.view(), chunk, from);
    }
    const Choice target = choose_target(draft, chunk, source, {}, from);
    if (!target.server && !target.only_busy) continue;
    move.from = from;
    move.target = target;
    break;
  }
  return move;
}

void spread_one(Draft& draft, ChunkSlot slot) {
  const Chunk chunk = draft.view().chunk(slot);
  const auto source = choose_source(draft, chunk);
  const bool any = source || any_source(draft.view(), chunk);
  if (any && !source) return;  // all of them are busy: the end of a copy makes us look again
  const SpreadMove move = choose_move(draft, chunk, source);
  if (!move.from) return;
  if (!any) {
    draft.set_aside(slot, "no live server with a valid replica has reported", draft.limits().aside);
  } else if (move.target.server) {
    draft.replicate(slot, *source, *move.target.server, Reason::kSpread, move.from);
    draft.instead_of(move.target.losers);
  } else if (!move.target.only_busy) {
    draft.set_aside(
        slot, move.wrong + "; no other server can take it: " + in_words(refusals(draft, chunk, 6)),
        draft.limits().aside);
  }
}

void spread(Draft& draft) {
  draft.set_urgency(urgency_of(Queue::kSpread));
  const auto waiting = draft.view().queue(Queue::kSpread);
  int examined = 0;
  const std::size_t start = waiting.empty() ? 0 : draft.view().revision() % waiting.size();
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    if (draft.full() || ++examined > draft.limits().examined_per_turn) return;
    const ChunkSlot slot = waiting[(start + i) % waiting.size()];
    if (!draft.touched(slot)) spread_one(draft, slot);
  }
}

}  // namespace evenkeel
