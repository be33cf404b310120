#include <algorithm>

#include "services/rebalancer/core/fitting.h"

namespace evenkeel {
namespace {

constexpr std::size_t kEachForItself = 3;

std::uint32_t domain_of(const Fitting& problem, std::uint32_t place, std::size_t level) {
  return level == kEachForItself ? place : problem.places[place].domains[level];
}

}  // namespace

std::size_t FitAlone::level_of(const Fitting::Item& item, RuleSet on) const {
  return (on & kRuleSpread) != 0 ? problem_.kinds[item.kind].level : kEachForItself;
}

const std::vector<std::vector<std::uint32_t>>& FitAlone::places_by(std::size_t level) {
  auto& lists = by_level_[level];
  if (!lists.empty()) return lists;
  for (std::uint32_t p = 0; p < problem_.places.size(); ++p) {
    const std::uint32_t domain = domain_of(problem_, p, level);
    if (domain >= lists.size()) lists.resize(domain + 1);
    lists[domain].push_back(p);
  }
  return lists;
}

const FitAlone::Open& FitAlone::open(std::uint32_t kind, std::size_t level, RuleSet on) {
  const std::uint32_t name = kind * 64 + on;
  for (const auto& [known, open] : open_) {
    if (known == name) return open;
  }
  const Fitting::Item any{.size = 0, .count = 1, .kind = kind};
  const bool bounded = (on & kRuleRoom) != 0;
  Open open;
  for (const auto& places : places_by(level)) {
    std::int64_t best = -1;
    for (const std::uint32_t p : places) {
      if (!fitting::allows(problem_, any, p, on)) continue;
      best = std::max(best, bounded ? problem_.places[p].room : INT64_MAX);
    }
    open.best_room.push_back(best);
    if (best >= 0) open.rooms.push_back(best);
  }
  std::sort(open.rooms.begin(), open.rooms.end());
  return open_.emplace_back(name, std::move(open)).second;
}

bool FitAlone::has_place(const Fitting::Item& item, const std::vector<std::uint32_t>& places,
                         RuleSet on) const {
  return std::any_of(places.begin(), places.end(), [&](std::uint32_t p) {
    if (!fitting::allows(problem_, item, p, on)) return false;
    return (on & kRuleRoom) == 0 || problem_.places[p].room >= fitting::cost(item, p);
  });
}

bool FitAlone::operator()(const Fitting::Item& item, RuleSet on) {
  const std::size_t level = level_of(item, on);
  const auto& by_domain = places_by(level);
  const Open& all = open(item.kind, level, on);
  auto count = static_cast<std::int64_t>(
      all.rooms.end() - std::lower_bound(all.rooms.begin(), all.rooms.end(), item.size));
  // Where it has something to do with a domain, what was counted for anyone is counted for it.
  std::vector<std::uint32_t> special;
  const auto look_at = [&](std::uint32_t domain) {
    if (domain >= by_domain.size()) return;
    if (std::find(special.begin(), special.end(), domain) != special.end()) return;
    special.push_back(domain);
    count -= all.best_room[domain] >= item.size;
    count += has_place(item, by_domain[domain], on);
  };
  if (level != kEachForItself) {
    for (const auto& other : item.others) look_at(other[level]);
  }
  for (const std::uint32_t p : item.barred) look_at(domain_of(problem_, p, level));
  for (const std::uint32_t p : item.in_place) look_at(domain_of(problem_, p, level));
  return count >= item.count;
}

}  // namespace evenkeel
