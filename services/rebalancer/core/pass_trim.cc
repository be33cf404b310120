#include <algorithm>
#include <set>
#include <tuple>

#include "common/base/mutant.h"
#include "services/rebalancer/core/draft.h"
#include "services/rebalancer/core/placement.h"
#include "services/rebalancer/core/planner.h"

namespace evenkeel {
namespace {

/// One chunk that has more replicas than it needs, or stale and corrupt ones.
class Trimming {
 public:
  Trimming(Draft& draft, ChunkSlot slot)
      : draft_(draft),
        view_(draft.view()),
        slot_(slot),
        chunk_(view_.chunk(slot)),
        count_(view_.count(slot)),
        staying_(count_.projected - count_.awaited) {}

  void run() {
    // Nothing can lean on what is to go itself: without enough others it is needed after all.
    if (count_.surplus > 0 && kept() < chunk_.goal) return draft_.keep_surplus(slot_);
    const Replica* victim = choose();
    if (!victim) return;
    const auto leant_on = witnesses(*victim);
    if (!leant_on) return;
    if (ask_what_is_not_fresh(*leant_on)) return;  // its answer makes us look again
    remove(*victim, *leant_on);
  }

 private:
  /// Valid replicas that nobody has chosen to go.
  int kept() const {
    return static_cast<int>(
        std::count_if(chunk_.replicas.begin(), chunk_.replicas.end(), [&](const Replica& replica) {
          return replica.state == ReplicaState::kValid && !replica.leaving &&
                 view_.counts(replica.server) && view_.stays(replica.server);
        }));
  }

  bool fresh(const std::optional<Instant>& asked, Duration limit) const {
    return asked && (draft_.now() - *asked < limit || EK_MUTANT(verified_once_forever));
  }

  /// What is damaged or old goes first; of what is valid, what was chosen before, then the replica
  /// on a server that the policy refuses, then one whose domain holds another, then one whose rack
  /// does, then the one on the fullest server.
  const Replica* choose() {
    const Replica* best = nullptr;
    using Order = std::tuple<bool, bool, bool, bool, bool, double>;
    std::optional<Order> best_order;
    for (const Replica& replica : chunk_.replicas) {
      const Server& server = view_.server(replica.server);
      if (!server.works() || replica.state == ReplicaState::kSuspect) continue;
      if (replica.valid() && staying_ <= chunk_.goal) continue;
      if (replica.valid() && !view_.stays(replica.server)) continue;  // counts as gone already
      if (replica.valid() && is_missed(replica)) continue;
      const Order order{!replica.valid(),
                        replica.state == ReplicaState::kSurplus,
                        !view_.allows(chunk_.policy, replica.server),
                        shares(replica, view_.spread(chunk_.policy)),
                        shares(replica, SpreadLevel::kRack),
                        draft_.use(replica.server)};
      if (best_order && order <= *best_order) continue;
      best_order = order;
      best = &replica;
    }
    if (!best) {
      draft_.set_aside(slot_, "the replicas that are too many are on servers that are not at work",
                       draft_.limits().aside);
    }
    return best;
  }

  bool shares(const Replica& replica, SpreadLevel level) const {
    return std::any_of(chunk_.replicas.begin(), chunk_.replicas.end(), [&](const Replica& other) {
      return other.server != replica.server && other.valid() &&
             view_.place(other.server).at(level) == view_.place(replica.server).at(level);
    });
  }

  /// Domains, as the policy has them, that replicas to stay are in on servers that it allows.
  std::size_t domains_without(std::optional<ServerSlot> gone) const {
    const SpreadLevel level = view_.spread(chunk_.policy);
    std::set<std::uint32_t> domains;
    for (const Replica& replica : chunk_.replicas) {
      if (replica.state != ReplicaState::kValid || replica.server == gone) continue;
      if (!view_.counts(replica.server) || !view_.stays(replica.server)) continue;
      if (!view_.allows(chunk_.policy, replica.server)) continue;
      domains.insert(view_.place(replica.server).at(level));
    }
    return domains.size();
  }

  /// Without it the chunk would be farther from what its policy asks, if only because the one that
  /// should go instead is on a server that is away.
  bool is_missed(const Replica& replica) const {
    if (replica.state != ReplicaState::kValid) return false;
    const auto goal = static_cast<std::size_t>(chunk_.goal);
    const std::size_t without = domains_without(replica.server);
    return without < goal && without < domains_without(std::nullopt);
  }

