#include "services/rebalancer/core/certificate.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "common/base/check.h"
#include "services/rebalancer/core/fitting.h"

namespace evenkeel {
namespace {

/// What the proposal makes of a server.
enum class Fate : std::uint8_t { kStays, kLeaves, kAway, kLost };

bool being_deleted(const ClusterView& view, ChunkSlot chunk, ServerId server) {
  const auto commands = view.in_flight_of(chunk);
  return std::any_of(commands.begin(), commands.end(), [&](CommandId id) {
    const CommandRecord* command = view.find(id);
    return command->kind == CommandKind::kDelete && command->server == server;
  });
}

/// The chunks that the proposal is about, the places they need, and what becomes of them.
class Needs {
 public:
  Needs(const ClusterView& view, const Limits& limits, Instant now, const Proposal& proposal)
      : view_(view), fates_(view.server_slots(), Fate::kStays) {
    set_fates(proposal.leaving, Fate::kLeaves);
    set_fates(proposal.away, Fate::kAway);
    set_fates(proposal.lost, Fate::kLost);
    add_places(Draft(view, limits, now));
    add_kinds();
    for (const auto& [id, goal] : proposal.goals) {
      if (const auto slot = view.slot_of(id)) goals_.insert_or_assign(*slot, goal);
    }
    for (const ChunkSlot slot : affected()) look_at(slot);
  }

  const Fitting& problem() const { return problem_; }
  ChunkSlot chunk_of(std::size_t item) const { return chunks_[item]; }
  ChunkId id_of(std::size_t item) const { return view_.chunk(chunks_[item]).id; }
  ServerSlot server_of(std::uint32_t place) const { return servers_[place]; }
  Certificate& certificate() { return certificate_; }

  bool is_source(const Replica& replica) const {
    return replica.valid() && fates_[replica.server] != Fate::kLost &&
           view_.server(replica.server).works();
  }

 private:
  void set_fates(const std::vector<ServerId>& servers, Fate fate) {
    for (const ServerId id : servers) {
      if (const auto slot = view_.slot_of(id)) fates_[*slot] = fate;
    }
  }

  void add_places(const Draft& draft) {
    places_.assign(view_.server_slots(), kNoPlace);
    for (ServerSlot slot = 0; slot < view_.server_slots(); ++slot) {
      const Server& server = view_.server(slot);
      const Place& at = view_.place(slot);
      domains_of_.push_back({at.host, at.rack, at.zone});
      if (fates_[slot] != Fate::kStays || server.admin == AdminState::kRemoved) continue;
      // As the planner counts: what is to leave is still there.
      const Bytes arrived = server.used + server.incoming + server.promised;
      Fitting::Place place{
          .room = draft.room_limit(slot) - static_cast<std::int64_t>(arrived.count()),
          .held = static_cast<double>(server.projected().count()),
          .capacity = static_cast<double>(server.member.capacity.count()),
          .domains = domains_of_.back()};
      if (server.member.liveness != Liveness::kAlive) place.broken |= kRuleAlive;
      if (server.standing != Standing::kReported) place.broken |= kRuleReported;
      if (server.admin != AdminState::kInService) place.broken |= kRuleInService;
      places_[slot] = static_cast<std::uint32_t>(problem_.places.size());
      problem_.places.push_back(place);
      servers_.push_back(slot);
    }
  }

  /// One for each policy.
  void add_kinds() {
    for (const Policy& policy : view_.policies().all()) {
      Fitting::Kind kind{.level = static_cast<std::size_t>(policy.spread), .unlabelled = {}};
      for (const ServerSlot server : servers_) {
        if (!policy.required.empty()) kind.unlabelled.push_back(!view_.allows(policy.id, server));
      }
      kinds_.emplace(policy.id, static_cast<std::uint32_t>(problem_.kinds.size()));
      problem_.kinds.push_back(std::move(kind));
    }
  }

  std::vector<ChunkSlot> affected() const {
    std::vector<ChunkSlot> slots;
    for (ServerSlot server = 0; server < fates_.size(); ++server) {
      if (fates_[server] == Fate::kStays) continue;
      for (const ChunkSlot slot : view_.server(server).chunks) slots.push_back(slot);
      if (view_.server(server).copies_in > 0) add_coming_to(server, slots);
    }
    for (const auto& [slot, goal] : goals_) slots.push_back(slot);
    std::sort(slots.begin(), slots.end());
    slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
    return slots;
  }
  void add_coming_to(ServerSlot server, std::vector<ChunkSlot>& slots) const {
    for (const auto& [id, command] : view_.in_flight()) {
      const bool comes =
          command.kind == CommandKind::kReplicate && command.server == view_.server(server).id();
      if (!comes) continue;
      if (const auto slot = view_.slot_of(*command.chunk)) slots.push_back(*slot);
    }
  }

