// What policies make of plans: labels, spread over hosts, racks and zones, and both together.
#include <algorithm>
#include <set>

#include "common/base/random.h"
#include "services/rebalancer/core/placement.h"
#include "tests/rebalancer/cluster_builder.h"

namespace evenkeel {
namespace {

struct Case {
  const char* name;
  const char* drawing;
  const char* plan;
};

class PolicyPlans : public testing::TestWithParam<Case> {};

TEST_P(PolicyPlans, AreAsDrawn) {
  const Cluster cluster(GetParam().drawing);
  EXPECT_EQ(plan_of(cluster), GetParam().plan);
}

const Case kCases[] = {
    {"RepairKeepsTheLabelRule",
     R"(p1 host disk = ssd
        s1 A/1 1000 labels=disk=ssd
        s2 B/2 1000 labels=disk=hdd
        s3 C/3 1000
        s4 D/4 1000 labels=disk=ssd
        c1 2 10 p1 = s1)",
     "c1: s1 -> s4 repair"},
    {"WithoutAServerThatTheRuleAllowsNothingIsCopied",
     R"(p1 host disk = ssd
        s1 A/1 1000 labels=disk=ssd
        s2 B/2 1000
        c1 2 10 p1 = s1)",
     "aside c1"},
    {"TheDefaultPolicyAsksForNoLabels",
     R"(p1 host disk = ssd
        s1 A/1 1000 labels=disk=ssd
        s2 B/2 1000
        c1 2 10 = s1)",
     "c1: s1 -> s2 repair"},
    {"RepairGoesToAnotherRackThoughItIsFuller",
     R"(p1 rack
        s1 z/a/1 1000
        s2 z/a/2 1000
        s3 z/b/3 1000
        c1 2 10 p1 = s1
        c2 1 500 creating = s3)",
     "c1: s1 -> s3 repair"},
    {"WithoutAnotherRackNothingIsCopied",
     R"(p1 rack
        s1 z/a/1 1000
        s2 z/a/2 1000
        c1 2 10 p1 = s1)",
     "aside c1"},
    {"RacksOfOneZoneAreOneDomainOfAPolicyThatSpreadsOverZones",
     R"(p1 zone
        s1 y/a/1 1000
        s2 y/b/2 1000
        s3 z/a/3 1000
        c1 2 10 p1 = s1)",
     "c1: s1 -> s3 repair"},
    {"TwoReplicasInARackArePulledApart",
     R"(p1 rack
        s1 z/a/1 1000
        s2 z/a/2 1000
        s3 z/b/3 1000
        c1 2 10 p1 = s1 s2
        c2 1 400 creating = s2)",
     "c1: s1 -> s3 spread drop s2"},
    {"AReplicaOnAServerThatIsRefusedMoves",
     R"(p1 host disk = ssd
        s1 A/1 1000 labels=disk=ssd
        s2 B/2 1000 labels=disk=hdd
        s3 C/3 1000 labels=disk=ssd
        c1 2 10 p1 = s1 s2)",
     "c1: s1 -> s3 spread drop s2"},
    {"WhichOneMovesDependsOnWhereItCanGo",
     R"(p1 rack disk = ssd
        s1 z/a/1 1000
        s2 z/b/2 1000
        s3 z/b/3 1000 labels=disk=ssd
        c1 2 10 p1 = s1 s2
        c2 1 500 creating = s1)",
     "c1: s1 -> s3 spread drop s2"},
    {"ThePreferredComeFirstThoughTheyAreFuller",
     R"(p1 host ; tier = hot
        s1 A/1 1000
        s2 B/2 1000
        s3 C/3 1000 labels=tier=hot
        c1 2 10 p1 = s1
        c2 1 300 creating = s3)",
     "c1: s1 -> s3 repair"},
    {"APreferenceIsNoRule",
     R"(p1 host ; tier = hot
        s1 A/1 1000 labels=tier=hot
        s2 B/2 1000
        c1 2 10 p1 = s1)",
     "c1: s1 -> s2 repair"},
    {"AnotherRackIsWorthMoreThanAPreference",
     R"(p1 host ; tier = hot
        s1 z/a/1 1000
        s2 z/a/2 1000 labels=tier=hot
        s3 z/b/3 1000
        c1 2 10 p1 = s1)",
     "c1: s1 -> s3 repair"},
    {"OfTooManyTheOneInASharedRackGoes",
     R"(p1 rack
        s1 z/a/1 1000
        s2 z/a/2 1000
        s3 z/b/3 1000
        c1 2 10 p1 = s1 s2 s3
        c2 1 400 creating = s3
        c3 1 200 creating = s2)",
     "delete c1 on s2 [s1 s3]"},
    {"OfTooManyTheOneThatIsRefusedGoes",
     R"(p1 host disk = ssd
        s1 A/1 1000 labels=disk=ssd
        s2 B/2 1000
        s3 C/3 1000 labels=disk=ssd
        c1 2 10 p1 = s1 s2 s3
        c2 1 400 creating = s3)",
     "delete c1 on s2 [s1 s3]"},
    {"WhatTheSpreadNeedsIsKeptUntilTheOtherCanGo",
     R"(p1 rack
        s1 z/a/1 1000 suspect
        s2 z/a/2 1000 suspect
        s3 z/b/3 1000
        c1 2 10 p1 = s1 s2 s3)",
     "aside c1"},
    {"BalancingKeepsTheLabelRule",
     R"(p1 host disk = ssd
        s1 A/1 1000 labels=disk=ssd
        s2 B/2 1000
        c1 1 10 p1 = s1
        c2 1 10 p1 = s1
        c3 1 10 p1 = s1
        c4 1 10 p1 = s1)",
     ""},
    {"BalancingKeepsThePreference",
     R"(p1 host ; disk = ssd
        s1 A/1 1000 labels=disk=ssd
        s2 B/2 1000
        c1 1 10 p1 = s1
        c2 1 10 p1 = s1
        c3 1 10 p1 = s1
        c4 1 10 p1 = s1)",
     ""},
};
INSTANTIATE_TEST_SUITE_P(Drawn, PolicyPlans, testing::ValuesIn(kCases),
                         [](const auto& one) { return std::string(one.param.name); });

