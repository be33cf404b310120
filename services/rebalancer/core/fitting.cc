// One attempt after the other: as the planner would place them, then by making room, then by trying
// everything; and a proof, where there is one, that none of it can help.
#include "services/rebalancer/core/fitting.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

namespace evenkeel {
namespace fitting {
namespace {

bool among(const std::vector<std::uint32_t>& numbers, std::uint32_t number) {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

}  // namespace

bool allows(const Fitting& problem, const Fitting::Item& item, std::uint32_t place, RuleSet on) {
  const Fitting::Place& there = problem.places[place];
  if ((there.broken & on) != 0) return false;
  const Fitting::Kind& kind = problem.kinds[item.kind];
  if ((on & kRuleLabels) != 0 && !kind.unlabelled.empty() && kind.unlabelled[place]) return false;
  if (among(item.barred, place)) return false;
  if ((on & kRuleSpread) == 0) return true;
  const std::uint32_t domain = there.domains[kind.level];
  return std::none_of(item.others.begin(), item.others.end(),
                      [&](const auto& other) { return other[kind.level] == domain; });
}

bool apart(const Fitting& problem, const Fitting::Item& item, std::uint32_t a, std::uint32_t b,
           RuleSet on) {
  if (a == b) return false;
  const std::size_t level = problem.kinds[item.kind].level;
  return (on & kRuleSpread) == 0 ||
         problem.places[a].domains[level] != problem.places[b].domains[level];
}

std::int64_t cost(const Fitting::Item& item, std::uint32_t place) {
  return among(item.in_place, place) ? 0 : item.size;
}

namespace {

/// Items are given places one after the other, and may be given others when room runs out.
class Packing {
 public:
  Packing(const Fitting& problem, RuleSet on)
      : problem_(problem),
        on_(on),
        held_(problem.places.size()),
        placed_(problem.items.size()),
        at_(problem.places.size()) {
    std::int64_t smallest = INT64_MAX;
    for (const Fitting::Item& item : problem.items) smallest = std::min(smallest, item.size);
    std::vector<std::pair<double, std::uint32_t>> usable;
    for (std::uint32_t p = 0; p < problem.places.size(); ++p) {
      const Fitting::Place& place = problem.places[p];
      left_.push_back(bounded() ? place.room : INT64_MAX / 2);
      held_[p] = place.held;
      if ((place.broken & on) == 0 && left_[p] >= smallest) usable.emplace_back(use(p), p);
    }
    smallest_ = smallest;
    std::sort(usable.begin(), usable.end());
    emptiest_ = std::set(usable.begin(), usable.end());
  }

  bool bounded() const { return (on_ & kRuleRoom) != 0; }

  /// Finds a place among what is free, with the planner's preferences.
  bool place_one(std::uint32_t item) {
    constexpr int kLooks = 16;  // for a better rack or zone, once there is somewhere to go
    std::optional<std::pair<int, std::uint32_t>> best;
    int looks = 0;
    for (const auto& [use, p] : emptiest_) {
      if (best && ++looks > kLooks) break;
      if (!can_take(item, p)) continue;
      const int rank = shares(item, p);
      if (best && rank >= best->first) continue;
      best = {rank, p};
      if (rank == 0) break;
    }
    if (!best) {  // those may have no room to count
      for (const std::uint32_t p : problem_.items[item].in_place) {
        if (can_take(item, p)) best = {0, p};
      }
    }
    if (!best) return false;
    put(item, best->second);
    return true;
  }

  /// Finds a place for one by moving others: along the shortest chain of replicas each of which
  /// goes where the next one was.
  bool make_room(std::uint32_t item) {
    Chain chain(problem_.places.size());
    const auto reach = [&](std::uint32_t moved, std::optional<std::uint32_t> from) {
      for (std::size_t i = 0; i < chain.unseen.size();) {
        const std::uint32_t p = chain.unseen[i];
        if (!may_go(moved, from, p)) {
          ++i;
          continue;
        }
        chain.arrival[p] = Step{moved, from};
        chain.seen.push_back(p);
        chain.unseen[i] = chain.unseen.back();
        chain.unseen.pop_back();
      }
    };
    reach(item, std::nullopt);
    for (std::size_t next = 0; next < chain.seen.size(); ++next) {
      const std::uint32_t p = chain.seen[next];
      const std::int64_t needed = cost(problem_.items[chain.arrival[p]->item], p);
      if (left_[p] >= needed && !chain.moves_one_twice(p)) {
        follow(chain, p);
        return true;
      }
      for (const std::uint32_t there : at_[p]) {
        if (left_[p] + cost(problem_.items[there], p) >= needed) reach(there, p);
      }
    }
    return false;
  }

