// ClusterView, the part that derives from replicas and commands where a chunk stands.
#include <algorithm>

#include "services/rebalancer/core/cluster_view.h"

namespace evenkeel {
namespace {

/// A few numbers, each once.
class Distinct {
 public:
  void add(std::uint32_t number) {
    const auto end = numbers_.begin() + size_;
    twice_ |= std::find(numbers_.begin(), end, number) != end;
    if (size_ < static_cast<int>(numbers_.size()))
      numbers_[static_cast<std::size_t>(size_++)] = number;
  }
  int count() const {
    int result = 0;
    for (int i = 0; i < size_; ++i) {
      const auto at = numbers_.begin() + i;
      result += std::find(numbers_.begin(), at, *at) == at;
    }
    return result;
  }
  bool twice() const { return twice_; }

 private:
  std::array<std::uint32_t, 16> numbers_;  // no goal is larger; more replicas only add to the risk
  int size_ = 0;
  bool twice_ = false;
};

}  // namespace

ReplicaCount ClusterView::count(ChunkSlot slot) const {
  ReplicaCount result;
  const auto commands = in_flight_of(slot);
  result.busy = !commands.empty();
  for (const CommandId id : commands) {
    const CommandRecord& command = in_flight_.at(id);
    result.verifying |= command.kind == CommandKind::kVerify;
    if (command.kind != CommandKind::kReplicate) continue;
    if (counts(server_by_id_.at(command.server))) ++result.projected;
  }
  // Walked anew for each replica: there are few of either, and this is asked for all the time.
  const auto going = [&](ServerSlot server) {
    return std::any_of(commands.begin(), commands.end(), [&](CommandId id) {
      const CommandRecord& command = in_flight_.at(id);
      return command.kind == CommandKind::kDelete && command.server == servers_[server].id();
    });
  };
  const auto dropped = [&](ServerSlot server) {
    return std::any_of(commands.begin(), commands.end(), [&](CommandId id) {
      return in_flight_.at(id).drop == servers_[server].id();
    });
  };
  const PolicyId policy = chunks_.policy(slot);
  const bool restricted = policies_.restricts(policy);
  const SpreadLevel level = spread(policy);
  const SpreadLevel risk_level = many_racks_ ? SpreadLevel::kRack : SpreadLevel::kHost;
  Distinct domains, staying;
  int maintained = 0;
  for (const PackedReplica replica : chunks_.replicas(slot)) {
    const ServerSlot server = replica.server();
    if (!counts(server)) {
      result.awaited += awaited(server) && replica.state() == ReplicaState::kValid;
      continue;
    }
    if (result.busy && going(server)) continue;
    switch (replica.state()) {
      case ReplicaState::kValid:
      case ReplicaState::kSurplus:
        ++result.valid;
        domains.add(places_[server].at(risk_level));
        result.surplus += replica.state() == ReplicaState::kSurplus;
        if (!stays(server)) {
          ++result.departing;
        } else if (!result.busy || !dropped(server)) {
          ++result.projected;
          maintained += in_maintenance(server);
          if (replica.state() == ReplicaState::kValid) staying.add(places_[server].at(level));
          result.refused += restricted && replica.state() == ReplicaState::kValid &&
                            !policies_.allows(policy, server);
        }
        break;
      case ReplicaState::kSuspect:
        ++result.suspect;
        break;
      case ReplicaState::kCorrupt:
      case ReplicaState::kStale:
        ++result.garbage;
        break;
    }
  }
  result.domains = domains.count();
  result.crowded = staying.twice();
  if (result.valid < 2 || result.domains < 2) result.awaited = 0;
  result.projected += result.awaited;
  if (maintained > 0) hold_back_maintained(slot, maintained, result);
  return result;
}

/// Who is in maintenance goes at any moment, and then is awaited: what stays safe without it stays
/// where it is, and what does not is copied while it is still there.
void ClusterView::hold_back_maintained(ChunkSlot slot, int maintained, ReplicaCount& count) const {
  const SpreadLevel level = many_racks_ ? SpreadLevel::kRack : SpreadLevel::kHost;
  Distinct domains;
  int others = 0;
  for (const PackedReplica replica : chunks_.replicas(slot)) {
    const ServerSlot server = replica.server();
    if (replica.state() != ReplicaState::kValid || replica.leaving()) continue;
    if (!counts(server) || in_maintenance(server)) continue;
    ++others;
    domains.add(places_[server].at(level));
  }
  if (others >= 2 && domains.count() >= 2) {
    count.awaited += maintained;
  } else {
    count.projected -= maintained;
    count.departing += maintained;
  }
}

Queue ClusterView::queue_of(ChunkSlot slot) const {
  const ChunkLife life = chunks_.life(slot);
  if (life == ChunkLife::kLive && chunks_.aside(slot)) return Queue::kAside;
  const Queue queue = due(slot);
  const bool waits = life == ChunkLife::kRetired && (busy(slot) || chunks_.aside(slot));
  return waits && queue != Queue::kNone ? Queue::kAside : queue;
}

std::optional<Instant> ClusterView::aside_until(ChunkSlot slot) const {
  const auto found = aside_.find(slot);
  return found == aside_.end() ? std::nullopt : std::optional(found->second.until);
}

Queue ClusterView::due(ChunkSlot slot) const {
  const ChunkLife life = chunks_.life(slot);
  if (life == ChunkLife::kCreating) return Queue::kNone;
  const ReplicaCount now = count(slot);
  if (life == ChunkLife::kRetired) {
    return now.valid + now.suspect + now.garbage > 0 ? Queue::kRetired : Queue::kNone;
  }
  if (now.suspect > 0 && !now.verifying) return Queue::kVerify;
  if (now.valid == 0) return Queue::kLost;
  if (now.projected < chunks_.goal(slot)) {
    // The answer is near, and may save a copy.
    const bool may_do = now.valid > 1 && now.projected + now.suspect >= chunks_.goal(slot);
    return now.verifying && may_do ? Queue::kNone : risk_of(slot, now);
  }
  // Otherwise looked at again when what is in flight has ended.
  if (now.busy) return is_needless(slot, now) ? Queue::kNeedless : Queue::kNone;
  // Who is awaited may not come: while it is away nothing is too many.
  const bool over = now.projected - now.awaited > chunks_.goal(slot);
  if (over || now.garbage > 0 || now.surplus > 0) return Queue::kTrim;
  return now.crowded || now.refused > 0 ? Queue::kSpread : Queue::kNone;
}

bool ClusterView::is_needless(ChunkSlot slot, const ReplicaCount& now) const {
  if (now.projected - now.awaited <= chunks_.goal(slot)) return false;
  const auto commands = in_flight_of(slot);
  return std::any_of(commands.begin(), commands.end(), [&](CommandId id) {
    const CommandRecord& command = in_flight_.at(id);
    return command.kind == CommandKind::kReplicate && !command.drop;
  });
}

Queue ClusterView::risk_of(ChunkSlot slot, const ReplicaCount& now) const {
  if (now.valid == 1) return Queue::kRisk1;
  if (now.valid >= chunks_.goal(slot)) return Queue::kDrain;
  if (now.domains == 1) return Queue::kRiskDomain;
  return now.valid == 2 ? Queue::kRisk2 : now.valid == 3 ? Queue::kRisk3 : Queue::kRiskMore;
}

bool ClusterView::is_leaving(ChunkSlot slot, PackedReplica replica) const {
  if (replica.state() == ReplicaState::kSurplus) return true;
  const auto commands = in_flight_of(slot);
  if (commands.empty()) return false;
  const ServerId server = servers_[replica.server()].id();
  return std::any_of(commands.begin(), commands.end(), [&](CommandId id) {
    const CommandRecord& command = in_flight_.at(id);
    return (command.kind == CommandKind::kDelete && command.server == server) ||
           command.drop == server;
  });
}

void ClusterView::refresh_chunks_of(ServerSlot server) {
  constexpr std::size_t kAhead = 16;
  const SlotSet& chunks = servers_[server].chunks;
  if (loading_) return;
  if (chunks.size() > may_sort_) {
    unsorted_.insert(unsorted_.end(), chunks.begin(), chunks.end());
    return sort_some();
  }
  if (may_sort_ != SIZE_MAX) may_sort_ -= chunks.size();
  for (std::size_t i = 0; i < chunks.cells(); ++i) {
    const std::size_t ahead = i + kAhead;
    if (ahead < chunks.cells() && chunks.cell(ahead) != IndexTable::kNone) {
      chunks_.prefetch(chunks.cell(ahead));
    }
    if (chunks.cell(i) != IndexTable::kNone) refresh(chunks.cell(i));
  }
}

/// As many of those that wait as this turn allows.
void ClusterView::sort_some() {
  constexpr std::size_t kAhead = 16;
  for (; may_sort_ > 0 && !unsorted_.empty(); --may_sort_) {
    const std::size_t last = unsorted_.size() - 1;
    if (last >= kAhead) chunks_.prefetch(unsorted_[last - kAhead]);
    refresh(unsorted_[last]);
    unsorted_.pop_back();
  }
}

void ClusterView::refresh_chunks_under(PolicyId policy) {
  std::vector<ChunkSlot> under;
  for (ChunkSlot slot = 0; slot < chunks_.size(); ++slot) {
    if (chunks_.policy(slot) == policy) under.push_back(slot);
  }
  if (under.size() > may_sort_) {
    unsorted_.insert(unsorted_.end(), under.begin(), under.end());
    return sort_some();
  }
  if (may_sort_ != SIZE_MAX) may_sort_ -= under.size();
  for (const ChunkSlot slot : under) refresh(slot);
}

void ClusterView::refresh_all() {
  for (ChunkSlot slot = 0; slot < chunks_.size(); ++slot) refresh(slot);
}

/// Derives anew what depends on a chunk's replicas and commands.
void ClusterView::refresh(ChunkSlot slot) {
  if (loading_) return;
  for (PackedReplica& replica : chunks_.replicas(slot)) {
    const bool leaving = is_leaving(slot, replica);
    if (leaving == replica.leaving()) continue;
    Server& server = servers_[replica.server()];
    const Bytes size = chunks_.bytes(slot);
    leaving ? server.leaving += size : server.leaving -= size;
    replica.set_leaving(leaving);
  }
  if (chunks_.aside(slot) && chunks_.life(slot) == ChunkLife::kLive &&
      aside_.at(slot).valid != count(slot).valid) {
    unaside(slot);
  }
  set_queue(slot, queue_of(slot));
}

void ClusterView::set_queue(ChunkSlot slot, Queue queue) {
  const Queue before = chunks_.queue(slot);
  if (before == queue) return;
  if (before != Queue::kNone) queues_[static_cast<std::size_t>(before)].erase(slot);
  chunks_.set_queue(slot, queue);
  if (queue != Queue::kNone) queues_[static_cast<std::size_t>(queue)].push(slot);
}

void ClusterView::unaside(ChunkSlot slot) {
  const auto found = aside_.find(slot);
  if (found == aside_.end()) return;
  aside_by_time_.erase({found->second.until, slot});
  aside_.erase(found);
  chunks_.set_aside(slot, false);
}

}  // namespace evenkeel