std::string why_aside(const Changes& changes) {
  for (const Change& change : changes) {
    if (const auto* aside = std::get_if<ChunkSetAside>(&change)) return aside->why;
  }
  return "";
}

TEST(PolicyPlan, WhatCannotBeMetIsSaidWithTheRuleThatForbidsIt) {
  const Cluster lacking(R"(p1 rack disk = ssd
                           s1 z/a/1 1000 labels=disk=ssd
                           s2 z/a/2 1000 labels=disk=ssd
                           s3 z/b/3 1000 labels=disk=hdd
                           c1 2 10 p1 = s1)");
  EXPECT_EQ(
      why_aside(lacking.planned()),
      "no server can take it: s1: holds a replica, s2: same rack, s3: not the labels required");
  const Cluster refused(R"(p1 host disk = ssd, exists bay
                           s1 A/1 1000 labels=disk=ssd
                           s2 B/2 1000
                           c1 1 10 p1 = s1)");
  EXPECT_EQ(
      why_aside(refused.planned()),
      "the replica on s1 breaks the rule 'exists bay' of its policy; no other server can take "
      "it: s1: holds a replica, s2: not the labels required");
}

TEST(PolicyPlan, AChunkFollowsItsPolicyItsServersAndItsOwnChange) {
  Cluster cluster(R"(p1 host disk = ssd
                     s1 A/1 1000 labels=disk=ssd
                     s2 B/2 1000
                     c1 2 10 p1 = s1)");
  cluster.apply(cluster.planned());
  EXPECT_EQ(cluster.chunk(1).queue, Queue::kAside);
  Member labelled = cluster.server(2).member;
  labelled.labels = {{"disk", "ssd"}};
  cluster.apply({ServerUpdated{labelled}});
  EXPECT_EQ(plan_of(cluster), "c1: s1 -> s2 repair") << "a label lets it go at once";
  Policy nvme = *cluster.view().policies().find("p1");
  nvme.required = *parse_label_rule("disk = nvme");
  cluster.apply({PolicySet{nvme}});
  EXPECT_EQ(plan_of(cluster), "aside c1");
  cluster.apply(cluster.planned());
  cluster.apply({ChunkPolicySet{ChunkId(1), kDefaultPolicy, 2}});
  EXPECT_EQ(plan_of(cluster), "c1: s1 -> s2 repair") << "under another policy";
  cluster.apply({ChunkPolicySet{ChunkId(1), PolicyId(1), 1}});
  EXPECT_EQ(cluster.chunk(1).queue, Queue::kSpread) << "s1 is refused now";
  nvme.required = {};
  cluster.apply({PolicySet{nvme}});
  EXPECT_EQ(cluster.chunk(1).queue, Queue::kNone);
}

TEST(PolicyPlan, ARetiredChunkLetsGoOfItsPolicy) {
  Cluster cluster(R"(p1 host disk = ssd
                     s1 A/1 1000
                     c1 1 10 p1 = s1)");
  cluster.apply({ChunkRetired{ChunkId(1)}});
  EXPECT_EQ(cluster.chunk(1).policy, kDefaultPolicy);
}

// Any cluster, any policies: no command goes against a rule, and what lies against one in the end
// is what no command could cure. Judged by the texts of locations and labels alone.

