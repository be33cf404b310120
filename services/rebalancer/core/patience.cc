#include "services/rebalancer/core/patience.h"

#include <algorithm>
#include <map>
#include <vector>

#include "services/rebalancer/core/placement.h"

namespace evenkeel {
namespace {

Duration patience_with(const Member& dead, const Limits& limits) {
  return dead.planned ? limits.patience_planned_stop : limits.patience_server;
}

/// Servers of one rack that are away, the last ones that went and those that went with them.
std::vector<const Server*> gone_together(std::vector<const Server*> gone, Duration window) {
  const auto last = std::max_element(gone.begin(), gone.end(), [](const auto* a, const auto* b) {
    return a->gone_since < b->gone_since;
  });
  const Instant since = *(*last)->gone_since - window;
  std::erase_if(gone, [&](const Server* server) { return *server->gone_since < since; });
  return gone;
}

std::size_t servers_in(const ClusterView& view, std::string_view rack) {
  std::size_t count = 0;
  for (ServerSlot slot = 0; slot < view.server_slots(); ++slot) {
    const Server& server = view.server(slot);
    count += server.admin != AdminState::kRemoved && rack_of(server.member.location) == rack;
  }
  return count;
}

}  // namespace

void await(const Server& server, const Member& dead, const Limits& limits, Instant now,
           Changes& changes) {
  if (!server.gone_since) changes.push_back(ServerGone{server.id(), now, false});
  Instant until = server.gone_since.value_or(now) + patience_with(dead, limits);
  if (server.maintenance_until) until = std::max(until, *server.maintenance_until);
  const auto awaited = until > now ? std::optional(until) : std::nullopt;
  if (server.awaited_until != awaited) changes.push_back(ServerAwaited{server.id(), awaited});
}

void await_report(const Server& server, const Limits& limits, Instant now, Changes& changes) {
  const Instant until = now + limits.patience_report;
  if (server.awaited_until && *server.awaited_until >= until) return;
  changes.push_back(ServerAwaited{server.id(), until});
}

void await_racks(const ClusterView& view, const Limits& limits, Instant now, Changes& changes) {
  std::map<std::string_view, std::vector<const Server*>> gone;
  for (const ServerId id : view.gone()) {
    const Server& server = *view.find(id);
    if (server.admin == AdminState::kRemoved || server.gone_excused) continue;
    gone[rack_of(server.member.location)].push_back(&server);
  }
  for (const auto& [rack, servers] : gone) {
    const auto together = gone_together(servers, limits.brake_window);
    if (together.size() < 2 || 2 * together.size() <= servers_in(view, rack)) continue;
    for (const Server* server : together) {
      const Instant until = *server->gone_since + limits.patience_rack;
      if (until <= now || (server->awaited_until && *server->awaited_until >= until)) continue;
      changes.push_back(ServerAwaited{server->id(), until});
    }
  }
}

void end_awaiting(const ClusterView& view, Instant now, Changes& changes) {
  for (const ServerId id : view.gone()) {
    const Server& server = *view.find(id);
    if (!server.awaited_until || *server.awaited_until > now) continue;
    const bool back = server.member.liveness != Liveness::kDead;
    changes.push_back(ServerAwaited{id, std::nullopt});
    changes.push_back(Noted{"server", to_string(id),
                            back ? "not awaited any longer: it is back, but has not reported"
                                 : "not awaited any longer: what it holds is made up for"});
  }
}

}  // namespace evenkeel
