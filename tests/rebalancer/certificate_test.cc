#include "services/rebalancer/core/certificate.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <set>

#include "common/base/random.h"
#include "tests/rebalancer/cluster_builder.h"

namespace evenkeel {
namespace {

constexpr Pace kPace{Bytes(10)};  // a second

Certificate asked(const std::string& drawing, const Proposal& proposal) {
  const Cluster cluster(drawing);
  return certificate(cluster.view(), cluster.limits_now(), cluster.now(), proposal, kPace);
}

/// "2 of 3 chunks, 2 copies, 20 bytes, 1000 ms, hottest s4", or what makes it impossible.
std::string in_words(const Certificate& c) {
  std::string words = std::to_string(c.chunks) + " of " + std::to_string(c.affected) + " chunks, " +
                      std::to_string(c.copies) + " copies, " + std::to_string(c.bytes.count()) +
                      " bytes";
  if (c.lost > 0) words += ", " + std::to_string(c.lost) + " lost, " + to_string(*c.lost_example);
  if (c.freed.count() > 0) words += ", " + std::to_string(c.freed.count()) + " freed";
  if (c.sourceless > 0) words += ", " + std::to_string(c.sourceless) + " without a source";
  if (c.hottest) {
    words += ", " + std::to_string(c.time.count()) + " ms, hottest " + to_string(c.hottest->server);
  }
  if (!c.possible()) words += ", " + std::string(to_string(c.verdict));
  for (const Obstacle& obstacle : c.obstacles) words += "; " + in_words(obstacle);
  return words;
}

const Proposal kDrain1{.leaving = {ServerId(1)}, .away = {}, .lost = {}, .goals = {}};

struct Case {
  const char* name;
  const char* drawing;
  Proposal proposal;
  const char* answer;
};

class CertificateCases : public testing::TestWithParam<Case> {};

TEST_P(CertificateCases, SayWhatItCostsOrWhyNot) {
  EXPECT_EQ(in_words(asked(GetParam().drawing, GetParam().proposal)), GetParam().answer);
}

INSTANTIATE_TEST_SUITE_P(
    Certificate, CertificateCases,
    testing::Values(
        Case{"ADrainCopiesWhatItHolds", R"(
             s1 A/1 100
             s2 A/2 100
             s3 A/3 100
             c1 2 10 = s1 s2
             c2 2 20 = s1 s2
             c3 2 30 = s2 s3)",
             kDrain1, "2 of 2 chunks, 2 copies, 30 bytes, 3000 ms, hottest s3"},
        Case{"WhatHasEnoughElsewhereStays", R"(
             s1 A/1 100
             s2 A/2 100
             s3 A/3 100
             c1 2 10 = s1 s2 s3)",
             kDrain1, "0 of 1 chunks, 0 copies, 0 bytes"},
        Case{"WhereOneIsBeingDeletedAnotherCanCome",
             R"(
             s1 A/1 100
             s2 A/2 100
             s3 A/3 100
             c1 2 90 = s1 s2 s3
             c1: delete s3)",
             kDrain1, "1 of 1 chunks, 1 copies, 90 bytes, 9000 ms, hottest s1"},
        Case{"WhereOneIsBeingMovedFromAnotherCanCome",
             R"(
             s1 A/1 100
             s2 A/2 100
             s3 A/3 100
             c1 2 10 = s1 s2
             c1: s2 -> s3 drop s2)",
             kDrain1, "1 of 1 chunks, 1 copies, 10 bytes, 1000 ms, hottest s1"},
        Case{"WhatIsInDoubtIsFoundWholeOrReplaced",
             R"(
             s1 A/1 100
             s2 A/2 100
             s3 A/3 100
             c1 2 10 = s1 s2 s3:suspect)",
             kDrain1, "1 of 1 chunks, 1 copies, 10 bytes, 1000 ms, hottest s1"},
        Case{"TwoServersThatLeaveTakeNothingFromEachOther",
             R"(
             s1 A/1 100
             s2 A/2 100
             s3 A/3 100
             s4 A/4 100
             c1 2 10 = s1 s2)",
             {.leaving = {ServerId(1), ServerId(2)}, .away = {}, .lost = {}, .goals = {}},
             "1 of 1 chunks, 2 copies, 20 bytes, 1000 ms, hottest s1"},
        Case{"TooFewServers", R"(
             s1 A/1 100
             s2 A/2 100
             c1 2 10 = s1 s2)",
             kDrain1,
             "1 of 1 chunks, 1 copies, 10 bytes, impossible; holds a replica: 1 chunk, c1"},
        Case{"TheOnlyOtherServerIsDead", R"(
             s1 A/1 100
             s2 A/2 100
             s3 A/3 100 suspect
             c1 2 10 = s1 s2)",
             kDrain1, "1 of 1 chunks, 1 copies, 10 bytes, impossible; not alive: 1 chunk, c1"},
        Case{"TheOnlyOtherServerLacksTheLabels", R"(
             p1 host disk = ssd
             s1 A/1 100 labels=disk=ssd
             s2 A/2 100 labels=disk=ssd
             s3 A/3 100
             c1 2 10 p1 = s1 s2
             c2 2 10 = s1 s2)",
             kDrain1,
             "2 of 2 chunks, 2 copies, 20 bytes, impossible; not the labels required: 1 chunk, c1"},
        Case{"TheOnlyOtherServerIsInTheOtherReplicasRack", R"(
             p1 rack
             s1 z/a/1 100
             s2 z/b/2 100
             s3 z/b/3 100
             c1 2 10 p1 = s1 s2
             c2 2 10 = s1 s2)",
             kDrain1, "2 of 2 chunks, 2 copies, 20 bytes, impossible; same rack: 1 chunk, c1"},
        Case{"OnTheSameHost", R"(
             s1 A/1 100
             s2 A/2 100
             s3 A/2 100
             c1 2 10 = s1 s2
             c2 2 10 = s1 s3)",
             kDrain1,
             "2 of 2 chunks, 2 copies, 20 bytes, impossible; same host: 2 chunks, c1 among them"},
        Case{"OfTwoReasonsBothAreNamed", R"(
             s1 A/1 100
             s2 A/2 100
             s3 A/2 100
             s4 A/4 100 draining
             c1 2 10 = s1 s2)",
             kDrain1,
             "1 of 1 chunks, 1 copies, 10 bytes, impossible; not in service, same host: 1 chunk, "
             "c1"},
        Case{"OneChunkFitsTwoDoNot", R"(
             s1 A/1 100
             s2 A/2 100
             s3 A/3 21
             c1 2 10 = s1 s2
             c2 2 10 = s1 s2)",
             kDrain1, "2 of 2 chunks, 2 copies, 20 bytes, impossible; too full: 1 chunk, c2"},
        Case{"EachChunkForItsOwnReason", R"(
             s1 A/1 100
             s2 A/2 200
             s3 A/2 200
             s4 A/3 25
             c1 2 20 = s1 s4
             c2 2 30 = s1 s2
             c3 2 50 = s1 s3
             c4 3 10 = s1 s2 s4)",
             kDrain1,
             "4 of 4 chunks, 4 copies, 110 bytes, impossible; same host: 1 chunk, c4; "
             "same host, too full: 2 chunks, c2 among them"},
        Case{"ALostServerIsNoSource",
             R"(
             s1 A/1 100
             s2 A/2 100
             s3 A/3 100
             c1 2 10 = s1 s2
             c2 1 10 = s1)",
             {.leaving = {}, .away = {}, .lost = {ServerId(1)}, .goals = {}},
             "1 of 2 chunks, 1 copies, 10 bytes, 1 lost, c2, 1000 ms, hottest s2"},
        Case{"MaintenanceLeavesWhatIsSafe",
             R"(
             s1 A/1 100
             s2 A/2 100
             s3 A/3 100
             c1 3 10 = s1 s2 s3
             c2 2 10 = s1 s2
             c3 1 10 = s1)",
             {.leaving = {}, .away = {ServerId(1)}, .lost = {}, .goals = {}},
             "2 of 3 chunks, 2 copies, 20 bytes, 1000 ms, hottest s1"},
        Case{"AHigherGoal",
             R"(
             s1 A/1 100
             s2 A/2 100
             s3 A/3 100
             c1 1 10 = s1)",
             {.leaving = {}, .away = {}, .lost = {}, .goals = {{ChunkId(1), 3}}},
             "1 of 1 chunks, 2 copies, 20 bytes, 2000 ms, hottest s1"},
        Case{"AGoalAboveTheNumberOfServers",
             R"(
             s1 A/1 100
             s2 A/2 100
             s3 A/3 100 registering
             c1 1 10 = s1)",
             {.leaving = {}, .away = {}, .lost = {}, .goals = {{ChunkId(1), 4}}},
             "1 of 1 chunks, 3 copies, 30 bytes, impossible; holds a replica: 1 chunk, c1"},
        Case{"ALowerGoalFreesRoom",
             R"(
             s1 A/1 100
             s2 A/2 100
             s3 A/3 100
             c1 3 10 = s1 s2 s3)",
             {.leaving = {}, .away = {}, .lost = {}, .goals = {{ChunkId(1), 1}}},
             "0 of 1 chunks, 0 copies, 0 bytes, 20 freed"},
        Case{"WhatIsInFlightCountsAsDone", R"(
             s1 A/1 100
             s2 A/2 100
             s3 A/3 100
             s4 A/4 100
             c1 2 10 = s1 s2
             c2 2 10 = s2 s3
             c1: s1 -> s3 drop s1
             c2: s2 -> s1 drop s2)",
             kDrain1, "1 of 2 chunks, 1 copies, 10 bytes, 1000 ms, hottest s2"},
        Case{"WithoutASourceItMustWait", R"(
             s1 A/1 100 presumed
             s2 A/2 100
             s3 A/3 100
             c1 1 10 = s1)",
             kDrain1, "1 of 1 chunks, 1 copies, 10 bytes, 1 without a source"},
        Case{"RoomIsMadeByMovingOthers", R"(
             s1 A/1 100
             s2 A/2 11
             s3 A/3 22
             s4 A/4 33
             c1 2 10 = s1 s2
             c2 2 10 = s1 s4
             c3 1 10 = s3
             c4 1 10 = s4)",
             kDrain1, "2 of 2 chunks, 2 copies, 20 bytes, 1000 ms, hottest s1"}),
    [](const auto& test) { return std::string(test.param.name); });