std::string one_of(Rng& rng, const std::vector<std::string>& words) {
  return rng.pick(words);
}

std::string any_cluster(Rng& rng) {
  std::string text;
  const std::vector<std::string> rules{"", "disk = ssd", "disk != hdd",
                                       "disk in (ssd, nvme), exists bay", "not exists bay"};
  const std::vector<std::string> levels{"host", "rack", "zone"};
  for (int p = 1; p <= 3; ++p) {
    text += "p" + std::to_string(p) + " " + one_of(rng, levels) + " " + one_of(rng, rules) + "; " +
            one_of(rng, rules) + "\n";
  }
  const std::uint64_t servers = rng.between(3, 12), racks = rng.between(1, 5);
  const std::vector<std::string> labels{"", " labels=disk=ssd", " labels=disk=hdd",
                                        " labels=disk=nvme,bay=1", " labels=bay=2,disk=ssd"};
  for (std::uint64_t s = 1; s <= servers; ++s) {
    const std::uint64_t rack = rng.below(racks);
    const std::uint64_t host = rng.chance(1, 5) && s > 1 ? s - 1 : s;  // may share a machine
    text += "s" + std::to_string(s) + " z" + std::to_string(rack % 2) + "/r" +
            std::to_string(rack) + "/h" + std::to_string(host) + " 100000" + one_of(rng, labels) +
            one_of(rng, {"", "", "", "", " dead", " draining", " suspect"}) + "\n";
  }
  const std::uint64_t chunks = rng.between(1, 30);
  for (std::uint64_t c = 1; c <= chunks; ++c) {
    const std::uint64_t goal = rng.between(1, 3), policy = rng.below(4);
    text += "c" + std::to_string(c) + " " + std::to_string(goal) + " " +
            std::to_string(rng.between(1, 50)) + (policy ? " p" + std::to_string(policy) : "") +
            " =";
    std::vector<std::uint64_t> holders;
    for (std::uint64_t s = 1; s <= servers; ++s) holders.push_back(s);
    rng.shuffle(holders);
    const std::uint64_t held = std::min(servers, rng.between(1, 4));
    for (std::uint64_t i = 0; i < held; ++i) {
      text += " s" + std::to_string(holders[i]) + one_of(rng, {"", "", "", "", "", ":stale"});
    }
    text += "\n";
  }
  return text;
}

std::string_view domain(const Cluster& cluster, ServerId server, SpreadLevel level) {
  return domain_of(cluster.view().find(server)->member.location, level);
}
const Policy& policy_of(const Cluster& cluster, const Chunk& chunk) {
  return *cluster.view().policies().find(chunk.policy);
}

/// Where the chunk's replicas are and will be, but for those that go, or whose servers do.
std::vector<ServerId> staying(const Cluster& cluster, const Chunk& chunk,
                              std::optional<ServerId> without) {
  std::vector<ServerId> all;
  const auto commands = cluster.view().in_flight_of(chunk);
  std::set<ServerId> gone;
  for (const CommandId id : commands) {
    const CommandRecord& command = *cluster.view().find(id);
    if (command.kind == CommandKind::kReplicate) all.push_back(command.server);
    if (command.kind == CommandKind::kDelete) gone.insert(command.server);
    if (command.drop) gone.insert(*command.drop);
  }
  for (const Replica& replica : chunk.replicas) {
    const Server& server = cluster.view().server(replica.server);
    const bool stays = server.counts() && server.admin == AdminState::kInService;
    if (replica.valid() && stays && server.id() != without && !gone.contains(server.id())) {
      all.push_back(server.id());
    }
  }
  return all;
}

/// What a copy to `target` breaks, in words; empty if nothing.
std::string broken_by(const Cluster& cluster, const Chunk& chunk, ServerId target,
                      std::optional<ServerId> drop) {
  const Policy& policy = policy_of(cluster, chunk);
  const Server& server = *cluster.view().find(target);
  if (!holds(policy.required, server.member.labels)) return "labels";
  for (const ServerId other : staying(cluster, chunk, drop)) {
    if (other == target) return "already there";
    if (domain(cluster, other, policy.spread) == domain(cluster, target, policy.spread)) {
      return "shares " + std::string(domain(cluster, target, policy.spread)) + " with " +
             to_string(other);
    }
  }
  return "";
}

/// Different domains of those that stay on servers that the policy allows.
std::size_t good_domains(const Cluster& cluster, const Chunk& chunk,
                         std::optional<ServerId> without) {
  const Policy& policy = policy_of(cluster, chunk);
  std::set<std::string_view> domains;
  for (const Replica& replica : chunk.replicas) {
    const Server& server = cluster.view().server(replica.server);
    if (replica.state != ReplicaState::kValid || !server.counts() || server.id() == without)
      continue;
    if (server.admin != AdminState::kInService) continue;
    if (!holds(policy.required, server.member.labels)) continue;
    domains.insert(domain_of(server.member.location, policy.spread));
  }
  return domains.size();
}