  /// Those that the delete will lean on: goal of them at least, on hosts of their own.
  std::optional<std::vector<const Replica*>> witnesses(const Replica& victim) {
    std::vector<const Replica*> result;
    std::set<std::string_view> hosts;
    for (const Replica& replica : chunk_.replicas) {
      const Server& server = view_.server(replica.server);
      if (&replica == &victim || replica.state != ReplicaState::kValid) continue;
      if (!server.works() || server.admin != AdminState::kInService) continue;
      if (!hosts.insert(server.member.location).second) continue;
      result.push_back(&replica);
    }
    constexpr std::size_t kMax = 16;  // what a command can carry; no goal is larger
    if (result.size() > kMax) result.resize(kMax);
    if (static_cast<int>(result.size()) >= chunk_.goal) return result;
    keep(victim, result.size());
    return std::nullopt;
  }

  /// There is not enough to lean on. What was to go is needed after all, or must wait.
  void keep(const Replica& victim, std::size_t found) {
    if (victim.state == ReplicaState::kSurplus) draft_.keep_surplus(slot_, victim.server);
    draft_.set_aside(slot_,
                     "a replica too many is kept: " + std::to_string(found) + " of " +
                         std::to_string(chunk_.goal) + " others can be leant on",
                     draft_.limits().aside);
  }

  bool ask_what_is_not_fresh(const std::vector<const Replica*>& leant_on) {
    bool asked = false;
    for (const Replica* replica : leant_on) {
      const bool content = !fresh(replica->content_checked(), draft_.limits().content_fresh - 1h);
      const auto voucher = view_.presence(chunk_, *replica);
      // Half of the time is left for the answers of the others and for the delete itself.
      const bool presence = !fresh(voucher ? std::optional(voucher->asked) : std::nullopt,
                                   draft_.limits().presence_fresh / 2);
      if (!content && !presence) continue;
      asked = true;
      if (!draft_.may_check(replica->server)) continue;
      draft_.verify(slot_, replica->server,
                    content ? VerifyLevel::kContent : VerifyLevel::kPresence,
                    "a delete is to lean on it");
    }
    return asked;
  }

  Holder holder(const Replica& replica) const {
    const Member& member = view_.server(replica.server).member;
    const auto voucher = view_.presence(chunk_, replica);
    return Holder{.server = member.server,
                  .storage = member.storage,
                  .location = member.location,
                  .version = chunk_.version,
                  .checksum = chunk_.checksum,
                  .presence_age = draft_.now() - voucher->asked,
                  .content_age = std::max(Duration(0), draft_.now() - *replica.content_checked()),
                  .vouched_by = voucher->by,
                  .vouched = voucher->id};
  }

  void remove(const Replica& victim, const std::vector<const Replica*>& leant_on) {
    if (!draft_.may_check(victim.server)) return;
    std::vector<Holder> evidence;
    for (const Replica* replica : leant_on) evidence.push_back(holder(*replica));
    const Reason reason = victim.state == ReplicaState::kSurplus ? Reason::kBalance : Reason::kTrim;
    const char* what = victim.state == ReplicaState::kCorrupt ? "corrupt"
                       : victim.state == ReplicaState::kStale ? "stale"
                                                              : "one too many";
    draft_.remove(slot_, victim.server, view_.version_of(chunk_, victim), reason,
                  std::move(evidence), false,
                  std::string(what) + "; " + std::to_string(leant_on.size()) + " others verified");
  }

  Draft& draft_;
  const ClusterView& view_;
  const ChunkSlot slot_;
  const Chunk chunk_;
  const ReplicaCount count_;
  const int staying_;  ///< projected without who is away
};

}  // namespace

void trim_one(Draft& draft, ChunkSlot slot) {
  Trimming(draft, slot).run();
}

namespace {

/// A copy of it has been made elsewhere so that a replica may go, which counts as gone already.
bool completes_move(const Draft& draft, ChunkSlot slot) {
  const auto replicas = draft.view().table().replicas(slot);
  return std::any_of(replicas.begin(), replicas.end(), [](const PackedReplica replica) {
    return replica.state() == ReplicaState::kSurplus;
  });
}

}  // namespace

void trim(Draft& draft, Trim which) {
  if (draft.view().deletes_held()) return;
  int examined = 0;
  const int half = draft.limits().commands_per_turn / 2;
  const auto waiting = draft.view().queue(Queue::kTrim);
  const std::size_t start = waiting.empty() ? 0 : draft.view().revision() % waiting.size();
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    if (draft.full() || ++examined > draft.limits().examined_per_turn) return;
    const ChunkSlot slot = waiting[(start + i) % waiting.size()];
    if (draft.touched(slot)) continue;
    const bool yields = completes_move(draft, slot);
    if (which == Trim::kMovesLeft ? !yields : yields && draft.commands() >= half) continue;
    trim_one(draft, slot);
  }
}

}  // namespace evenkeel