/// A small cluster in which anything may be, and what draining some of it would need; worked out
/// from the drawing alone, by trying everything.
class Drawn {
 public:
  explicit Drawn(Rng& rng) : servers_(rng.between(3, 6)), chunks_(rng.between(1, 6)) {
    const bool tight = rng.chance(2, 3);
    for (std::size_t s = 0; s < servers_.size(); ++s) {
      Server& server = servers_[s];
      server.host = "r" + std::to_string(rng.between(1, 3)) + "/h" +
                    std::to_string(rng.chance(1, 3) ? rng.between(1, 3) : s + 10);
      server.room = static_cast<std::int64_t>(rng.between(0, tight ? 5 : 12)) * 10;
      const char* states[] = {"", "", "", "", "suspect", "dead", "presumed", "draining"};
      server.state = states[rng.below(std::size(states))];
      server.proposed = s == 0 || rng.chance(1, 6);
    }
    for (Chunk& chunk : chunks_) {
      chunk.goal = static_cast<int>(rng.between(1, 3));
      chunk.size = static_cast<std::int64_t>(rng.between(tight ? 1 : 0, 3)) * 10;
      if (rng.chance(1, 4)) chunk.size += 3;
      for (std::size_t s = 0; s < servers_.size(); ++s) {
        if (rng.chance(2, 5)) chunk.held[s] = rng.chance(1, 8) ? ":stale" : "";
      }
      for (std::size_t s = 0; s < servers_.size(); ++s) {
        const bool able = servers_[s].state.empty() && !chunk.held.contains(s);
        if (able && !chunk.held.empty() && rng.chance(1, 12)) chunk.coming.push_back(s);
      }
    }
  }