std::string fault_of(const Cluster& cluster, const CommandRecord& command) {
  if (!command.chunk) return "";
  const Chunk chunk = *cluster.view().find(*command.chunk);
  if (command.kind == CommandKind::kReplicate) {
    return broken_by(cluster, chunk, command.server, command.drop);
  }
  if (command.kind != CommandKind::kDelete || command.retired) return "";
  const auto victim = cluster.view().replica(chunk, command.server);
  if (victim->state == ReplicaState::kCorrupt || victim->state == ReplicaState::kStale) return "";
  const std::size_t before = good_domains(cluster, chunk, std::nullopt);
  const std::size_t after = good_domains(cluster, chunk, command.server);
  return after < std::min<std::size_t>(before, chunk.goal) ? "a delete of what the spread needs"
                                                           : "";
}

/// Whether some one copy would bring the chunk nearer to what its policy asks.
bool curable(const Cluster& cluster, const Chunk& chunk) {
  const auto may_take = [&](const Server& server, std::optional<ServerId> drop) {
    const auto held = cluster.view().replica(chunk, server.id());
    return server.works() && server.admin == AdminState::kInService && (!held || !held->valid()) &&
           broken_by(cluster, chunk, server.id(), drop).empty();
  };
  const auto any_takes = [&](std::optional<ServerId> drop) {
    return std::ranges::any_of(cluster.view().servers(), [&](const auto& entry) {
      return may_take(cluster.view().server(entry.second), drop);
    });
  };
  const bool source = std::ranges::any_of(chunk.replicas, [&](const Replica& replica) {
    return replica.valid() && cluster.view().server(replica.server).works();
  });
  if (!source) return false;
  const ReplicaCount count = cluster.view().count(chunk);
  if (count.projected < chunk.goal) return any_takes(std::nullopt);
  if (count.projected > chunk.goal || count.garbage + count.surplus > 0)
    return false;  // trim's turn
  const Policy& policy = policy_of(cluster, chunk);
  const auto there = staying(cluster, chunk, std::nullopt);
  for (const ServerId one : there) {
    const Server& server = *cluster.view().find(one);
    if (server.admin != AdminState::kInService) continue;
    const bool refused = !holds(policy.required, server.member.labels);
    const bool crowded = std::ranges::any_of(there, [&](ServerId other) {
      return other != one && cluster.view().find(other)->admin == AdminState::kInService &&
             domain(cluster, other, policy.spread) == domain(cluster, one, policy.spread);
    });
    if ((refused || crowded) && any_takes(one)) return true;
  }
  return false;
}

/// Plans and does until there is no more to do; every command is looked at before it is issued.
void play(Cluster& cluster) {
  for (int turn = 0; turn < 400; ++turn) {
    const Changes planned = cluster.planned();
    for (const Change& change : planned) {
      if (const auto* issued = std::get_if<CommandIssued>(&change)) {
        ASSERT_EQ(fault_of(cluster, issued->command), "") << in_one(drawn({change}));
      }
      cluster.apply({change});
    }
    const auto open = cluster.open();
    std::size_t done = 0;
    for (const CommandRecord& command : open) {
      if (!cluster.view().find(command.server)->works()) continue;
      cluster.take(cluster.ack(command));
      ++done;
    }
    if (planned.empty() && done == 0) return;
    cluster.advance(Duration(100));
  }
  FAIL() << "no end";
}

TEST(PolicyPlan, NoPlanEverBreaksAHardRuleAndWhatCanBeCuredIs) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Rng rng(seed);
    const std::string drawing = any_cluster(rng);
    SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + drawing);
    Cluster cluster(drawing);
    play(cluster);
    if (testing::Test::HasFatalFailure()) return;
    cluster.advance(Duration(10'000));  // what was set aside comes back
    cluster.take(TimePassed{});
    play(cluster);
    if (testing::Test::HasFatalFailure()) return;
    for (ChunkSlot slot = 0; slot < cluster.view().chunk_count(); ++slot) {
      const Chunk chunk = cluster.view().chunk(slot);
      ASSERT_FALSE(curable(cluster, chunk)) << to_string(chunk.id);
      const ReplicaCount count = cluster.view().count(chunk);
      const bool wrong = count.valid < chunk.goal || count.crowded || count.refused > 0;
      if (wrong && chunk.queue != Queue::kAside) {
        ASSERT_TRUE(chunk.queue == Queue::kLost || count.busy) << to_string(chunk.id);
      }
    }
  }
}

}  // namespace
}  // namespace evenkeel
