#include <algorithm>

#include "services/rebalancer/core/placement.h"
#include "services/rebalancer/core/planner.h"

namespace evenkeel {
/// As many copies as it lacks, each to a failure domain of its own: they are made side by side.
bool repair_one(Draft& draft, ChunkSlot slot, Reason reason) {
  if (draft.touched(slot)) {
    draft.leave_over();
    return true;
  }
  const Chunk chunk = draft.view().chunk(slot);
  if (!any_source(draft.view(), chunk)) {
    draft.set_aside(slot, "no live server with a valid replica has reported", draft.limits().aside);
    return true;
  }
  const ReplicaCount count = draft.view().count(slot);
  std::optional<Chunk> growing;  // with what it gets here
  for (int projected = count.projected; projected < chunk.goal; ++projected) {
    const auto source = choose_source(draft, chunk);
    if (!source) return false;  // all of them are busy: the end of a copy makes us look again
    const Choice target = choose_target(draft, growing ? *growing : chunk, source);
    if (!target.server) {
      if (target.only_busy) return projected > count.projected;
      draft.set_aside(slot, "no server can take it: " + in_words(refusals(draft, chunk, 6)),
                      draft.limits().aside);
      return true;
    }
    if (projected == count.projected && count.surplus > 0) draft.keep_surplus(slot);
    draft.replicate(slot, *source, *target.server, reason, std::nullopt, count.valid);
    draft.instead_of(target.losers);
    if (projected + 1 == chunk.goal) return true;
    if (!growing) growing = chunk;
    growing->replicas.push_back(Replica{.server = *target.server});
  }
  return true;
}

namespace {

std::vector<ChunkSlot> largest_first(const ChunkTable& table, std::span<const ChunkSlot> waiting) {
  std::vector<std::pair<std::uint64_t, ChunkSlot>> sizes;
  sizes.reserve(waiting.size());
  for (const ChunkSlot slot : waiting) sizes.emplace_back(~table.bytes(slot).count(), slot);
  const auto larger = [](const auto& a, const auto& b) { return a.first < b.first; };
  if (!std::is_sorted(sizes.begin(), sizes.end(), larger)) {
    std::stable_sort(sizes.begin(), sizes.end(), larger);
  }
  std::vector<ChunkSlot> result;
  result.reserve(sizes.size());
  for (const auto& [size, slot] : sizes) result.push_back(slot);
  return result;
}

/// Bytes of what has to be made up for: what is on servers that are lost or leave.
double missing_bytes(const ClusterView& view) {
  Bytes missing;
  for (ServerSlot server = 0; server < view.server_slots(); ++server) {
    if (!view.counts(server) || !view.stays(server)) missing += view.server(server).used;
  }
  return static_cast<double>(missing.count());
}

/// What the emptiest target has to be given so that no server is farther from the mean in the end
/// than the fullest one, which repair cannot make emptier. To give it more would make the servers
/// more even, but all wait for the one that has the most to write: time before evenness.
Bytes least_share(const Draft& draft) {
  const double missing = missing_bytes(draft.view());
  double bytes = missing, capacity = 0, fullest = 0;
  draft.each_target([&](ServerSlot server) {
    bytes += static_cast<double>(draft.projected(server));
    capacity += draft.capacity(server);
    fullest = std::max(fullest, draft.use(server));
  });
  if (capacity <= 0) return Bytes(0);
  const double mean = bytes / capacity, lowest = mean - std::max(0.0, fullest - mean);
  double most = 0;
  draft.each_target([&](ServerSlot server) {
    const double lacks = (lowest - draft.use(server)) * draft.capacity(server);
    most = std::max(most, std::max(lacks, missing / capacity * draft.capacity(server)));
  });
  return Bytes(static_cast<std::uint64_t>(most));
}

/// Where there is less than a chunk for each server, no more than three to any: parallel work
/// before an even end, which can be had later. Otherwise for all queues of the plan together.
void share_out(Draft& draft, std::span<const ChunkSlot> waiting) {
  if (waiting.size() < draft.by_use().size()) {
    draft.set_share(Bytes(0));
  } else if (draft.copies().empty()) {
    draft.set_share(least_share(draft));
  }
}

/// It, and those beside it that wait too: what lies together here mostly does on the disks of this
/// service and of agents, and a commit writes each page of a database once. False if it has to wait
/// for servers that are busy.
bool repair_some(Draft& draft, ChunkSlot slot, Reason reason) {
  constexpr ChunkSlot kReach = 32;
  constexpr int kGap = 3;  // that may lie between them
  const ChunkTable& table = draft.view().table();
  if (!repair_one(draft, slot, reason)) return false;
  const Queue queue = table.queue(slot);
  const auto end = static_cast<ChunkSlot>(std::min<std::size_t>(table.size(), slot + kReach));
  int gap = 0;
  for (ChunkSlot beside = slot + 1; beside < end && gap <= kGap && !draft.full(); ++beside) {
    const bool waits = table.queue(beside) == queue && !draft.touched(beside);
    gap = waits ? 0 : gap + 1;
    if (waits && !repair_one(draft, beside, reason)) break;
  }
  return true;
}

/// All of a queue, or as much of it as a plan may look at, in turn.
void repair_queue(Draft& draft, Queue queue, Reason reason, int& examined) {
  draft.set_urgency(urgency_of(queue));
  auto waiting = draft.view().queue(queue);
  std::vector<ChunkSlot> sorted;
  if (draft.limits().largest_first) {
    sorted = largest_first(draft.view().table(), waiting);
    waiting = sorted;
    share_out(draft, waiting);
  }
  // Begins at another place each time, so that chunks whose servers are all busy cannot keep the
  // ones behind them from being looked at.
  const bool all = draft.limits().largest_first || waiting.empty();
  const std::size_t start = all ? 0 : draft.view().revision() % waiting.size();
  const std::size_t servers = draft.view().server_slots();
  constexpr int kEnough = 64;
  int busy_in_a_row = 0;
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    if (draft.full() || ++examined > draft.limits().examined_per_turn) return;
    if (!draft.may_look(servers)) return;
    std::size_t at = start + i;
    if (at >= waiting.size()) at -= waiting.size();
    if (at + 8 < waiting.size()) draft.view().table().prefetch(waiting[at + 8]);
    const bool served = draft.limits().largest_first ? repair_one(draft, waiting[at], reason)
                                                     : repair_some(draft, waiting[at], reason);
    busy_in_a_row = served ? 0 : busy_in_a_row + 1;
    if (busy_in_a_row == kEnough) return;  // others will find the same; each turn begins elsewhere
  }
}

}  // namespace

void repair(Draft& draft) {
  constexpr Queue kByRisk[] = {Queue::kRisk1, Queue::kRiskDomain, Queue::kRisk2, Queue::kRisk3,
                               Queue::kRiskMore};
  int examined = 0;
  for (const Queue risk : kByRisk) repair_queue(draft, risk, Reason::kRepair, examined);
}

void drain(Draft& draft) {
  int examined = 0;
  repair_queue(draft, Queue::kDrain, Reason::kDrain, examined);
}

}  // namespace evenkeel
