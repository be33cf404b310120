#include "services/rebalancer/core/placement.h"

#include <algorithm>
#include <tuple>

#include "common/base/check.h"
#include "common/base/mutant.h"
#include "services/rebalancer/core/nearness.h"

namespace evenkeel {
namespace {

bool being_deleted(const ClusterView& view, const Chunk& chunk, ServerId server) {
  const auto commands = view.in_flight_of(chunk);
  return std::any_of(commands.begin(), commands.end(), [&](CommandId id) {
    const CommandRecord* command = view.find(id);
    return command->kind == CommandKind::kDelete && command->server == server;
  });
}

/// As nearness() has it, without looking at texts where the numbers tell.
int near_each_other(const ClusterView& view, ServerSlot one, ServerSlot other) {
  constexpr int kLevel = 1000;
  const Place &a = view.place(one), &b = view.place(other);
  if (a.zone != b.zone) {
    if (view.says_where(one) || view.says_where(other)) return 0;
    return nearness(view.server(one).member, view.server(other).member);
  }
  return kLevel * (a.host == b.host ? 3 : a.rack == b.rack ? 2 : 1);
}

Refusal crowding(SpreadLevel level) {
  return level == SpreadLevel::kHost   ? Refusal::kSameHost
         : level == SpreadLevel::kRack ? Refusal::kSameRack
                                       : Refusal::kSameZone;
}

}  // namespace

const char* to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::kNotAlive:
      return "not alive";
    case Refusal::kNotReported:
      return "has not reported";
    case Refusal::kNotInService:
      return "not in service";
    case Refusal::kHoldsReplica:
      return "holds a replica";
    case Refusal::kSameHost:
      return "same host";
    case Refusal::kSameRack:
      return "same rack";
    case Refusal::kSameZone:
      return "same zone";
    case Refusal::kLabels:
      return "not the labels required";
    case Refusal::kTooFull:
      return "too full";
    case Refusal::kBusy:
      return "busy";
  }
  EK_CHECK(false);
}

std::string_view rack_of(std::string_view location) {
  const auto cut = location.rfind('/');
  return cut == std::string_view::npos ? location : location.substr(0, cut);
}

std::string_view zone_of(std::string_view location) {
  return location.substr(0, location.find('/'));
}

Holding holding(const Draft& draft, const Chunk& chunk, std::optional<ServerSlot> leaving) {
  const ClusterView& view = draft.view();
  Holding servers;
  const bool busy = chunk.slot != kNoChunk && view.busy(chunk.slot);
  for (const Replica& replica : chunk.replicas) {
    if (replica.server == leaving || !replica.valid() || !view.counts(replica.server)) continue;
    // What is surplus goes only if it is not needed: until its delete it takes its place.
    const bool going =
        replica.leaving && (replica.state != ReplicaState::kSurplus ||
                            being_deleted(view, chunk, view.server(replica.server).id()));
    // Nor does what is on a server that leaves: another disk of that host may take its place.
    if (!going && view.stays(replica.server)) servers.push_back(replica.server);
  }
  if (!busy) return servers;
  for (const CommandId id : view.in_flight_of(chunk)) {
    const CommandRecord* command = view.find(id);
    if (command->kind != CommandKind::kReplicate) continue;
    servers.push_back(*view.slot_of(command->server));
  }
  return servers;
}

Spread spread_of(const Draft& draft, const Chunk& chunk, std::optional<ServerSlot> leaving) {
  Spread spread;
  for (const ServerSlot server : holding(draft, chunk, leaving)) {
    spread.places.push_back(draft.view().place(server));
  }
  return spread;
}

std::optional<Refusal> refusal(const Draft& draft, const Chunk& chunk, ServerSlot candidate,
                               std::optional<ServerSlot> leaving) {
  return refusal(draft, chunk, candidate, spread_of(draft, chunk, leaving));
}

