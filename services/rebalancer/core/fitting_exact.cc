// Every way of placing a few items.
#include <algorithm>
#include <numeric>

#include "services/rebalancer/core/fitting.h"

namespace evenkeel::fitting {
namespace {

class Search {
 public:
  Search(const Fitting& problem, RuleSet on)
      : problem_(problem), on_(on), placed_(problem.items.size()), order_(problem.items.size()) {
    for (const auto& place : problem.places) left_.push_back(place.room);
    int copies = 0;
    for (const auto& item : problem.items) copies += item.count;
    // With many there is little hope of seeing the end of it.
    steps_ = copies <= kFew ? 4'000'000 : 200'000;
    std::iota(order_.begin(), order_.end(), 0U);
    std::stable_sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
      return problem.items[a].size > problem.items[b].size;
    });
  }

  Fit run() {
    const bool found = from(0, 0);
    Fit fit;
    fit.verdict = found        ? Fit::Verdict::kFits
                  : steps_ > 0 ? Fit::Verdict::kDoesNot
                               : Fit::Verdict::kUnknown;
    fit.placed = std::move(placed_);
    return fit;
  }

 private:
  static constexpr int kFew = 64;

  /// Places what is left to be placed: of the n-th item, at places from `first` on, and of all
  /// after it.
  bool from(std::size_t n, std::uint32_t first) {
    if (n == order_.size()) return true;
    const std::uint32_t id = order_[n];
    const Fitting::Item& item = problem_.items[id];
    auto& mine = placed_[id];
    if (mine.size() == static_cast<std::size_t>(item.count)) return from(n + 1, 0);
    for (std::uint32_t p = first; p < left_.size() && --steps_ > 0; ++p) {
      const std::int64_t bytes = cost(item, p);
      if (left_[p] < bytes || !allows(problem_, item, p, on_)) continue;
      const bool free = std::all_of(mine.begin(), mine.end(), [&](std::uint32_t other) {
        return apart(problem_, item, other, p, on_);
      });
      if (!free) continue;
      left_[p] -= bytes;
      mine.push_back(p);
      if (from(n, p + 1)) return true;
      mine.pop_back();
      left_[p] += bytes;
    }
    return false;
  }

  const Fitting& problem_;
  const RuleSet on_;
  std::vector<std::int64_t> left_;
  std::vector<std::vector<std::uint32_t>> placed_;
  std::vector<std::uint32_t> order_;
  int steps_ = 0;
};

}  // namespace

Fit fit_exactly(const Fitting& problem, RuleSet on) {
  return Search(problem, on).run();
}

}  // namespace evenkeel::fitting
