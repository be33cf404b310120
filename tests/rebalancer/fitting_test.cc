#include "services/rebalancer/core/fitting.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "common/base/random.h"

namespace evenkeel {
namespace {

/// Chunks of one size that fill all the room there is to the last byte, so that there are few ways.
Fitting filled(Rng& rng, std::uint32_t places, std::uint32_t items) {
  Fitting problem;
  problem.kinds.push_back({});
  for (std::uint32_t p = 0; p < places; ++p) {
    problem.places.push_back({.room = 0, .capacity = 1'000, .domains = {p / 2, p / 4, 0}});
  }
  for (std::uint32_t i = 0; i < items; ++i) {
    Fitting::Item item{.size = 10, .count = static_cast<int>(rng.between(1, 3))};
    std::vector<std::uint32_t> order(places);
    std::iota(order.begin(), order.end(), 0U);
    rng.shuffle(order);
    std::set<std::uint32_t> hosts;
    std::vector<std::uint32_t> chosen;
    for (const std::uint32_t p : order) {
      if (chosen.size() == static_cast<std::size_t>(item.count)) break;
      if (hosts.insert(p / 2).second) chosen.push_back(p);
    }
    for (const std::uint32_t p : chosen) problem.places[p].room += item.size;
    // Of the others most are forbidden to it: it has one or two places to choose from.
    for (const std::uint32_t p : order) {
      const bool mine = std::find(chosen.begin(), chosen.end(), p) != chosen.end();
      if (!mine && !rng.chance(1, 10)) item.barred.push_back(p);
    }
    problem.items.push_back(std::move(item));
  }
  return problem;
}

void expect_kept(const Fitting& problem, const Fit& fit) {
  std::vector<std::int64_t> used(problem.places.size());
  for (std::size_t i = 0; i < problem.items.size(); ++i) {
    const Fitting::Item& item = problem.items[i];
    ASSERT_EQ(fit.placed[i].size(), static_cast<std::size_t>(item.count));
    std::set<std::uint32_t> hosts;
    for (const std::uint32_t p : fit.placed[i]) {
      EXPECT_EQ(std::count(item.barred.begin(), item.barred.end(), p), 0);
      EXPECT_TRUE(hosts.insert(problem.places[p].domains[0]).second);
      used[p] += item.size;
    }
  }
  for (std::size_t p = 0; p < used.size(); ++p) EXPECT_LE(used[p], problem.places[p].room);
}

TEST(Fitting, FindsTheWayWhereEveryByteIsNeeded) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Rng rng(seed);
    const Fitting problem = filled(rng, 40, 250);
    const Fit found = fit(problem, kAllRules);
    ASSERT_EQ(found.verdict, Fit::Verdict::kFits) << "seed " << seed;
    expect_kept(problem, found);
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

TEST(Fitting, ProvesThatOneChunkTooManyHasNoPlace) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Rng rng(seed);
    Fitting problem = filled(rng, 40, 250);
    auto& place = problem.places[rng.below(problem.places.size())];
    if (place.room == 0) continue;
    place.room -= 1;
    ASSERT_EQ(fit(problem, kAllRules).verdict, Fit::Verdict::kDoesNot) << "seed " << seed;
  }
}

TEST(Fitting, SaysSoWhereItCannotTell) {
  // 90 chunks of sizes without a common measure, into servers that have exactly the room in sum:
  // no effort that is bounded tells whether it can be divided so.
  Rng rng(3);
  Fitting problem;
  problem.kinds.push_back({});
  std::int64_t sum = 0;
  for (int i = 0; i < 90; ++i) {
    problem.items.push_back(
        {.size = static_cast<std::int64_t>(rng.between(1'000'000, 9'000'000)), .count = 1});
    sum += problem.items.back().size;
  }
  for (std::uint32_t p = 0; p < 30; ++p) {
    problem.places.push_back({.room = sum / 30 + 1, .domains = {p, p, p}});
  }
  EXPECT_EQ(fit(problem, kAllRules).verdict, Fit::Verdict::kUnknown);
  problem.places[0].room -= sum / 10;
  EXPECT_EQ(fit(problem, kAllRules).verdict, Fit::Verdict::kDoesNot);
  problem.places[0].room += sum;
  EXPECT_EQ(fit(problem, kAllRules).verdict, Fit::Verdict::kFits);
}

}  // namespace
}  // namespace evenkeel