  std::string drawing() const {
    std::string text;
    for (std::size_t s = 0; s < servers_.size(); ++s) {
      text += "s" + std::to_string(s + 1) + " " + servers_[s].host + " " +
              std::to_string(held(s) + servers_[s].room) + " " + servers_[s].state + "\n";
    }
    std::string commands;
    for (std::size_t c = 0; c < chunks_.size(); ++c) {
      const Chunk& chunk = chunks_[c];
      const std::string name = "c" + std::to_string(c + 1);
      text += name + " " + std::to_string(chunk.goal) + " " + std::to_string(chunk.size) + " =";
      for (const auto& [s, state] : chunk.held) text += " s" + std::to_string(s + 1) + state;
      text += "\n";
      for (const std::size_t s : chunk.coming) {
        commands += name + ": s" + std::to_string(chunk.held.begin()->first + 1) + " -> s" +
                    std::to_string(s + 1) + "\n";
      }
    }
    return text + commands;
  }
  Proposal proposal() const {
    Proposal proposal;
    for (std::size_t s = 0; s < servers_.size(); ++s) {
      if (servers_[s].proposed) proposal.leaving.emplace_back(s + 1);
    }
    return proposal;
  }

  using Rules = std::set<Refusal>;
  bool possible(const Rules& on) const {
    std::vector<std::int64_t> room;
    for (const Server& server : servers_) room.push_back(server.room);
    for (const Chunk& chunk : chunks_) {
      for (const std::size_t s : chunk.coming) room[s] -= chunk.size;
    }
    return can_place(on, room, 0, {});
  }
  bool possible_alone(std::size_t chunk, const Rules& on) const {
    Drawn other = *this;
    for (std::size_t c = 0; c < chunks_.size(); ++c) {
      if (c != chunk) other.exempt_.insert(c);
    }
    return other.possible(on);
  }
  std::size_t chunks() const { return chunks_.size(); }
  int missing(std::size_t c) const {
    const Chunk& chunk = chunks_[c];
    bool touched = false, valid = false;
    int stay = 0;
    for (const auto& [s, state] : chunk.held) {
      touched |= servers_[s].proposed;
      valid |= counts(s) && state.empty();
      stay += state.empty() && stays(s);
    }
    for (const std::size_t s : chunk.coming) {
      touched |= servers_[s].proposed;
      stay += stays(s);
    }
    return touched && valid ? std::max(0, chunk.goal - stay) : 0;
  }
  std::int64_t size(std::size_t c) const { return chunks_[c].size; }