std::optional<Refusal> refusal(const Draft& draft, const Chunk& chunk, ServerSlot candidate,
                               const Spread& others) {
  const ClusterView& view = draft.view();
  if (!view.works(candidate)) {
    const bool alive = view.server(candidate).member.liveness == Liveness::kAlive;
    return alive ? Refusal::kNotReported : Refusal::kNotAlive;
  }
  if (!view.in_service(candidate)) return Refusal::kNotInService;
  bool replaceable = false;
  for (const Replica& replica : chunk.replicas) {
    if (replica.server != candidate) continue;
    // A corrupt or stale replica may be replaced by a copy in its own place: it cannot be deleted
    // before there are enough others, and there may be no other server left to copy to.
    replaceable = replica.state == ReplicaState::kCorrupt ||
                  replica.state == ReplicaState::kStale || EK_MUTANT(move_onto_holder);
    if (!replaceable) return Refusal::kHoldsReplica;
  }
  for (const CommandId id : view.in_flight_of(chunk)) {
    if (view.find(id)->server == view.server(candidate).id()) return Refusal::kHoldsReplica;
  }
  const Place& place = view.place(candidate);
  const SpreadLevel level = view.spread(chunk.policy);
  const bool beside_itself = replaceable && EK_MUTANT(move_onto_holder);
  if (others.has(level, place.at(level)) && !beside_itself) return crowding(level);
  if (!view.allows(chunk.policy, candidate)) return Refusal::kLabels;
  if (!replaceable && !draft.fits(candidate, chunk.size)) return Refusal::kTooFull;
  return std::nullopt;
}

std::vector<Refusal> all_refusals(const Draft& draft, const Chunk& chunk, ServerSlot candidate,
                                  const Spread& others) {
  const ClusterView& view = draft.view();
  const Server& server = view.server(candidate);
  std::vector<Refusal> result;
  const auto check = [&](bool against, Refusal refusal) {
    if (against) result.push_back(refusal);
  };
  check(server.member.liveness != Liveness::kAlive, Refusal::kNotAlive);
  check(server.standing != Standing::kReported, Refusal::kNotReported);
  check(!view.in_service(candidate), Refusal::kNotInService);
  const auto held = view.replica(chunk, server.id());
  const bool replaceable =
      held && (held->state == ReplicaState::kCorrupt || held->state == ReplicaState::kStale);
  const auto commands = view.in_flight_of(chunk);
  const bool meant = std::any_of(commands.begin(), commands.end(), [&](CommandId id) {
    return view.find(id)->server == server.id();
  });
  check((held && !replaceable) || meant, Refusal::kHoldsReplica);
  const SpreadLevel level = view.spread(chunk.policy);
  // That a holder is in its own domain is no news.
  const bool holds = !result.empty() && result.back() == Refusal::kHoldsReplica;
  check(!holds && others.has(level, view.place(candidate).at(level)), crowding(level));
  check(!view.allows(chunk.policy, candidate), Refusal::kLabels);
  check(!replaceable && !draft.fits(candidate, chunk.size), Refusal::kTooFull);
  check(!holds && !draft.may_copy_in(candidate, chunk.size), Refusal::kBusy);
  return result;
}

std::map<ServerId, Refusal> refusals(const Draft& draft, const Chunk& chunk, std::size_t at_most) {
  const Spread spread = spread_of(draft, chunk);
  std::map<ServerId, Refusal> result;
  for (const auto& [id, slot] : draft.view().servers()) {
    if (result.size() == at_most) break;
    if (const auto no = refusal(draft, chunk, slot, spread)) {
      result.emplace(id, *no);
    } else if (!draft.may_copy_in(slot, chunk.size)) {
      result.emplace(id, Refusal::kBusy);
    }
  }
  return result;
}

namespace {

/// One search for a target.
class Search {
 public:
  Search(const Draft& draft, const Chunk& chunk, std::optional<ServerSlot> near,
         const std::vector<ServerId>& avoid, std::optional<ServerSlot> leaving)
      : draft_(draft),
        view_(draft.view()),
        chunk_(chunk),
        near_(draft.limits().prefer_near ? near : std::nullopt),
        avoid_(avoid),
        spread_(spread_of(draft, chunk, leaving)),
        leaving_(leaving) {}

