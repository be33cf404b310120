#include "services/rebalancer/core/copysets.h"

#include <algorithm>
#include <set>

#include "common/base/random.h"

namespace evenkeel {
namespace {

std::uint32_t domain(const Place& place, bool by_rack) {
  return by_rack ? place.rack : place.host;
}

std::size_t domains(std::span<const Copysets::Member> members, bool by_rack) {
  std::set<std::uint32_t> all;
  for (const auto& member : members) all.insert(domain(member.place, by_rack));
  return all.size();
}

}  // namespace

Copysets::Copysets(std::span<const Member> members, int goal, int scatter_width) {
  const auto size = static_cast<std::size_t>(goal);
  const bool by_rack = domains(members, true) >= size;
  if (goal < 2 || domains(members, by_rack) < size) return;
  ServerSlot most = 0;
  for (const Member& member : members) most = std::max(most, member.server);
  of_.resize(most + 1);
  const int orders = std::max(1, (scatter_width + goal - 2) / (goal - 1));
  for (int order = 0; order < orders; ++order) {
    // Drawn by id: a server that comes or goes moves the others little in their order.
    std::vector<std::pair<std::uint64_t, Member>> drawn;
    for (const Member& member : members) {
      Rng rng(member.id * 0x9E3779B97F4A7C15ULL + static_cast<std::uint64_t>(order));
      drawn.emplace_back(rng.next(), member);
    }
    std::sort(drawn.begin(), drawn.end(), [](const auto& a, const auto& b) {
      return std::pair(a.first, a.second.id) < std::pair(b.first, b.second.id);
    });
    std::vector<Member> sorted;
    for (const auto& [key, member] : drawn) sorted.push_back(member);
    cut(std::move(sorted), size, by_rack);
  }
}

/// Each server goes to the first open set that has none of its domain; sets that stay open are
/// filled up with those that are in fewest others.
void Copysets::cut(std::vector<Member> order, std::size_t goal, bool by_rack) {
  constexpr std::size_t kOpen = 64;
  struct Open {
    Set servers;
    std::vector<std::uint32_t> domains;
    bool may_take(std::uint32_t domain) const {
      return std::find(domains.begin(), domains.end(), domain) == domains.end();
    }
  };
  std::vector<Open> open;
  const auto take = [&](Open& set, const Member& member) {
    set.servers.push_back(member.server);
    set.domains.push_back(domain(member.place, by_rack));
  };
  const auto close = [&](std::size_t at) {
    const auto place = static_cast<std::uint32_t>(sets_.size());
    for (const ServerSlot server : open[at].servers) of_[server].push_back(place);
    sets_.push_back(std::move(open[at].servers));
    open.erase(open.begin() + static_cast<std::ptrdiff_t>(at));
  };
  for (const Member& member : order) {
    std::size_t at = 0;
    while (at < std::min(open.size(), kOpen) && !open[at].may_take(domain(member.place, by_rack))) {
      ++at;
    }
    if (at == std::min(open.size(), kOpen)) {
      at = open.size();
      open.emplace_back();
    }
    take(open[at], member);
    if (open[at].servers.size() == goal) close(at);
  }
  std::stable_sort(order.begin(), order.end(), [&](const Member& a, const Member& b) {
    return of_[a.server].size() < of_[b.server].size();
  });
  while (!open.empty()) {
    for (const Member& member : order) {
      if (open[0].servers.size() == goal) break;
      if (open[0].may_take(domain(member.place, by_rack))) take(open[0], member);
    }
    close(0);
  }
}

std::span<const std::uint32_t> Copysets::sets_of(ServerSlot server) const {
  if (server >= of_.size()) return {};
  return of_[server];
}

bool Copysets::has_all(const Set& set, std::span<const ServerSlot> servers) const {
  return std::all_of(servers.begin(), servers.end(), [&](ServerSlot server) {
    return std::find(set.begin(), set.end(), server) != set.end();
  });
}

bool Copysets::together(std::span<const ServerSlot> servers) const {
  if (servers.empty()) return true;
  const auto sets = sets_of(servers.front());
  return std::any_of(sets.begin(), sets.end(),
                     [&](std::uint32_t set) { return has_all(sets_[set], servers); });
}

std::vector<ServerSlot> Copysets::beside(std::span<const ServerSlot> holders) const {
  std::vector<ServerSlot> others;
  if (holders.empty()) return others;
  for (const std::uint32_t set : sets_of(holders.front())) {
    if (!has_all(sets_[set], holders)) continue;
    for (const ServerSlot server : sets_[set]) {
      if (std::find(holders.begin(), holders.end(), server) == holders.end()) {
        others.push_back(server);
      }
    }
  }
  std::sort(others.begin(), others.end());
  others.erase(std::unique(others.begin(), others.end()), others.end());
  return others;
}

}  // namespace evenkeel
