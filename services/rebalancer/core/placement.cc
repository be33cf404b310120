#include "services/rebalancer/core/placement.h"

#include <algorithm>
#include <tuple>

#include "common/base/check.h"

namespace evenkeel {
namespace {

bool among(const std::vector<std::string_view>& places, std::string_view place) {
  return std::find(places.begin(), places.end(), place) != places.end();
}

bool being_deleted(const ClusterView& view, const Chunk& chunk, ServerId server) {
  const auto commands = view.in_flight_of(chunk);
  return std::any_of(commands.begin(), commands.end(), [&](CommandId id) {
    const CommandRecord* command = view.find(id);
    return command->kind == CommandKind::kDelete && command->server == server;
  });
}

/// Smaller is better. Racks and zones count only where there is another to go to, which shows in
/// some candidate being better.
struct Rank {
  int shares_zone;
  int shares_rack;
  auto operator<=>(const Rank&) const = default;
};

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

int shared_levels(std::string_view a, std::string_view b) {
  int levels = 0;
  while (!a.empty() && !b.empty()) {
    const auto end_a = a.find('/'), end_b = b.find('/');
    if (a.substr(0, end_a) != b.substr(0, end_b)) break;
    ++levels;
    if (end_a == std::string_view::npos || end_b == std::string_view::npos) break;
    a.remove_prefix(end_a + 1);
    b.remove_prefix(end_b + 1);
  }
  return levels;
}

Spread spread_of(const Draft& draft, const Chunk& chunk, std::optional<ServerSlot> leaving) {
  const ClusterView& view = draft.view();
  Spread spread;
  const auto add = [&](const Server& server) {
    const std::string_view location = server.member.location;
    spread.hosts.push_back(location);
    spread.racks.push_back(rack_of(location));
    spread.zones.push_back(zone_of(location));
  };
  for (const Replica& replica : chunk.replicas) {
    const Server& server = view.server(replica.server);
    // What is surplus goes only if it is not needed: until its delete it takes its place.
    const bool going = replica.leaving && (replica.state != ReplicaState::kSurplus ||
                                           being_deleted(view, chunk, server.id()));
    const bool stays = replica.valid() && !going && server.counts();
    if (stays && replica.server != leaving) add(server);
  }
  for (const CommandId id : view.in_flight_of(chunk)) {
    const CommandRecord* command = view.find(id);
    if (command->kind == CommandKind::kReplicate) add(*view.find(command->server));
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
  const Server& server = view.server(candidate);
  if (server.member.liveness != Liveness::kAlive) return Refusal::kNotAlive;
  if (server.standing != Standing::kReported) return Refusal::kNotReported;
  if (server.admin != AdminState::kInService) return Refusal::kNotInService;
  const Replica* held = view.replica(chunk, server.id());
  // A corrupt or stale replica may be replaced by a copy in its own place: it cannot be deleted
  // before there are enough others, and there may be no other server left to copy to.
  const bool replaceable =
      held && (held->state == ReplicaState::kCorrupt || held->state == ReplicaState::kStale);
  if (held && !replaceable) return Refusal::kHoldsReplica;
  for (const CommandId id : view.in_flight_of(chunk)) {
    if (view.find(id)->server == server.id()) return Refusal::kHoldsReplica;
  }
  if (among(others.hosts, server.member.location)) return Refusal::kSameHost;
  if (!held && !draft.fits(candidate, chunk.size)) return Refusal::kTooFull;
  return std::nullopt;
}

Choice choose_target(const Draft& draft, const Chunk& chunk, std::optional<ServerSlot> near,
                     const std::vector<ServerId>& avoid) {
  const ClusterView& view = draft.view();
  const Spread spread = spread_of(draft, chunk);
  Choice choice;
  std::optional<Rank> best_rank;
  // In place, use, distance.
  using Preference = std::tuple<bool, std::int64_t, int, ServerId, ServerSlot>;
  std::vector<Preference> candidates;
  for (const auto& [id, slot] : view.servers()) {
    if (std::find(avoid.begin(), avoid.end(), id) != avoid.end()) continue;
    if (const auto no = refusal(draft, chunk, slot, spread)) {
      choice.refused.emplace(id, *no);
      continue;
    }
    const std::string_view location = view.server(slot).member.location;
    const Rank rank{among(spread.zones, zone_of(location)), among(spread.racks, rack_of(location))};
    if (best_rank && rank > *best_rank) continue;
    if (!best_rank || rank < *best_rank) candidates.clear();
    best_rank = rank;
    if (!draft.may_copy_in(slot, chunk.size)) {
      choice.refused.emplace(id, Refusal::kBusy);
      continue;
    }
    const bool in_place = view.replica(chunk, id) != nullptr;
    const int levels = near ? shared_levels(location, view.server(*near).member.location) : 0;
    const auto steps = static_cast<std::int64_t>(draft.use(slot) / draft.use_step(chunk.size));
    candidates.emplace_back(in_place, steps, -levels, id, slot);
  }
  const auto best = std::min_element(candidates.begin(), candidates.end());
  if (best != candidates.end()) choice.server = std::get<ServerSlot>(*best);
  return choice;
}

std::optional<ServerSlot> choose_source(const Draft& draft, const Chunk& chunk,
                                        std::optional<ServerSlot> near) {
  const ClusterView& view = draft.view();
  using Preference = std::tuple<int, int, ServerId, ServerSlot>;  // copies out, distance
  std::vector<Preference> candidates;
  for (const Replica& replica : chunk.replicas) {
    const Server& server = view.server(replica.server);
    if (!replica.valid() || !server.works()) continue;
    if (!draft.may_copy_out(replica.server, chunk.size)) continue;
    const int levels =
        near ? shared_levels(server.member.location, view.server(*near).member.location) : 0;
    candidates.emplace_back(draft.copies_out(replica.server), -levels, server.id(), replica.server);
  }
  const auto best = std::min_element(candidates.begin(), candidates.end());
  if (best == candidates.end()) return std::nullopt;
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
