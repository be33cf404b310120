#include "services/rebalancer/core/put.h"

#include <algorithm>

#include "services/rebalancer/core/placement.h"

namespace evenkeel {
namespace {

constexpr ChunkVersion kFirstVersion(1);

/// Not known to the view yet, but for the rules of placement like any other.
Chunk drawn_up(const ChunkContent& content, const FilePlan& plan) {
  return Chunk{.id = content.chunk,
               .version = content.version,
               .size = content.size,
               .checksum = content.checksum,
               .replicas = {},
               .goal = static_cast<std::uint8_t>(plan.goal),
               .life = ChunkLife::kCreating,
               .policy = plan.policy};
}

std::vector<ServerId> targets_of(Draft& draft, Chunk chunk, const std::vector<ServerId>& avoid) {
  std::vector<ServerId> result;
  while (static_cast<int>(result.size()) < chunk.goal) {
    const Choice choice = choose_target(draft, chunk, std::nullopt, avoid);
    if (!choice.server) break;
    result.push_back(draft.view().server(*choice.server).id());
    draft.book(*choice.server, chunk.size);
    chunk.replicas.push_back(Replica{.server = *choice.server});
  }
  return result;
}

/// What was answered before, if that still does: the same question may come once more, and its
/// answer is to be the same. Chosen anew, targets would be others, since the bytes that are on
/// their way to the first ones count as if they were there.
std::vector<ServerId> told_before(const ClusterView& view, const FilePlan& plan,
                                  const ToPlace& wanted) {
  std::vector<ServerId> targets =
      wanted.chunk ? view.promised(*wanted.chunk) : std::vector<ServerId>();
  const bool all = static_cast<int>(targets.size()) == plan.goal;
  const bool will_do =
      all && std::ranges::all_of(targets, [&](ServerId target) {
        const Server& server = *view.find(target);
        return server.member.liveness == Liveness::kAlive &&
               server.admin == AdminState::kInService &&
               std::ranges::find(wanted.item.avoid, target) == wanted.item.avoid.end();
      });
  if (!will_do) targets.clear();
  return targets;
}

}  // namespace

PlacedChunks place(const ClusterView& view, const Limits& limits, Instant now, const FilePlan& plan,
                   const std::vector<ToPlace>& items) {
  PlacedChunks result;
  Draft draft(view, limits, now);
  ChunkId next = view.next_chunk();
  for (const ToPlace& wanted : items) {
    const PutPlace::Item& item = wanted.item;
    while (!wanted.chunk && view.find(next)) next = ChunkId(next.value() + 1);  // adopted before
    const ChunkId id = wanted.chunk.value_or(next);
    const ChunkContent content{id, kFirstVersion, item.size, item.checksum};
    if (!wanted.chunk) {
      result.changes.push_back(ChunkAdded{content, plan.goal, ChunkLife::kCreating, plan.policy});
      result.changes.push_back(FilePlaced{plan.file, item.index, id});
      next = ChunkId(next.value() + 1);
    }
    if (auto targets = told_before(view, plan, wanted); !targets.empty()) {
      result.placements.push_back({item.index, content, std::move(targets)});
      continue;
    }
    std::vector<ServerId> targets = targets_of(draft, drawn_up(content, plan), item.avoid);
    result.changes.push_back(ChunkPromised{id, targets});
    result.placements.push_back({item.index, content, std::move(targets)});
  }
  if (next != view.next_chunk()) result.changes.push_back(ChunkSequence{next});
  return result;
}

}  // namespace evenkeel