 private:
  struct Server {
    std::string host, state;
    std::int64_t room = 0;
    bool proposed = false;
  };
  struct Chunk {
    int goal = 1;
    std::int64_t size = 0;
    std::map<std::size_t, std::string> held;
    std::vector<std::size_t> coming;
  };

  std::int64_t held(std::size_t s) const {
    std::int64_t bytes = 0;
    for (const Chunk& chunk : chunks_) bytes += chunk.held.contains(s) ? chunk.size : 0;
    return bytes;
  }
  bool counts(std::size_t s) const { return servers_[s].state != "dead"; }
  bool stays(std::size_t s) const {
    return counts(s) && servers_[s].state != "draining" && !servers_[s].proposed;
  }

  bool allowed(std::size_t c, std::size_t s, const Rules& on,
               const std::vector<std::size_t>& mine) const {
    const Server& server = servers_[s];
    const Chunk& chunk = chunks_[c];
    if (server.proposed) return false;
    const bool dead = server.state == "dead";
    if (on.contains(Refusal::kNotAlive) && (dead || server.state == "suspect")) return false;
    if (on.contains(Refusal::kNotReported) && (dead || server.state == "presumed")) return false;
    if (on.contains(Refusal::kNotInService) && server.state == "draining") return false;
    const auto held = chunk.held.find(s);
    if (held != chunk.held.end() && held->second.empty()) return false;
    const auto same = [&](std::size_t other) {
      return other == s || (on.contains(Refusal::kSameHost) && servers_[other].host == server.host);
    };
    for (const auto& [other, state] : chunk.held) {
      if (other != s && state.empty() && stays(other) && same(other)) return false;
    }
    for (const std::size_t other : chunk.coming) {
      if (other == s || (stays(other) && same(other))) return false;
    }
    return std::none_of(mine.begin(), mine.end(), same);
  }

