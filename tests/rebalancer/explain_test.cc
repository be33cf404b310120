#include "services/rebalancer/core/explain.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <set>

#include "common/base/random.h"
#include "tests/rebalancer/cluster_builder.h"

namespace evenkeel {
namespace {

Explained explained(const Cluster& cluster, std::uint64_t chunk = 1) {
  return explain(cluster.view(), cluster.limits_now(), cluster.now(), ChunkId(chunk)).value();
}
std::string kinds(const Explained& explanation) {
  std::string all;
  for (const auto& cause : explanation.causes) all += (all.empty() ? "" : " ") + cause.kind;
  return all;
}

struct Case {
  const char* name;
  const char* drawing;
  const char* causes;
  const char* verdict;
};
class ExplainChunk : public testing::TestWithParam<Case> {};

TEST_P(ExplainChunk, NamesWhatStandsInItsWay) {
  const Explained explanation = explained(Cluster(GetParam().drawing));
  EXPECT_EQ(kinds(explanation), GetParam().causes);
  EXPECT_EQ(explanation.verdict, GetParam().verdict);
}

INSTANTIATE_TEST_SUITE_P(
    Explain, ExplainChunk,
    testing::Values(
        Case{"NothingIsToBeDone", R"(
             s1 A/1 100
             s2 A/2 100
             c1 2 10 = s1 s2)",
             "", "nothing is to be done"},
        Case{"UnderWay", R"(
             s1 A/1 100
             s2 A/2 100
             c1 2 10 = s1
             c1: s1 -> s2)",
             "", "k1 copies it from s1 to s2 (repair)"},
        Case{"ItsTurnComes", R"(
             s1 A/1 100
             s2 A/2 100
             c1 2 10 = s1)",
             "", "nothing stands in its way: repair comes to it in one of the next plans"},
        Case{"NoTarget", R"(
             s1 A/1 100
             s2 A/1 100
             s3 A/3 100 suspect
             s4 A/4 10
             c1 2 10 = s1)",
             "no_target",
             "waits: no server can take it: 1 too full, 1 same host, 1 not alive, 1 holds a "
             "replica"},
        Case{"NoSourceNorTarget", R"(
             s1 A/1 100 suspect
             s2 A/1 100
             c1 2 10 = s1)",
             "no_source no_target", "waits: no holder of a valid replica is at work: s1 (suspect)"},
        Case{"Lost", R"(
             s1 A/1 100 dead
             s2 A/2 100
             c1 2 10 = s1)",
             "lost", "waits: the last valid replicas are on servers that do not count: s1 (dead)"},
        Case{"NoEvidence", R"(
             s1 A/1 100
             s2 A/2 100 suspect
             s3 A/3 100
             c1 2 10 = s1 s2 s3:stale)",
             "no_evidence", "waits: a replica too many is kept: 1 of 2 others can be leant on"},
        Case{"WhoWouldVerifyIsAway", R"(
             s1 A/1 100 suspect
             s2 A/2 100
             c1 1 10 = s1:suspect s2)",
             "holder_away", "waits: s1, whose replica is suspect, is not at work"},
        Case{"ADiskThatLeavesMakesPlaceForAnotherOfItsHost", R"(
             s1 A/1 100 draining
             s2 A/1 100
             s3 A/3 100
             c1 2 10 = s1 s3)",
             "", "nothing stands in its way: drain comes to it in one of the next plans"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(ExplainChunk, NamesAllThatACandidateHasAgainstIt) {
  const Explained explanation = explained(Cluster(R"(
      s1 A/1 100
      s2 A/1 10 suspect
      s3 A/3 100
      c1 2 10 = s1)"));
  ASSERT_EQ(explanation.candidates.size(), 3U);
  EXPECT_EQ(explanation.candidates_total, 3U);
  EXPECT_EQ(explanation.candidates[0].server, ServerId(3));
  EXPECT_TRUE(explanation.candidates[0].refusals.empty());
  EXPECT_EQ(explanation.candidates[1].server, ServerId(2));
  EXPECT_EQ(explanation.candidates[1].refusals,
            (std::vector<std::string>{"not alive", "same host", "too full"}));
  EXPECT_EQ(explanation.candidates[2].refusals, std::vector<std::string>{"holds a replica"});
  EXPECT_EQ(explanation.candidates[2].use_ppm, 100'000U);
}

/// When content was read is known to two hours: what was read minutes ago must not be said to have
/// been read an hour ago, nor anything later than it was.
TEST(ExplainChunk, SaysNoMoreOfWhenAReplicaWasReadThanIsKnown) {
  for (const Duration age : {Duration(0ms), Duration(3min), Duration(119min), Duration(5h),
                             Duration(23h), Duration(300h)}) {
    // From the begin of a step of two hours to its end.
    for (const Duration into : {Duration(0ms), Duration(1min), Duration(57min), Duration(119min)}) {
      const Instant now = Instant(Duration(1000h)) + into;
      Cluster cluster("s1 A/1 100\nc1 1 10 = s1?", now);
      cluster.apply({ReplicaVouched{ChunkId(1), ServerId(1), std::nullopt, now - age}});
      const Explained explanation = explained(cluster);
      const auto fact =
          std::ranges::find(explanation.facts, "replica on s1", &Explained::Fact::label);
      ASSERT_NE(fact, explanation.facts.end());
      int length = 0;
      char unit = 0;
      const auto at = fact->value.find("; read ");
      ASSERT_NE(at, std::string::npos) << fact->value;
      ASSERT_EQ(std::sscanf(fact->value.c_str() + at, "; read in the last %d %c", &length, &unit),
                2)
          << fact->value;
      const Duration said = unit == 'd' ? length * 24h : length * 1h;
      EXPECT_TRUE(unit == 'h' || unit == 'd') << fact->value;
      EXPECT_LE(age, said) << fact->value;
      EXPECT_LE(said, age + 4h + (unit == 'd' ? 24h : 0h)) << fact->value;
    }
  }
}

TEST(ExplainServer, SaysWhyItIsGivenNothing) {
  const Cluster cluster(R"(
      s1 A/1 100 suspect
      s2 A/2 20 draining
      s3 A/3 100
      c1 2 10 = s1 s2
      c2 2 10 = s2 s3)");
  const auto of = [&](std::uint64_t server) {
    return explain(cluster.view(), cluster.limits_now(), cluster.now(), ServerId(server)).value();
  };
  EXPECT_EQ(kinds(of(1)), "not_alive");
  EXPECT_EQ(kinds(of(2)), "not_in_service too_full");
  EXPECT_EQ(kinds(of(3)), "");
  const auto facts = of(2).facts;
  EXPECT_TRUE(std::any_of(facts.begin(), facts.end(), [](const auto& fact) {
    return fact.label == "chunks to be copied yet" && fact.value == "2";
  }));
  EXPECT_FALSE(explain(cluster.view(), cluster.limits_now(), cluster.now(), ServerId(9)));
}

/// A small cluster with one chunk that something may be wrong with, c1. What else there is only
/// takes room and budgets.
class Troubled {
 public:
  explicit Troubled(std::uint64_t seed) : Troubled(Rng(seed)) {}
  explicit Troubled(Rng rng) : cluster_(drawn(rng)) {
    Limits& limits = cluster_.limits();
    limits.fill_limit = Ratio(1.0);
    if (rng.chance(1, 3)) limits.copies_in = limits.copies_out = 1;
    for (const auto& [id, slot] : cluster_.view().servers()) {
      if (cluster_.view().server(slot).member.liveness == Liveness::kDead && rng.chance(4, 5)) {
        cluster_.apply({ServerAwaited{id, cluster_.now() + 1h}});
      }
    }
    if (rng.chance(1, 6)) cluster_.apply({DeletesHeld{"for the test"}});
    if (rng.chance(1, 8)) cluster_.apply({SyncChanged{false}});
    for (const Reason pass : {Reason::kRepair, Reason::kDrain, Reason::kSpread, Reason::kTrim}) {
      if (rng.chance(1, 10)) cluster_.apply({PassPaused{pass, true}});
    }
    if (rng.chance(1, 8)) cluster_.apply({BrakeSet{"for the test"}});
    if (rng.chance(1, 4) && due() != Queue::kNone) set_aside();
  }

  const Cluster& cluster() const { return cluster_; }
  ChunkSlot slot() const { return *cluster_.view().slot_of(ChunkId(1)); }
  Queue due() const { return cluster_.view().due(slot()); }
  void set_aside() {
    cluster_.apply({ChunkSetAside{ChunkId(1), "for the test", cluster_.now() + 1h}});
  }

  /// Whether the next plan does something for the chunk: gives a command, though there may be more
  /// to do that has to be set aside, or takes back what was surplus.
  bool scheduled() const {
    bool any = false, aside = false, taken_back = false;
    for (const Change& change : cluster_.planned()) {
      const auto* issued = std::get_if<CommandIssued>(&change);
      const auto* kept = std::get_if<ReplicaChanged>(&change);
      const auto* later = std::get_if<ChunkSetAside>(&change);
      const bool about = issued && issued->command.chunk == ChunkId(1);
      any |= about && (issued->command.reason != Reason::kBalance ||
                       issued->command.kind == CommandKind::kDelete);  // not only for evenness
      taken_back |= kept && kept->chunk == ChunkId(1);
      aside |= later && later->chunk == ChunkId(1);
    }
    return any || (taken_back && !aside);
  }
  /// Whether some plan of the next turns does.
  bool scheduled_later() {
    for (int turn = 0; turn < 4; ++turn) {
      if (scheduled()) return true;
      for (const Change& change : cluster_.planned()) {
        if (std::holds_alternative<ChunkSetAside>(change)) cluster_.apply({change});
      }
      cluster_.advance(6s);
      for (const auto& [until, slot] : std::set(cluster_.view().aside())) {
        if (until <= cluster_.now()) {
          cluster_.apply({ChunkResumed{cluster_.view().chunk(slot).id}});
        }
      }
    }
    return false;
  }

  /// Takes away just that.
  void remove(const std::string& cause, const Explained& explanation) {
    if (cause == "unsynced") return cluster_.apply({SyncChanged{true}});
    if (cause == "braked") return cluster_.apply({BrakeSet{std::nullopt}});
    if (cause == "paused") return resume();
    if (cause == "deletes_held") return cluster_.apply({DeletesHeld{std::nullopt}});
    if (cause == "set_aside") return cluster_.apply({ChunkResumed{ChunkId(1)}});
    if (cause == "awaited") return no_more_awaited();
    if (cause == "lost") return find_again();
    if (cause == "no_source") return bring_back_sources();
    if (cause == "holder_away") {
      return bring_back(due() == Queue::kVerify ? &one_suspect : nullptr);
    }
    if (cause == "no_evidence") return bring_back(nullptr, true);
    if (cause == "no_target") return open_one(explanation);
    // A budget that is used up: more of it, since to end a copy would help source and target.
    if (cause == "source_busy") return allow(&Limits::copies_out);
    if (cause == "target_busy") return allow(&Limits::copies_in);
    if (cause == "holder_busy") return allow(&Limits::checks);
    FAIL() << "unknown cause " << cause;
  }

 private:
  static std::string drawn(Rng& rng) {
    const std::uint64_t servers = rng.between(2, 6);
    const bool ruled = rng.chance(1, 3);  // by a policy of its own
    // Racks enough that another one does not change what counts as the last failure domain.
    std::string text = "s91 r91/1 1 draining\ns92 r92/1 1 draining\ns93 r93/1 1 draining\n", fill;
    if (ruled) {
      text += std::string("p1 ") + (rng.chance(1, 2) ? "host" : "rack") +
              (rng.chance(2, 3) ? " disk = ssd" : "") + "\n";
    }
    for (std::uint64_t s = 1; s <= servers; ++s) {
      const char* states[] = {"", "", "", "", "suspect", "dead", "presumed", "draining"};
      const std::string name = "s" + std::to_string(s);
      text += name + " r" + std::to_string(rng.between(1, 2)) + "/h" +
              std::to_string(rng.chance(1, 4) ? 1 : s + 10) + " 100 " +
              states[rng.below(std::size(states))] +
              (ruled && rng.chance(2, 3) ? " labels=disk=ssd" : "") + "\n";
      if (rng.chance(1, 3)) {
        fill += "c" + std::to_string(100 + s) + " 1 " + std::to_string(rng.between(60, 100)) +
                " creating = " + name + "\n";
      }
    }
    text += "c1 " + std::to_string(rng.between(1, 3)) + " 10 " +
            (rng.chance(1, 12) ? "retired " : "") + (ruled ? "p1 " : "") + "=";
    for (std::uint64_t s = 1; s <= servers; ++s) {
      const char* states[] = {"", "", "", "", "", "", ":stale", ":corrupt", ":suspect", ":surplus"};
      if (rng.chance(1, 2)) {
        text += " s" + std::to_string(s) + states[rng.below(std::size(states))] +
                (rng.chance(1, 5) ? "?" : "");
      }
    }
    text += "\n" + fill;
    if (rng.chance(1, 2)) {  // a copy of something else, which takes their budgets
      const std::uint64_t from = rng.between(1, servers), to = rng.between(1, servers);
      if (from != to) {
        text += "c200 1 1 creating = s" + std::to_string(from) + "\nc200: s" +
                std::to_string(from) + " -> s" + std::to_string(to) + "\n";
      }
    }
    return text;
  }

  inline static const Labels kSsd = labels_from("disk=ssd").value();

  static bool one_valid(const Replica& replica) { return replica.valid(); }
  static bool one_suspect(const Replica& replica) {
    return replica.state == ReplicaState::kSuspect;
  }

  Member member(ServerSlot slot) const { return cluster_.view().server(slot).member; }
  void report(ServerId server) {
    const InventoryNumber last = cluster_.view().find(server)->inventory_number;
    cluster_.apply({ServerReported{server, last.next(), JournalNumber(0), cluster_.now()}});
  }
  void revive(ServerSlot slot) {
    Member back = member(slot);
    back.liveness = Liveness::kAlive;
    cluster_.apply({ServerUpdated{back}});
    report(back.server);
  }

  void put_in_service(ServerSlot slot) {
    cluster_.apply({ServerAdminSet{member(slot).server, AdminState::kInService}});
  }
  void resume() {
    for (const Reason pass : {Reason::kRepair, Reason::kDrain, Reason::kSpread, Reason::kTrim}) {
      cluster_.apply({PassPaused{pass, false}});
    }
  }

  void no_more_awaited() {
    for (const auto& [id, slot] : cluster_.view().servers()) {
      if (cluster_.view().server(slot).awaited_until) {
        cluster_.apply({ServerAwaited{id, std::nullopt}});
      }
    }
  }

  /// Those that count; what is on the dead would be more replicas than there are.
  void bring_back_sources() {
    const Chunk chunk = cluster_.view().chunk(slot());
    for (const Replica& replica : chunk.replicas) {
      if (replica.valid() && cluster_.view().counts(replica.server)) revive(replica.server);
    }
  }

  /// The last valid replica comes back, or turns up where nobody knew of one.
  void find_again() {
    bring_back(&one_valid);
    if (cluster_.view().count(slot()).valid > 0) return;
    Member fresh = member_of(98, "r7/z", 1000);
    fresh.labels = kSsd;
    cluster_.apply({ServerAdded{fresh}});
    report(fresh.server);
    cluster_.apply({ReplicaAdded{ChunkId(1), fresh.server, ReplicaState::kValid, ChunkVersion(3),
                                 JournalNumber(0)}});
  }

  /// The holders, or the first one that `wanted` takes; each on a host of its own if need be.
  void bring_back(bool (*wanted)(const Replica&), bool hosts = false) {
    const Chunk chunk = cluster_.view().chunk(slot());
    for (const Replica& replica : chunk.replicas) {
      if (wanted && !wanted(replica)) continue;
      // What is to be verified is no evidence, and would be another thing to do.
      if (hosts && replica.state == ReplicaState::kSuspect) continue;
      if (hosts) {
        Member moved = member(replica.server);
        moved.location = "q" + std::to_string(replica.server) + "/x";
        moved.labels = kSsd;
        cluster_.apply({ServerUpdated{moved}});
      }
      revive(replica.server);
      if (hosts) put_in_service(replica.server);
      if (wanted) return;
    }
  }

  /// Takes away all that is said of a candidate; of the one with the least, if it can be done.
  void open_one(const Explained& explanation) {
    for (const Candidate& candidate : explanation.candidates) {
      const std::set<std::string> no(candidate.refusals.begin(), candidate.refusals.end());
      if (no.contains("holds a replica")) continue;
      if (no.contains("busy")) continue;  // what is under way is a cause of its own
      Member member = cluster_.view().find(candidate.server)->member;
      if (no.contains("not alive")) member.liveness = Liveness::kAlive;
      if (no.contains("same host") || no.contains("same rack")) member.location = "r8/y";
      if (no.contains("not the labels required")) member.labels = kSsd;
      if (no.contains("too full")) member.capacity = member.free = Bytes(1000);
      cluster_.apply({ServerUpdated{member}});
      if (no.contains("not in service")) put_in_service(*cluster_.view().slot_of(candidate.server));
      if (no.contains("has not reported")) report(candidate.server);
      return;
    }
    Member fresh = member_of(99, "r8/y", 1000);
    fresh.labels = kSsd;
    cluster_.apply({ServerAdded{fresh}});
    report(fresh.server);
  }

  void allow(int Limits::*budget) { cluster_.limits().*budget = 64; }

  Cluster cluster_;
};

/// All causes but `left` are taken away.
void take_away(Troubled& troubled, const Explained& explanation, const std::string& left = "") {
  std::set<std::string> gone;
  for (const auto& cause : explanation.causes) {
    if (cause.kind == left || !gone.insert(cause.kind).second) continue;
    troubled.remove(cause.kind, explanation);
  }
  // What was reported meanwhile has brought it back.
  if (left == "set_aside") troubled.set_aside();
}

void look_at(std::uint64_t seed, std::map<std::string, int>& seen) {
  const Troubled troubled(seed);
  const Explained explanation = explained(troubled.cluster());
  if (explanation.causes.empty()) {
    ++seen["nothing"];
    EXPECT_EQ(troubled.scheduled(), troubled.due() != Queue::kNone);
    return;
  }
  std::set<std::string> causes;
  for (const auto& cause : explanation.causes) causes.insert(cause.kind);
  EXPECT_FALSE(Troubled(seed).scheduled_later()) << "although: " << kinds(explanation);
  Troubled freed(seed);
  take_away(freed, explanation);
  if (causes.contains("lost")) {  // now it is a chunk like any other, with reasons of its own
    const Explained now = explained(freed.cluster());
    EXPECT_EQ(kinds(now).find("lost"), std::string::npos);
    EXPECT_EQ(freed.scheduled(), freed.due() != Queue::kNone && now.causes.empty());
  } else {
    EXPECT_TRUE(freed.scheduled()) << "not, although these are gone: " << kinds(explanation)
                                   << "; now there is: " << kinds(explained(freed.cluster()));
  }
  for (const std::string& cause : causes) {
    ++seen[cause];
    Troubled but_one(seed);
    take_away(but_one, explanation, cause);
    EXPECT_FALSE(but_one.scheduled_later())
        << "although there is still " << cause << " of " << kinds(explanation);
  }
}

TEST(Explain, WhatItNamesIsAllThatStandsInTheWayAndNothingElse) {
  const char* given = std::getenv("EVENKEEL_SEED");
  const std::uint64_t first = given ? std::stoull(given) : 1;
  const std::uint64_t cases = given ? 1 : 24'000;
  std::map<std::string, int> seen;
  for (std::uint64_t seed = first; seed < first + cases; ++seed) {
    look_at(seed, seen);
    if (!testing::Test::HasFailure()) continue;
    const Troubled troubled(seed);
    std::cout << "EVENKEEL_SEED=" << seed << ": c1 on " << troubled.cluster().holders(1) << "\n";
    for (const auto& fact : explained(troubled.cluster()).facts) {
      std::cout << "  " << fact.label << ": " << fact.value << "\n";
    }
    return;
  }
  std::cout << cases << " chunks from seed " << first << ":";
  for (const auto& [cause, count] : seen) std::cout << " " << cause << " " << count;
  std::cout << "\n";
  if (given) return;
  for (const char* cause :
       {"nothing", "unsynced", "braked", "paused", "deletes_held", "set_aside", "awaited", "lost",
        "no_source", "source_busy", "no_target", "target_busy", "no_evidence", "holder_away"}) {
    EXPECT_GT(seen[cause], 30) << cause;
  }
}

}  // namespace
}  // namespace evenkeel