  /// Whether it is certain that `item` has no place whatever is moved. Everything is looked at that
  /// it could push out of its place, directly or by pushing others: what is found there has
  /// nowhere else to go, so that all of it, and what has not been placed yet and could go nowhere
  /// else either, would need more room than there is.
  bool hopeless(std::uint32_t item) const {
    std::vector<std::uint32_t> unseen(problem_.places.size()), seen;
    std::iota(unseen.begin(), unseen.end(), 0U);
    const auto reach = [&](std::uint32_t moved, std::optional<std::uint32_t> from) {
      for (std::size_t i = 0; i < unseen.size();) {
        if (!may_go(moved, from, unseen[i])) {
          ++i;
          continue;
        }
        seen.push_back(unseen[i]);
        unseen[i] = unseen.back();
        unseen.pop_back();
      }
    };
    reach(item, std::nullopt);
    if (seen.empty()) return true;
    for (std::size_t next = 0; next < seen.size(); ++next) {
      for (const std::uint32_t there : at_[seen[next]]) reach(there, seen[next]);
    }
    return too_much_for(seen, unseen, item);
  }

  void put(std::uint32_t item, std::uint32_t p) { change(item, p, +1); }

  std::size_t count(std::uint32_t item) const { return placed_[item].size(); }
  std::vector<std::vector<std::uint32_t>> placed() && { return std::move(placed_); }

 private:
  struct Step {
    std::uint32_t item;                 ///< what would come to a place
    std::optional<std::uint32_t> from;  ///< and from which other; none: it has none yet
  };
  struct Chain {
    explicit Chain(std::size_t places) : arrival(places), unseen(places) {
      std::iota(unseen.begin(), unseen.end(), 0U);
    }
    std::vector<std::optional<Step>> arrival;  // by place
    std::vector<std::uint32_t> unseen, seen;

    /// Two replicas of one chunk may each go where they are looked at alone, and not together.
    bool moves_one_twice(std::uint32_t last) const {
      std::set<std::uint32_t> items;
      for (std::optional<std::uint32_t> p = last; p; p = arrival[*p]->from) {
        if (!items.insert(arrival[*p]->item).second) return true;
      }
      return false;
    }
  };

  double use(std::uint32_t p) const {
    return held_[p] / std::max(1.0, problem_.places[p].capacity);
  }

  bool is_listed(std::uint32_t p) const {
    return (problem_.places[p].broken & on_) == 0 && left_[p] >= smallest_;
  }

  void change(std::uint32_t item, std::uint32_t p, int sign) {
    if (is_listed(p)) emptiest_.erase({use(p), p});
    const std::int64_t bytes = cost(problem_.items[item], p);
    left_[p] -= sign * bytes;
    held_[p] += static_cast<double>(sign * bytes);
    if (is_listed(p)) emptiest_.emplace(use(p), p);
    if (sign > 0) {
      placed_[item].push_back(p);
      at_[p].push_back(item);
    } else {
      placed_[item].erase(std::find(placed_[item].begin(), placed_[item].end(), p));
      at_[p].erase(std::find(at_[p].begin(), at_[p].end(), item));
    }
  }

  /// Room aside: whether the replica of `item` at `from`, or one more of it, may be at `to`.
  bool may_go(std::uint32_t item, std::optional<std::uint32_t> from, std::uint32_t to) const {
    const Fitting::Item& chunk = problem_.items[item];
    if (!allows(problem_, chunk, to, on_)) return false;
    return std::all_of(placed_[item].begin(), placed_[item].end(), [&](std::uint32_t other) {
      return other == from || apart(problem_, chunk, other, to, on_);
    });
  }

  bool can_take(std::uint32_t item, std::uint32_t p) const {
    return left_[p] >= cost(problem_.items[item], p) && may_go(item, std::nullopt, p);
  }

  /// What of the chunk is in the same zone counts more than what is in the same rack.
  int shares(std::uint32_t item, std::uint32_t p) const {
    constexpr std::size_t kRack = 1, kZone = 2;
    const auto& here = problem_.places[p].domains;
    int rank = 0;
    const auto look = [&](const Fitting::Domains& other) {
      if (other[kZone] == here[kZone]) rank |= 2;
      if (other[kRack] == here[kRack]) rank |= 1;
    };
    for (const auto& other : problem_.items[item].others) look(other);
    for (const std::uint32_t other : placed_[item]) look(problem_.places[other].domains);
    return rank;
  }

