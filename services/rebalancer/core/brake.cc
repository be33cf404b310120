#include "services/rebalancer/core/brake.h"

#include <algorithm>
#include <map>
#include <span>
#include <vector>

#include "services/rebalancer/core/placement.h"

namespace evenkeel {
namespace {

/// What is drained, removed or in maintenance is away with an operator's knowledge.
bool is_missed(const Server& server) {
  const bool expected =
      server.admin == AdminState::kInService || server.admin == AdminState::kDraining;
  return expected && server.gone_since && !server.gone_excused && !server.counts();
}

std::vector<const Server*> missed(const ClusterView& view) {
  std::vector<const Server*> result;
  for (const ServerId id : view.gone()) {
    const Server& server = *view.find(id);
    if (is_missed(server)) result.push_back(&server);
  }
  std::sort(result.begin(), result.end(), [](const Server* a, const Server* b) {
    return std::pair(*a->gone_since, a->id()) < std::pair(*b->gone_since, b->id());
  });
  return result;
}

/// The most of them that went within one window.
std::span<const Server* const> largest_burst(std::span<const Server* const> sorted,
                                             Duration window) {
  std::span<const Server* const> largest;
  for (std::size_t first = 0, end = 0; first < sorted.size(); ++first) {
    end = std::max(end, first);
    while (end < sorted.size() && *sorted[end]->gone_since - *sorted[first]->gone_since <= window) {
      ++end;
    }
    if (end - first > largest.size()) largest = sorted.subspan(first, end - first);
  }
  return largest;
}

/// The zone all of whose servers are in `burst`, if there is one and if it is not the only zone.
std::optional<std::string> lost_zone(const ClusterView& view,
                                     std::span<const Server* const> burst) {
  struct Zone {
    int servers = 0;
    int gone = 0;
  };
  std::map<std::string_view, Zone> zones;
  for (ServerSlot slot = 0; slot < view.server_slots(); ++slot) {
    const Server& server = view.server(slot);
    if (server.admin == AdminState::kInService || server.admin == AdminState::kDraining) {
      ++zones[zone_of(server.member.location)].servers;
    }
  }
  for (const Server* server : burst) ++zones[zone_of(server->member.location)].gone;
  if (zones.size() < 2) return std::nullopt;
  for (const auto& [name, zone] : zones) {
    if (zone.gone > 1 && zone.gone == zone.servers) return std::string(name);
  }
  return std::nullopt;
}

int count_present(const ClusterView& view) {
  int count = 0;
  for (ServerSlot slot = 0; slot < view.server_slots(); ++slot) count += view.server(slot).counts();
  return count;
}

std::string named(std::span<const Server* const> servers) {
  constexpr std::size_t kMost = 8;
  std::string words;
  for (const Server* server : servers.first(std::min(servers.size(), kMost))) {
    words += (words.empty() ? "" : " ") + to_string(server->id());
  }
  return servers.size() > kMost ? words + " ..." : words;
}

}  // namespace

std::optional<std::string> reason_to_brake(const ClusterView& view, const Limits& limits) {
  const auto all = missed(view);
  if (all.empty()) return std::nullopt;
  const auto burst = largest_burst(all, limits.brake_window);
  const auto gone = static_cast<int>(burst.size());
  const int servers = gone + count_present(view);
  const bool many = gone >= limits.brake_servers && gone > limits.brake_share.value() * servers;
  std::string what;
  if (many) {
    what = std::to_string(gone) + " of " + std::to_string(servers) + " servers went at once";
  } else if (const auto zone = lost_zone(view, burst)) {
    what = "all servers of " + *zone + " went at once";
  } else {
    return std::nullopt;
  }
  return what + " (" + named(burst) +
         "): only chunks with one valid replica left are copied until they are back or an operator "
         "releases the brake";
}

Changes braking(const ClusterView& view, const Limits& limits) {
  auto why = reason_to_brake(view, limits);
  if (why == view.braked()) return {};
  Changes changes{BrakeSet{why}};
  if (!why) {
    changes.push_back(Noted{"mode", "rebalancer", "the brake lets go"});
  } else if (!view.braked()) {
    changes.push_back(Noted{"mode", "rebalancer", "the brake holds: " + *why});
  }
  return changes;
}

Changes brake_released(const ClusterView& view) {
  Changes changes;
  const auto away = missed(view);
  for (const Server* server : away) {
    changes.push_back(ServerGone{server->id(), server->gone_since, true});
    if (server->awaited_until) changes.push_back(ServerAwaited{server->id(), std::nullopt});
  }
  changes.push_back(Noted{"mode", "rebalancer",
                          "the brake was released by an operator: " + std::to_string(away.size()) +
                              " servers that are away are not awaited any longer"});
  return changes;
}

}  // namespace evenkeel