  std::size_t level_of(PolicyId policy) const {
    switch (view_.spread(policy)) {
      case SpreadLevel::kHost:
        return 0;
      case SpreadLevel::kRack:
        return 1;
      case SpreadLevel::kZone:
        return 2;
    }
    EK_CHECK(false);
  }

  /// What a chunk has after what is proposed.
  struct After {
    int valid = 0;      ///< replicas, on servers that are not lost
    int projected = 0;  ///< of those and of what is coming, what stays
    bool was_valid = false;
    bool source = false;
    Fitting::Item item;
  };

  void look_at(ChunkSlot slot) {
    const Chunk& chunk = view_.chunk(slot);
    if (chunk.life != ChunkLife::kLive) return;
    ++certificate_.affected;
    const auto changed = goals_.find(slot);
    const int goal = changed == goals_.end() ? chunk.goal : changed->second;
    After after = what_is_left(slot, chunk);
    after.item.kind = kinds_.at(chunk.policy);
    if (after.valid == 0) {
      if (!after.was_valid) return;
      ++certificate_.lost;
      if (!certificate_.lost_example) certificate_.lost_example = chunk.id;
      return;
    }
    const int missing = goal - after.projected;
    if (missing < 0 && changed != goals_.end()) {
      certificate_.freed += chunk.size * static_cast<std::uint64_t>(-missing);
    }
    if (missing <= 0) return;
    ++certificate_.chunks;
    certificate_.copies += static_cast<std::uint64_t>(missing);
    certificate_.bytes += chunk.size * static_cast<std::uint64_t>(missing);
    certificate_.sourceless += !after.source;
    after.item.size = static_cast<std::int64_t>(chunk.size.count());
    after.item.count = missing;
    after.item.kind = kinds_.at(view_.policies().at(chunk.policy).id);
    problem_.items.push_back(std::move(after.item));
    chunks_.push_back(slot);
  }

  After what_is_left(ChunkSlot slot, const Chunk& chunk) {
    After after;
    const bool counts_awaited = view_.count(slot).awaited > 0;
    const bool may_be_away = safe_without_away(slot, chunk);
    for (const Replica& replica : chunk.replicas) {
      const Server& server = view_.server(replica.server);
      const Fate fate = fates_[replica.server];
      const bool counts = replica.valid() && server.counts();
      after.was_valid |= counts;
      after.valid += counts && fate != Fate::kLost;
      after.source |= is_source(replica);
      const bool stays = fate == Fate::kStays || (fate == Fate::kAway && may_be_away);
      const bool awaited = counts_awaited && replica.state == ReplicaState::kValid &&
                           !server.counts() && view_.awaited(replica.server);
      const bool projected = awaited || is_projected(slot, replica);
      if (stays && projected) {
        ++after.projected;
        after.item.others.push_back(domains_of_[replica.server]);
      }
      if (places_[replica.server] == kNoPlace) continue;
      // What is damaged, in doubt or about to go: once that is settled, it counts or another can
      // come in its place. Who asks in that moment is not told that it is impossible.
      const bool passes = !projected && (!replica.valid() || replica.leaving);
      (passes ? after.item.in_place : after.item.barred).push_back(places_[replica.server]);
    }
    for (const CommandId id : view_.in_flight_of(slot)) {
      const CommandRecord* command = view_.find(id);
      if (command->kind != CommandKind::kReplicate) continue;
      const ServerSlot target = *view_.slot_of(command->server);
      if (places_[target] != kNoPlace) after.item.barred.push_back(places_[target]);
      if (fates_[target] != Fate::kStays || !view_.server(target).counts()) continue;
      ++after.projected;
      after.item.others.push_back(domains_of_[target]);
    }
    return after;
  }

  /// As in the view's count of what is projected.
  bool is_projected(ChunkSlot slot, const Replica& replica) const {
    const Server& server = view_.server(replica.server);
    if (!replica.valid() || !server.counts() || !view_.stays(replica.server)) return false;
    if (!replica.leaving) return true;
    return replica.state == ReplicaState::kSurplus && !being_deleted(view_, slot, server.id());
  }

  /// Two valid replicas in two failure domains are enough while a server is away for a time.
  bool safe_without_away(ChunkSlot slot, const Chunk& chunk) const {
    std::set<std::uint32_t> domains;
    for (const Replica& replica : chunk.replicas) {
      if (fates_[replica.server] == Fate::kAway || fates_[replica.server] == Fate::kLost) continue;
      const Server& server = view_.server(replica.server);
      if (!replica.valid() || !server.counts() || being_deleted(view_, slot, server.id())) continue;
      domains.insert(domains_of_[replica.server][level_of(chunk.policy)]);
    }
    return domains.size() >= 2;
  }

  static constexpr std::uint32_t kNoPlace = UINT32_MAX;