  bool can_place(const Rules& on, std::vector<std::int64_t>& room, std::size_t c,
                 std::vector<std::size_t> mine) const {
    if (c == chunks_.size()) return true;
    const auto wanted = static_cast<std::size_t>(exempt_.contains(c) ? 0 : missing(c));
    if (mine.size() == wanted) return can_place(on, room, c + 1, {});
    for (std::size_t s = mine.empty() ? 0 : mine.back() + 1; s < servers_.size(); ++s) {
      if (!allowed(c, s, on, mine)) continue;
      const std::int64_t needed = chunks_[c].held.contains(s) ? 0 : chunks_[c].size;
      if (on.contains(Refusal::kTooFull) && room[s] < needed) continue;
      room[s] -= needed;
      mine.push_back(s);
      const bool found = can_place(on, room, c, mine);
      mine.pop_back();
      room[s] += needed;
      if (found) return true;
    }
    return false;
  }

  std::vector<Server> servers_;
  std::vector<Chunk> chunks_;
  std::set<std::size_t> exempt_;  ///< from needing places
};

/// All sets of rules, smaller ones first, and among equals by their rules in order.
std::vector<Drawn::Rules> sets_of_rules() {
  const std::vector<Refusal> rules{Refusal::kNotAlive, Refusal::kNotReported,
                                   Refusal::kNotInService, Refusal::kSameHost, Refusal::kTooFull};
  std::vector<Drawn::Rules> sets;
  for (unsigned bits = 0; bits < 1U << rules.size(); ++bits) {
    Drawn::Rules set;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      if ((bits >> i) & 1U) set.insert(rules[i]);
    }
    sets.push_back(set);
  }
  std::sort(sets.begin(), sets.end(), [](const auto& a, const auto& b) {
    return std::pair(a.size(), a) < std::pair(b.size(), b);
  });
  return sets;
}

/// The first of `sets` with which `possible` fails; the last one if there is none.
template <class Possible>
Drawn::Rules first_impossible(const std::vector<Drawn::Rules>& sets, Possible possible) {
  for (const auto& set : sets) {
    if (!possible(set)) return set;
  }
  return {};
}

Drawn::Rules named(const Obstacle& obstacle) {
  if (obstacle.rules == std::vector{Refusal::kHoldsReplica}) return {};
  return {obstacle.rules.begin(), obstacle.rules.end()};
}

void compare(const Drawn& drawn, const std::vector<Drawn::Rules>& sets, int& impossible) {
  Cluster cluster(drawn.drawing());
  cluster.limits().fill_limit = Ratio(1.0);
  const Certificate c =
      certificate(cluster.view(), cluster.limits_now(), cluster.now(), drawn.proposal(), kPace);
  std::uint64_t chunks = 0, copies = 0, bytes = 0;
  std::map<Drawn::Rules, std::uint64_t> alone;  // chunks by the smallest set for each
  for (std::size_t i = 0; i < drawn.chunks(); ++i) {
    const int missing = drawn.missing(i);
    chunks += missing > 0;
    copies += static_cast<std::uint64_t>(missing);
    bytes += static_cast<std::uint64_t>(missing * drawn.size(i));
    const auto possible = [&](const auto& on) { return drawn.possible_alone(i, on); };
    if (!possible(sets.back())) ++alone[first_impossible(sets, possible)];
  }
  EXPECT_EQ(c.chunks, chunks);
  EXPECT_EQ(c.copies, copies);
  EXPECT_EQ(c.bytes.count(), bytes);
  ASSERT_EQ(c.possible(), drawn.possible(sets.back()));
  ASSERT_NE(c.verdict, Certificate::Verdict::kUnproven);
  if (c.possible()) {
    EXPECT_TRUE(c.obstacles.empty());
    return;
  }
  ++impossible;
  ASSERT_FALSE(c.obstacles.empty());
  EXPECT_EQ(named(c.obstacles.front()),
            first_impossible(sets, [&](const auto& on) { return drawn.possible(on); }));
  std::map<Drawn::Rules, std::uint64_t> told;
  for (const Obstacle& obstacle : c.obstacles) told.emplace(named(obstacle), obstacle.chunks);
  for (const auto& [rules, count] : alone) {
    EXPECT_EQ(told[rules], count);
    told.erase(rules);
  }
  EXPECT_LE(told.size(), 1U) << "the set for all together";
  // Minimal: with any one of its rules switched off it becomes possible.
  for (const Refusal rule : named(c.obstacles.front())) {
    Drawn::Rules fewer = named(c.obstacles.front());
    fewer.erase(rule);
    EXPECT_TRUE(drawn.possible(fewer)) << to_string(rule);
  }
}