  Choice choose() {
    if (const Copysets* sets = view_.copysets(chunk_.goal, draft_.limits().scatter_width)) {
      if (const auto found = among(*sets)) return *found;
    }
    const SpreadLevel level = view_.spread(chunk_.policy);
    const bool soft = draft_.limits().prefer_spread;
    if (soft && level < SpreadLevel::kZone && used_zones() < draft_.target_zones()) {
      if (const auto found = labelled([&](const Place& p) { return !has_zone(p); })) return *found;
    }
    if (soft && level < SpreadLevel::kRack && !spread_.places.empty()) {
      if (const auto found = labelled([&](const Place& p) { return !has_rack(p); })) return *found;
    }
    if (const auto found = labelled([](const Place&) { return true; })) return *found;
    return in_place();
  }

 private:
  bool has_zone(const Place& place) const { return spread_.has(SpreadLevel::kZone, place.zone); }
  bool has_rack(const Place& place) const { return spread_.has(SpreadLevel::kRack, place.rack); }
  std::size_t used_zones() const {
    SlotSet zones;
    for (const Place& place : spread_.places) {
      if (!zones.contains(place.zone)) zones.insert(place.zone);
    }
    return zones.size();
  }

  /// The emptiest of those that complete a copyset; none if the rules leave none of them.
  std::optional<Choice> among(const Copysets& sets) {
    const Holding holders = holding(draft_, chunk_, leaving_);
    Choice choice;
    for (const ServerSlot server : sets.beside(holders)) {
      if (!allowed(server)) continue;
      const bool may_cross = !near_ || draft_.may_cross(*near_, server);
      if (!may_cross || !draft_.may_copy_in(server, chunk_.size)) {
        choice.only_busy = true;
        lost(server, Refusal::kBusy);
      } else if (!choice.server || draft_.use(server) < draft_.use(*choice.server)) {
        choice.server = server;
      }
    }
    if (choice.server) choice.only_busy = false;
    choice.losers = losers_;
    return choice.server || choice.only_busy ? std::optional(choice) : std::nullopt;
  }

  /// May hold it, and is no holder yet.
  bool allowed(ServerSlot server) {
    for (const Replica& replica : chunk_.replicas) {
      if (replica.server == server && !EK_MUTANT(move_onto_holder)) return false;
    }
    if (const auto no = refusal(draft_, chunk_, server, spread_)) {
      lost(server, no);
      return false;
    }
    return avoid_.empty() ||
           std::find(avoid_.begin(), avoid_.end(), view_.server(server).id()) == avoid_.end();
  }

  void lost(ServerSlot server, std::optional<Refusal> refusal) {
    if (losers_.full() || !draft_.limits().note_losers) return;
    const bool known = std::any_of(losers_.begin(), losers_.end(),
                                   [&](const Loser& loser) { return loser.server == server; });
    if (!known) losers_.add({server, refusal, static_cast<float>(draft_.use(server))});
  }

  /// Those with the labels that the policy prefers first. They are not worth waiting for.
  template <class Wanted>
  std::optional<Choice> labelled(const Wanted& wanted) {
    if (view_.policies().has_preference(chunk_.policy)) {
      const auto found = search(wanted, true);
      if (found && found->server) return found;
    }
    return search(wanted, false);
  }

  template <class Wanted>
  std::optional<Choice> search(const Wanted& wanted, bool preferred) {
    constexpr int kFew = 48;
    bool busy = false, all = false, shared_out = draft_.has_share();
    std::size_t looks = 0;
    const auto pass = [&](ServerSlot server) {
      ++looks;
      if (preferred && !view_.prefers(chunk_.policy, server)) return false;
      if (!wanted(view_.place(server)) || !allowed(server)) return false;
      if (shared_out && !draft_.within_share(server, chunk_.size)) return false;
      const bool may_cross = !near_ || draft_.may_cross(*near_, server);
      if (may_cross && draft_.may_copy_in(server, chunk_.size)) return true;
      busy = true;
      lost(server, Refusal::kBusy);
      return false;
    };
    const ServerHeap& servers = draft_.by_use();
    auto best = servers.first(pass, kFew, &all);
    if (!best && !all) best = servers.first(pass, -1, &all);
    if (!best && shared_out) {
      shared_out = false;
      best = servers.first(pass, -1, &all);
    }
    draft_.looked(looks);
    if (best) {
      const ServerSlot chosen = near_ ? nearest(*best, pass) : *best;
      note_second_best(chosen, pass);
      return Choice{chosen, false, losers_};
    }
    if (busy) return Choice{std::nullopt, true};
    return std::nullopt;
  }