  const ClusterView& view_;
  std::vector<Fate> fates_;                   // by server slot
  std::vector<Fitting::Domains> domains_of_;  // by server slot
  std::vector<std::uint32_t> places_;         // by server slot
  std::vector<ServerSlot> servers_;           // by place
  std::vector<ChunkSlot> chunks_;             // by item
  std::map<ChunkSlot, int> goals_;
  std::map<PolicyId, std::uint32_t> kinds_;  // places in problem_.kinds
  Fitting problem_;
  Certificate certificate_;
};

/// What goes through the servers if each copy is made from the source that has given least; of
/// chunks with little choice first.
class Estimate {
 public:
  Estimate(const ClusterView& view, Needs& needs, const Fit& fit)
      : view_(view), needs_(needs), traffic_(view.server_slots()) {
    std::vector<std::pair<std::size_t, std::size_t>> order;  // sources, item
    for (std::size_t item = 0; item < fit.placed.size(); ++item) {
      order.emplace_back(sources_of(item).size(), item);
    }
    std::sort(order.begin(), order.end());
    for (const auto& [sources, item] : order) {
      if (sources > 0) copy(item, fit.placed[item]);
    }
  }

  void write(const Pace& pace) const {
    std::uint64_t most = 0;
    for (const auto& [id, slot] : view_.servers()) {
      const auto [in, out] = traffic_[slot];
      if (std::max(in, out) <= most) continue;
      most = std::max(in, out);
      needs_.certificate().hottest = Certificate::Hottest{id, Bytes(in), Bytes(out)};
    }
    const std::uint64_t a_second = std::max<std::uint64_t>(1, pace.per_server.count());
    const double seconds = static_cast<double>(most) / static_cast<double>(a_second);
    needs_.certificate().time = Duration(static_cast<std::int64_t>(std::ceil(seconds * 1000)));
  }

 private:
  struct Traffic {
    std::uint64_t in = 0, out = 0;
  };

  std::vector<ServerSlot> sources_of(std::size_t item) const {
    std::vector<ServerSlot> sources;
    const Chunk& chunk = view_.chunk(needs_.chunk_of(item));
    for (const Replica& replica : chunk.replicas) {
      if (needs_.is_source(replica)) sources.push_back(replica.server);
    }
    return sources;
  }

  void copy(std::size_t item, const std::vector<std::uint32_t>& places) {
    const std::uint64_t size = view_.chunk(needs_.chunk_of(item)).size.count();
    const std::vector<ServerSlot> sources = sources_of(item);
    for (const std::uint32_t place : places) {
      const ServerSlot source =
          *std::min_element(sources.begin(), sources.end(), [&](ServerSlot a, ServerSlot b) {
            return std::pair(traffic_[a].out, view_.server(a).id()) <
                   std::pair(traffic_[b].out, view_.server(b).id());
          });
      traffic_[source].out += size;
      traffic_[needs_.server_of(place)].in += size;
    }
  }

  const ClusterView& view_;
  Needs& needs_;
  std::vector<Traffic> traffic_;  // by server slot
};

/// Finds the rules that make it impossible.
class Diagnosis {
 public:
  explicit Diagnosis(Needs& needs)
      : needs_(needs),
        problem_(needs.problem()),
        alone_(problem_),
        sets_(sets_of_rules(problem_)) {}

  void run(const Fit& full) {
    std::vector<Group> groups = groups_alone();
    std::sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
      return std::tuple(a.set, b.chunks) < std::tuple(b.set, a.chunks);
    });
    if (!groups.empty()) {
      std::stable_sort(groups.begin() + 1, groups.end(),
                       [](const Group& a, const Group& b) { return a.chunks > b.chunks; });
    }
    const std::size_t below = groups.empty() ? sets_.size() : groups.front().set;
    if (const auto together = smallest_together(below)) {
      groups.insert(groups.begin(), *together);
    }
    Certificate& certificate = needs_.certificate();
    certificate.verdict =
        groups.empty() ? Certificate::Verdict::kUnproven : Certificate::Verdict::kImpossible;
    if (groups.empty()) groups.push_back(group_of(place_of(kRuleRoom), full));
    for (const Group& group : groups) certificate.obstacles.push_back(obstacle(group));
  }

 private:
  struct Group {
    std::size_t set;  ///< its place in sets_
    std::uint64_t chunks = 0;
    ChunkId example;
    std::size_t level;  ///< at which the example is spread
  };