  void follow(const Chain& chain, std::uint32_t last) {
    for (std::optional<std::uint32_t> p = last; p;) {
      const Step step = *chain.arrival[*p];
      if (step.from) change(step.item, *step.from, -1);
      put(step.item, *p);
      p = step.from;
    }
  }

  /// The room that `item` needs at the least, if `copies` of it are among `places`.
  std::int64_t least_cost(std::uint32_t item, std::size_t copies,
                          const std::vector<bool>& places) const {
    const auto& in_place = problem_.items[item].in_place;
    const auto free = static_cast<std::size_t>(std::count_if(
        in_place.begin(), in_place.end(), [&](std::uint32_t p) { return places[p]; }));
    return static_cast<std::int64_t>(copies - std::min(copies, free)) * problem_.items[item].size;
  }

  bool too_much_for(const std::vector<std::uint32_t>& places,
                    const std::vector<std::uint32_t>& elsewhere, std::uint32_t item) const {
    std::vector<bool> within(problem_.places.size());
    std::map<std::uint32_t, std::size_t> copies;  // of each item that must be in `places`
    for (const std::uint32_t p : places) {
      within[p] = true;
      for (const std::uint32_t there : at_[p]) ++copies[there];
    }
    for (std::uint32_t i = 0; i < problem_.items.size(); ++i) {
      const std::size_t missing = static_cast<std::size_t>(problem_.items[i].count) - count(i);
      if (missing == 0) continue;
      const bool nowhere_else =
          std::none_of(elsewhere.begin(), elsewhere.end(),
                       [&](std::uint32_t p) { return may_go(i, std::nullopt, p); });
      if (nowhere_else) {
        copies[i] += missing;
      } else if (i == item) {
        ++copies[i];
      }
    }
    std::int64_t needed = 0;
    bool equal = true;
    const std::int64_t size = problem_.items[item].size;
    for (const auto& [other, number] : copies) {
      needed += least_cost(other, number, within);
      equal &= problem_.items[other].size == size;
    }
    // What is left of a place beyond whole chunks is no use.
    const std::int64_t grain = equal && size > 0 ? size : 1;
    std::int64_t room = 0;
    for (const std::uint32_t p : places) {
      room += std::max<std::int64_t>(0, problem_.places[p].room) / grain * grain;
    }
    return needed > room;
  }

  const Fitting& problem_;
  const RuleSet on_;
  std::int64_t smallest_ = 0;
  std::vector<std::int64_t> left_;                       // room, by place
  std::vector<double> held_;                             // by place
  std::vector<std::vector<std::uint32_t>> placed_;       // places by item
  std::vector<std::vector<std::uint32_t>> at_;           // items by place
  std::set<std::pair<double, std::uint32_t>> emptiest_;  // places that take something, by use
};

/// Places all that it can, in this order. With `making_room`, until it is certain that it is in
/// vain, or would take too long.
Fit pack(const Fitting& problem, RuleSet on, const std::vector<std::uint32_t>& order,
         bool making_room) {
  constexpr int kFailuresMax = 64;
  Packing packing(problem, on);
  Fit result;
  int failures = 0;
  for (const std::uint32_t item : order) {
    const auto wanted = static_cast<std::size_t>(problem.items[item].count);
    while (packing.count(item) < wanted) {
      if (packing.place_one(item)) continue;
      const bool tried = making_room && failures < kFailuresMax;
      if (tried && packing.make_room(item)) continue;
      if (tried && packing.hopeless(item)) {
        result.verdict = Fit::Verdict::kDoesNot;
        making_room = false;
      }
      ++failures;
      result.without.push_back(item);
      break;
    }
  }
  if (!result.without.empty() && result.verdict == Fit::Verdict::kFits) {
    result.verdict = Fit::Verdict::kUnknown;
  }
  result.placed = std::move(packing).placed();
  return result;
}

}  // namespace
}  // namespace fitting

Fit fit(const Fitting& problem, RuleSet on) {
  std::vector<std::uint32_t> order(problem.items.size());
  std::iota(order.begin(), order.end(), 0U);
  Fit first = fitting::pack(problem, on, order, false);
  if (first.verdict == Fit::Verdict::kFits) return first;
  if ((on & kRuleRoom) == 0) {  // each for itself: who found no place has none
    first.verdict = Fit::Verdict::kDoesNot;
    return first;
  }
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return problem.items[a].size > problem.items[b].size;
  });
  Fit second = fitting::pack(problem, on, order, true);
  if (second.verdict != Fit::Verdict::kUnknown) return second;
  Fit last = fitting::fit_exactly(problem, on);
  if (last.verdict == Fit::Verdict::kFits) return last;
  second.verdict = last.verdict;
  return second;
}

}  // namespace evenkeel