  template <class Pass>
  void note_second_best(ServerSlot chosen, const Pass& pass) {
    constexpr int kLooks = 4;
    if (losers_.full() || !draft_.limits().note_losers) return;
    const auto second = draft_.by_use().first(
        [&](ServerSlot server) { return server != chosen && pass(server); }, kLooks);
    if (second) lost(*second, std::nullopt);
  }

  /// Of those that are filled as far as `best` is, give or take a chunk.
  template <class Pass>
  ServerSlot nearest(ServerSlot best, const Pass& pass) const {
    const double step = draft_.use_step(chunk_.size);
    const auto steps = [&](ServerSlot server) {
      return static_cast<std::int64_t>(draft_.use(server) / step);
    };
    const std::int64_t at = steps(best);
    ServerSlot result = best;
    int levels = near_each_other(view_, best, *near_);
    draft_.by_use().first(
        [&](ServerSlot server) {
          if (steps(server) > at) return true;  // no more of them
          if (!pass(server)) return false;
          const int these = near_each_other(view_, server, *near_);
          if (these > levels) {
            levels = these;
            result = server;
          }
          return false;
        },
        16);
    return result;
  }

  /// No other server can take it; one that holds a damaged replica of it may.
  Choice in_place() const {
    Choice choice;
    for (const Replica& replica : chunk_.replicas) {
      if (refusal(draft_, chunk_, replica.server, spread_)) continue;
      choice.only_busy = !draft_.may_copy_in(replica.server, chunk_.size);
      if (choice.only_busy) continue;
      choice.server = replica.server;
      break;
    }
    return choice;
  }

  const Draft& draft_;
  const ClusterView& view_;
  const Chunk& chunk_;
  const std::optional<ServerSlot> near_;
  const std::vector<ServerId>& avoid_;
  const Spread spread_;
  const std::optional<ServerSlot> leaving_;
  Losers losers_;
};

}  // namespace

Choice choose_target(const Draft& draft, const Chunk& chunk, std::optional<ServerSlot> near,
                     const std::vector<ServerId>& avoid, std::optional<ServerSlot> leaving) {
  return Search(draft, chunk, near, avoid, leaving).choose();
}

bool any_source(const ClusterView& view, const Chunk& chunk) {
  return std::any_of(chunk.replicas.begin(), chunk.replicas.end(), [&](const Replica& replica) {
    return replica.valid() && view.works(replica.server);
  });
}

std::optional<ServerSlot> choose_source(const Draft& draft, const Chunk& chunk,
                                        std::optional<ServerSlot> near) {
  const ClusterView& view = draft.view();
  using Preference = std::tuple<Bytes, int, int, ServerSlot>;  // bytes and copies out, distance
  std::optional<Preference> best;
  for (const Replica& replica : chunk.replicas) {
    const ServerSlot server = replica.server;
    if (!replica.valid() || !view.works(server)) continue;
    if (!draft.may_copy_out(server, chunk.size)) continue;
    if (near && !draft.may_cross(server, *near)) continue;
    const int levels = near ? near_each_other(view, server, *near) : 0;
    const Preference one(draft.bytes_out(server), draft.copies_out(server), -levels, server);
    if (!best || one < *best) best = one;
  }
  if (!best) return std::nullopt;
  return std::get<ServerSlot>(*best);
}

std::string in_words(const std::map<ServerId, Refusal>& refused) {
  std::string words;
  int named = 0;
  for (const auto& [id, why] : refused) {
    if (named++ == 5) return words + ", ...";
    words += (words.empty() ? "" : ", ") + to_string(id) + ": " + to_string(why);
  }
  return words.empty() ? "there are no servers" : words;
}

}  // namespace evenkeel
