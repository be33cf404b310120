// Every commit of fifteen stories, cut off before it, inside of it, after it, and after all have
// heard of it: nothing is lost, nothing is done twice, and rest is reached.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "tests/faults/town.h"
#include "tests/support/temp_dir.h"

namespace evenkeel::faults {

void PrintTo(const Story& story, std::ostream* out) {  // found by googletest
  *out << story.name;
}

namespace {

[[maybe_unused]] FaultVfs& installed = FaultVfs::install();

const char* word(Place place) {
  constexpr const char* kWords[] = {"before", "inside", "at the sync of", "after",
                                    "after the publication of"};
  return kWords[static_cast<std::size_t>(place)];
}

class Commits : public testing::TestWithParam<Story> {
 protected:
  std::map<std::uint64_t, std::uint64_t> counted() {
    Town town(dir_.path() / "town", std::nullopt);
    GetParam().tell(town);
    auto commits = town.commits();
    EXPECT_EQ(town.rest(), "") << "without a crash";
    return commits;
  }
  void cut_off(const Crash& crash) {
    SCOPED_TRACE(GetParam().name + ": cut off " + word(crash.place) + " commit " +
                 std::to_string(crash.commit) + " of " +
                 (crash.server == 0 ? "the rebalancer" : "s" + std::to_string(crash.server)));
    Town town(dir_.path() / "town", crash);
    GetParam().tell(town);
    ASSERT_TRUE(town.crashed());
    ASSERT_EQ(town.rest(), "");
  }

  TempDir dir_;
};

/// EVENKEEL_CRASH=0:54:4 does one run again: server, commit, place.
std::optional<Crash> only_one() {
  const char* given = std::getenv("EVENKEEL_CRASH");
  unsigned long long server = 0, commit = 0, place = 0;
  if (!given || std::sscanf(given, "%llu:%llu:%llu", &server, &commit, &place) != 3) return {};
  return Crash{server, commit, static_cast<Place>(place)};
}

bool all_wanted() {
  const char* given = std::getenv("EVENKEEL_FAULTS");
  return given && std::string(given) == "all";
}

/// Inside of a commit there are two places, which take turns; with EVENKEEL_FAULTS=all both.
bool is_chosen(std::uint64_t commit, Place place) {
  if (place == Place::kInside) return all_wanted() || commit % 2 == 0;
  if (place == Place::kSyncing) return all_wanted() || commit % 2 == 1;
  return true;
}
/// Of an agent's commits each is cut off in one place, in turn; with EVENKEEL_FAULTS=all in each.
bool is_chosen_of_agent(std::uint64_t commit, Place place) {
  return all_wanted() || commit % 4 == static_cast<std::uint64_t>(place);
}

TEST_P(Commits, OfTheRebalancerMayBeCutOffAnywhere) {
  if (const auto crash = only_one()) return cut_off(*crash);
  const std::uint64_t commits = counted().at(0);
  ASSERT_FALSE(HasFailure());
  std::uint64_t runs = 0;
  for (std::uint64_t commit = 1; commit <= commits; ++commit) {
    for (const Place place : kAllPlaces) {
      if (!is_chosen(commit, place)) continue;
      cut_off({0, commit, place});
      ++runs;
      ASSERT_FALSE(HasFailure());
    }
  }
  std::printf("%-36s %4llu commits of the rebalancer, %5llu runs\n", GetParam().name.c_str(),
              static_cast<unsigned long long>(commits), static_cast<unsigned long long>(runs));
}

TEST_P(Commits, OfAnAgentMayBeCutOffAnywhere) {
  if (only_one()) GTEST_SKIP() << "one run is asked for";
  const auto counts = counted();
  ASSERT_FALSE(HasFailure());
  std::uint64_t runs = 0, commits = 0;
  for (const auto& [server, count] : counts) {
    if (server == 0) continue;
    commits += count;
    for (std::uint64_t commit = 1; commit <= count; ++commit) {
      for (const Place place : kAllPlaces) {
        if (place == Place::kPublished) continue;  // what it has said is another commit's matter
        if (!is_chosen_of_agent(commit, place)) continue;
        cut_off({server, commit, place});
        ++runs;
        ASSERT_FALSE(HasFailure());
      }
    }
  }
  std::printf("%-36s %4llu commits of agents, %5llu runs\n", GetParam().name.c_str(),
              static_cast<unsigned long long>(commits), static_cast<unsigned long long>(runs));
}

INSTANTIATE_TEST_SUITE_P(Of, Commits, testing::ValuesIn(stories()),
                         [](const auto& story) { return story.param.name; });

}  // namespace
}  // namespace evenkeel::faults