  /// Those of rules that forbid anything here, the smaller first, and among equals by the order of
  /// their rules.
  static std::vector<RuleSet> sets_of_rules(const Fitting& problem) {
    RuleSet telling = kRuleSpread | kRuleRoom;
    for (const Fitting::Place& place : problem.places) telling |= place.broken;
    for (const Fitting::Kind& kind : problem.kinds) {
      if (!kind.unlabelled.empty()) telling |= kRuleLabels;
    }
    std::vector<RuleSet> sets;
    for (unsigned set = 0; set <= kAllRules; ++set) {
      if ((set & ~unsigned{telling}) == 0) sets.push_back(static_cast<RuleSet>(set));
    }
    const auto rank = [](RuleSet set) {
      // The first rule is the lowest bit, and is to count most.
      unsigned turned = 0;
      for (int bit = 0; bit < 6; ++bit) turned = turned << 1 | ((set >> bit) & 1U);
      return std::pair(std::popcount(set), 63 - turned);
    };
    std::sort(sets.begin(), sets.end(), [&](RuleSet a, RuleSet b) { return rank(a) < rank(b); });
    return sets;
  }
  std::size_t place_of(RuleSet set) const {
    return static_cast<std::size_t>(std::find(sets_.begin(), sets_.end(), set) - sets_.begin());
  }
  ChunkId id_of(std::uint32_t item) const { return needs_.id_of(item); }
  std::size_t level_of(std::uint32_t item) const {
    return problem_.kinds[problem_.items[item].kind].level;
  }

  std::vector<Group> groups_alone() {
    std::map<std::size_t, Group> groups;
    for (std::uint32_t i = 0; i < problem_.items.size(); ++i) {
      if (alone_(problem_.items[i], kAllRules)) continue;
      std::size_t set = 0;
      while (alone_(problem_.items[i], sets_[set])) ++set;
      ++groups.emplace(set, Group{set, 0, id_of(i), level_of(i)}).first->second.chunks;
    }
    std::vector<Group> result;
    for (const auto& [set, group] : groups) result.push_back(group);
    return result;
  }

  /// Of the sets that come before `below`, the first that leaves too little room for all.
  std::optional<Group> smallest_together(std::size_t below) {
    for (std::size_t set = 0; set < below; ++set) {
      if ((sets_[set] & kRuleRoom) == 0) continue;
      const Fit with = fit(problem_, sets_[set]);
      if (with.verdict == Fit::Verdict::kDoesNot) return group_of(set, with);
    }
    return std::nullopt;
  }
  Group group_of(std::size_t set, const Fit& fit) const {
    EK_CHECK(!fit.without.empty());
    const std::uint32_t first = fit.without.front();
    return {set, fit.without.size(), id_of(first), level_of(first)};
  }

  Obstacle obstacle(const Group& group) const {
    constexpr Refusal kCrowding[] = {Refusal::kSameHost, Refusal::kSameRack, Refusal::kSameZone};
    const std::pair<RuleSet, Refusal> names[] = {
        {kRuleAlive, Refusal::kNotAlive},         {kRuleReported, Refusal::kNotReported},
        {kRuleInService, Refusal::kNotInService}, {kRuleSpread, kCrowding[group.level]},
        {kRuleLabels, Refusal::kLabels},          {kRuleRoom, Refusal::kTooFull}};
    Obstacle result{.rules = {}, .chunks = group.chunks, .example = group.example};
    for (const auto& [rule, name] : names) {
      if ((sets_[group.set] & rule) != 0) result.rules.push_back(name);
    }
    if (result.rules.empty()) result.rules.push_back(Refusal::kHoldsReplica);
    return result;
  }

  Needs& needs_;
  const Fitting& problem_;
  FitAlone alone_;
  const std::vector<RuleSet> sets_;
};

}  // namespace

Pace pace_of(const Limits& limits) {
  constexpr Bytes kUsual(100'000'000);
  const Bytes rate = rate_of_copy(limits);
  return {rate > Bytes(0) ? rate : kUsual};
}

Certificate certificate(const ClusterView& view, const Limits& limits, Instant now,
                        const Proposal& proposal, const Pace& pace) {
  Needs needs(view, limits, now, proposal);
  const Fit all = fit(needs.problem(), kAllRules);
  if (all.verdict == Fit::Verdict::kFits) {
    Estimate(view, needs, all).write(pace);
  } else {
    Diagnosis(needs).run(all);
  }
  return needs.certificate();
}

const char* to_string(Certificate::Verdict verdict) {
  switch (verdict) {
    case Certificate::Verdict::kPossible:
      return "possible";
    case Certificate::Verdict::kImpossible:
      return "impossible";
    case Certificate::Verdict::kUnproven:
      return "unproven";
  }
  EK_CHECK(false);
}

std::string in_words(const Obstacle& obstacle) {
  std::string words;
  for (const Refusal rule : obstacle.rules) {
    words += (words.empty() ? "" : ", ") + std::string(to_string(rule));
  }
  return words + ": " + std::to_string(obstacle.chunks) +
         (obstacle.chunks == 1 ? " chunk, " : " chunks, ") + to_string(obstacle.example) +
         (obstacle.chunks == 1 ? "" : " among them");
}

}  // namespace evenkeel