TEST(Certificate, AgreesWithBruteForce) {
  const char* given = std::getenv("EVENKEEL_SEED");
  const std::uint64_t first = given ? std::stoull(given) : 1;
  const std::uint64_t cases = given ? 1 : 6'000;
  const auto sets = sets_of_rules();
  int impossible = 0;
  for (std::uint64_t seed = first; seed < first + cases; ++seed) {
    Rng rng(seed);
    const Drawn drawn(rng);
    compare(drawn, sets, impossible);
    ASSERT_FALSE(HasFailure()) << "EVENKEEL_SEED=" << seed << "\n" << drawn.drawing();
  }
  std::cout << cases << " clusters from seed " << first << ", " << impossible << " impossible\n";
  if (!given) {
    EXPECT_GT(impossible, 1'000);
    EXPECT_LT(impossible, 5'000);
  }
}

/// 10,000 servers, one of them with 3,000 chunks: what a drain would be is said within
/// milliseconds. The bound is loose, for slow machines and sanitizers.
TEST(Certificate, OfALargeClusterTakesMilliseconds) {
  constexpr std::uint64_t kServers = 10'000, kChunks = 3'000;
  ClusterView view;
  view.apply(EpochRaised{Epoch(1)});
  for (std::uint64_t s = 1; s <= kServers; ++s) {
    const std::string rack = "z" + std::to_string(s % 3) + "/r" + std::to_string(s / 40);
    view.apply(ServerAdded{member_of(s, rack + "/h" + std::to_string(s), 1'000'000)});
    view.apply(ServerReported{ServerId(s), InventoryNumber(1), JournalNumber(0), Instant{}});
  }
  Rng rng(7);
  for (std::uint64_t c = 1; c <= kChunks; ++c) {
    view.apply(
        ChunkAdded{{ChunkId(c), ChunkVersion(1), Bytes(64), checksum_of(c)}, 3, ChunkLife::kLive});
    std::set<std::uint64_t> holders{1};
    while (holders.size() < 3) holders.insert(rng.between(2, kServers));
    for (const std::uint64_t s : holders) {
      view.apply(ReplicaAdded{ChunkId(c), ServerId(s), ReplicaState::kValid, ChunkVersion(1),
                              JournalNumber(0)});
    }
  }
  const auto timed = [&](const Limits& limits) {
    const auto begin = std::chrono::steady_clock::now();
    const Certificate c = certificate(view, limits, Instant{}, kDrain1, pace_of(limits));
    const auto took = std::chrono::steady_clock::now() - begin;
    std::cout << to_string(c.verdict) << " in "
              << std::chrono::duration_cast<std::chrono::microseconds>(took).count() << " us\n";
    EXPECT_LT(took, std::chrono::seconds(2));
    EXPECT_EQ(c.chunks, kChunks);
    EXPECT_EQ(c.bytes.count(), kChunks * 64);
    return c;
  };
  Limits limits;
  const Certificate free = timed(limits);
  EXPECT_TRUE(free.possible());
  ASSERT_TRUE(free.hottest);
  EXPECT_LE(std::max(free.hottest->in, free.hottest->out).count(), 64U * 4);
  limits.fill_limit = Ratio(0);
  const Certificate full = timed(limits);
  EXPECT_EQ(in_words(full.obstacles.at(0)), "too full: 3000 chunks, c1 among them");
}

}  // namespace
}  // namespace evenkeel
