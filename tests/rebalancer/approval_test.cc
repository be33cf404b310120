// Two people: what one proposes another one approves, and what settings want two for is never done
// by one.
#include <gmock/gmock.h>

#include <map>
#include <set>

#include "common/base/random.h"
#include "services/rebalancer/core/approval.h"
#include "tests/rebalancer/asked.h"

namespace evenkeel {
namespace {

using testing::HasSubstr;

class ApprovalTest : public AskedTest {
 protected:
  ApprovalTest() {
    for (const Operation each :
         {Operation::kDrain, Operation::kDecommission, Operation::kMaintenance,
          Operation::kGoalLowered, Operation::kCancel, Operation::kPause, Operation::kReleaseBrake,
          Operation::kDelete}) {
      limits_.two_people.add(each);
    }
    start();
  }

  ProposalTold proposed(Request request, const std::string& who = "ann") {
    return std::get<ProposalTold>(ask(std::move(request), who));
  }
  ProposalTold approved(ProposalId id, const std::string& who = "bob") {
    return std::get<ProposalTold>(ask(ApproveProposal{id}, who));
  }
  /// "conflict: why".
  std::string no(Request request, const std::string& who) {
    const Answer answer = ask(std::move(request), who);
    const auto* refused = std::get_if<Refused>(&answer);
    return refused ? refused->code + ": " + refused->what : "";
  }
  /// Its servers are as membership says from now on.
  void becomes(ServerId server, Liveness liveness) {
    Member member = view().find(server)->member;
    member.liveness = liveness;
    const auto kind =
        liveness == Liveness::kDead ? MemberEventKind::kFailed : MemberEventKind::kRecovered;
    rebalancer_->handle(std::vector<Event>{
        MemberChanged{storage_of(99), EventNumber(++member_events_), kind, member}});
  }

  std::uint64_t member_events_ = 1;
};

TEST_F(ApprovalTest, WhatOneAsksForIsDoneWhenAnotherOneApproves) {
  const ServerId server = holder();
  const ProposalTold told = proposed(DrainServer{server, false, {}});
  EXPECT_EQ(told.state, ProposalState::kPending);
  EXPECT_EQ(told.what, "drain " + to_string(server));
  EXPECT_EQ(told.proposed_by, "ann");
  EXPECT_EQ(told.expires_in, Duration(1h));
  EXPECT_EQ(told.estimate.feasible, true);
  EXPECT_GT(told.estimate.chunks, 0U);
  EXPECT_EQ(told.at_risk, 0U);
  EXPECT_EQ(state(server), AdminState::kInService) << "only proposed";
  EXPECT_EQ(rows("state || ' ' || what || ' ' || proposed_by || ' ' || operation || ' ' || "
                 "(copy_chunks > 0) || ' ' || coalesce(decided_by, '-') FROM proposals"),
            "pending " + told.what + " ann drain 1 -");

  const ProposalTold done = approved(told.proposal);
  EXPECT_EQ(done.state, ProposalState::kApproved);
  EXPECT_EQ(done.decided_by, "bob");
  EXPECT_EQ(state(server), AdminState::kDraining);
  EXPECT_EQ(rows("state || ' ' || decided_by FROM proposals"), "approved bob");
  EXPECT_EQ(rows("text FROM events WHERE subject = 'a1' ORDER BY event_number"),
            told.what + ": proposed by ann, " + told.what + ": approved by bob, proposed by ann");
}

TEST_F(ApprovalTest, NeitherHeWhoProposedNorAnybodyWithoutANameApproves) {
  const ServerId server = holder();
  EXPECT_THAT(no(DrainServer{server, false, {}}, ""), HasSubstr("denied: drain"));
  EXPECT_EQ(rows("count(*) || '' FROM proposals"), "0");
  const ProposalId id = proposed(DrainServer{server, false, {}}).proposal;
  EXPECT_THAT(no(ApproveProposal{id}, "ann"), HasSubstr("denied: ann has proposed it"));
  EXPECT_THAT(no(ApproveProposal{id}, ""), HasSubstr("denied:"));
  EXPECT_THAT(no(ApproveProposal{ProposalId(7)}, "bob"), HasSubstr("not_found: there is no"));
  EXPECT_EQ(state(server), AdminState::kInService);
  EXPECT_EQ(std::get<ProposalTold>(ask(ApproveProposal{id, true}, "ann")).state,
            ProposalState::kPending)
      << "who only asks may be the same";
}

TEST_F(ApprovalTest, AskedOnceMoreItIsTheSameProposalWhoeverAsks) {
  const ServerId server = holder();
  const ProposalTold first = proposed(DrainServer{server, false, {}});
  EXPECT_EQ(proposed(DrainServer{server, false, {}}).proposal, first.proposal);
  const ProposalTold other = proposed(DrainServer{server, false, {}}, "bob");
  EXPECT_EQ(other.proposal, first.proposal);
  EXPECT_EQ(other.proposed_by, "ann");
  EXPECT_EQ(state(server), AdminState::kInService) << "asking for it is no approval";
  EXPECT_NE(proposed(DrainServer{server, true, {}}).proposal, first.proposal);
  EXPECT_NE(proposed(DrainServer{server, false, {.force = true}}).proposal, first.proposal);
}

TEST_F(ApprovalTest, WhatChangesNothingIsAnsweredAtOnce) {
  const ServerId server = holder();
  const ServerAdmin dry = admin(DrainServer{server, true, {.dry_run = true}});
  EXPECT_FALSE(dry.done);
  EXPECT_GT(dry.estimate.chunks, 0U);
  EXPECT_THAT(no(DrainServer{ServerId(9), false, {}}, "ann"), HasSubstr("not_found"));
  EXPECT_FALSE(admin(MaintainServer{server, Duration(0), {}}).done) << "it is in none";
  for (std::uint64_t each = 1; each <= 4; ++each) {
    if (ServerId(each) != server) becomes(ServerId(each), Liveness::kSuspect);
  }
  const ServerAdmin impossible = admin(DrainServer{server, false, {}});
  EXPECT_FALSE(impossible.done);
  EXPECT_EQ(impossible.estimate.feasible, false);
  EXPECT_EQ(rows("count(*) || '' FROM proposals"), "0");
}

TEST_F(ApprovalTest, ARepeatedApprovalChangesNothing) {
  const ServerId server = holder();
  const ProposalId id = proposed(DrainServer{server, false, {}}).proposal;
  approved(id);
  ASSERT_TRUE(admin(UndrainServer{server}).done) << "nobody else is wanted for that";
  const std::string events = rows("count(*) || '' FROM events");
  EXPECT_EQ(approved(id).decided_by, "bob");
  EXPECT_EQ(approved(id, "cyd").decided_by, "bob");
  EXPECT_EQ(state(server), AdminState::kInService);
  EXPECT_EQ(rows("count(*) || '' FROM events"), events);
  EXPECT_THAT(no(RejectProposal{id}, "cyd"), HasSubstr("conflict: a1 was approved by bob"));
}

TEST_F(ApprovalTest, WhatIsRejectedIsNotDone) {
  const ServerId server = holder();
  const ProposalId id = proposed(DrainServer{server, false, {}}).proposal;
  EXPECT_THAT(no(RejectProposal{id}, ""), HasSubstr("denied"));
  EXPECT_EQ(std::get<ProposalTold>(ask(RejectProposal{id}, "bob")).state, ProposalState::kRejected);
  EXPECT_EQ(std::get<ProposalTold>(ask(RejectProposal{id}, "bob")).decided_by, "bob");
  EXPECT_THAT(no(ApproveProposal{id}, "cyd"), HasSubstr("conflict: a1 was rejected by bob"));
  EXPECT_EQ(state(server), AdminState::kInService);
  const ProposalId again = proposed(DrainServer{server, false, {}}).proposal;
  EXPECT_NE(again, id);
  EXPECT_EQ(std::get<ProposalTold>(ask(RejectProposal{again}, "ann")).decided_by, "ann")
      << "taken back";
}

TEST_F(ApprovalTest, ItSurvivesARestartAndThenExpires) {
  const ServerId server = holder();
  const ProposalId kept = proposed(DrainServer{server, false, {}}).proposal;
  pass_time(30min);
  start();
  const ProposalId late = proposed(PausePass{std::nullopt, true}).proposal;
  EXPECT_EQ(rows("group_concat(state || ' ' || (expires_left_ms / 60000), ', ') FROM proposals"),
            "pending 30, pending 60");
  pass_time(20min);
  start();
  EXPECT_EQ(approved(kept).state, ProposalState::kApproved);
  EXPECT_EQ(state(server), AdminState::kDraining);
  pass_time(41min);
  EXPECT_EQ(rows("group_concat(state, ' ') FROM proposals"), "approved expired");
  EXPECT_THAT(no(ApproveProposal{late}, "bob"), HasSubstr("conflict: a2 has expired"));
  EXPECT_THAT(no(RejectProposal{late}, "bob"), HasSubstr("conflict: a2 has expired"));
  EXPECT_FALSE(view().paused(Reason::kRepair));
  EXPECT_EQ(rows("text FROM events WHERE subject = 'a2' ORDER BY event_number DESC LIMIT 1"),
            "pause all: expired: proposed by ann, approved by nobody");
  EXPECT_EQ(rows("count(*) || '' FROM events WHERE subject = 'a2'"), "2") << "told once";
}

TEST_F(ApprovalTest, ARequestIsReadBackAsItWasStored) {
  const std::vector<Request> all{
      DrainServer{ServerId(1), false, {}},
      DrainServer{ServerId(2), true, {.force = true}},
      MaintainServer{ServerId(3), 90min, {}},
      MaintainServer{ServerId(4), 90'001ms, {.force = true}},
      PausePass{Reason::kTrim, true},
      PausePass{std::nullopt, true},
      SetGoal{"f", 1, 0, {}},
      SetGoal{ChunkId(1), 1, 0, {.force = true}},
      DeleteNamed{"f"},
      DeleteNamed{ChunkId(2)},
  };
  std::vector<std::string> words;
  for (const Request& request : all) words.push_back(proposed(request).what);
  EXPECT_EQ(std::set<std::string>(words.begin(), words.end()).size(), all.size());
  start();
  const auto stored = store_->pending_proposals();
  ASSERT_EQ(stored.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(in_words(stored[i].request), words[i]);
    EXPECT_EQ(in_words(all[i]), words[i]);
  }
}

TEST_F(ApprovalTest, WhatHasBecomeImpossibleIsRefusedAndMayBeApprovedLater) {
  const ServerId server = holder();
  const ProposalId id = proposed(DrainServer{server, false, {.force = true}}).proposal;
  for (std::uint64_t each = 1; each <= 4; ++each) {
    if (ServerId(each) != server) becomes(ServerId(each), Liveness::kSuspect);
  }
  EXPECT_THAT(no(ApproveProposal{id}, "bob"),
              HasSubstr("conflict: a1: it cannot be brought to its end any more; not alive"));
  EXPECT_THAT(no(ApproveProposal{id, true}, "bob"), HasSubstr("any more"));
  EXPECT_EQ(state(server), AdminState::kInService) << "also if it is forced";
  for (std::uint64_t each = 1; each <= 4; ++each) becomes(ServerId(each), Liveness::kAlive);
  EXPECT_EQ(approved(id).state, ProposalState::kApproved);
}

TEST_F(ApprovalTest, WhatPutsMoreAtRiskThanWhenItWasProposedIsRefused) {
  const ServerId server = holder();
  const ProposalId id = proposed(MaintainServer{server, 30min, {.force = true}}).proposal;
  EXPECT_EQ(store_->proposal(id)->at_risk, 0U);
  const Chunk chunk = view().chunk(*view().find(server)->chunks.begin());
  for (const Replica& replica : chunk.replicas) {
    const ServerId other = view().server(replica.server).id();
    if (other != server) becomes(other, Liveness::kDead);
  }
  EXPECT_THAT(no(ApproveProposal{id}, "bob"), HasSubstr("conflict: a1: it "));
  EXPECT_EQ(state(server), AdminState::kInService);
}

TEST(Worse, IsMoreAtRiskOrImpossible) {
  Proposed then{.id = ProposalId(1), .operation = Operation::kDrain, .request = ReleaseBrake{}};
  then.estimate.feasible = true;
  then.at_risk = 3;
  EXPECT_EQ(worse(then, {.feasible = true}, 3), std::nullopt);
  EXPECT_EQ(worse(then, {.feasible = true}, 2), std::nullopt);
  EXPECT_THAT(worse(then, {.feasible = true}, 4).value(), HasSubstr("4 chunks at risk"));
  EXPECT_THAT(worse(then, {.feasible = false, .rules = {"too full"}}, 0).value(),
              HasSubstr("too full"));
  then.estimate.feasible = false;
  EXPECT_EQ(worse(then, {.feasible = false}, 3), std::nullopt) << "it was forced, knowing that";
  then.operation = Operation::kReleaseBrake;
  EXPECT_THAT(worse(then, {}, 4).value(), HasSubstr("4 servers are away"));
}

TEST(Endangered, CountsWhatHasLessLeftThanAWholeChunkWithoutOneServer) {
  const Cluster cluster(R"(
      s1 A/1 100
      s2 A/2 100
      s3 A/3 100
      s4 A/4 100 dead
      c1 3 10 = s1 s2 s3
      c2 3 10 = s1 s2 s4
      c3 2 10 = s1 s2
      c4 2 10 = s1 s4
      c5 1 10 = s1
      c6 2 10 = s1 s2:corrupt)");
  const auto of = [&](const Request& request) { return endangered(cluster.view(), request, {}); };
  EXPECT_EQ(of(DrainServer{ServerId(1), false, {}}), 3U) << "c2, c4 and c6";
  EXPECT_EQ(of(DrainServer{ServerId(3), false, {}}), 0U);
  EXPECT_EQ(of(MaintainServer{ServerId(2), 1h, {}}), 1U) << "c2";
  EXPECT_EQ(of(DrainServer{ServerId(9), true, {}}), 0U);
}

TEST_F(ApprovalTest, WhatMeansAnotherThingByNowIsRefused) {
  const ProposalId deleting = proposed(DeleteNamed{"f"}).proposal;
  const ProposalId lowering = proposed(SetGoal{"f", 1, 0, {}}).proposal;
  const ServerId server = holder();
  const ProposalId draining = proposed(DrainServer{server, false, {}}).proposal;
  approved(deleting);
  put("f");
  EXPECT_THAT(no(ApproveProposal{lowering}, "bob"), HasSubstr("conflict: a2: 'goal f 1' means"));
  EXPECT_EQ(rows("DISTINCT goal || '' FROM chunk WHERE life = 1"), "2");
  Member other = view().find(server)->member;
  other.storage = storage_of(server.value(), 'T');
  other.incarnation = Incarnation(2);
  rebalancer_->handle(std::vector<Event>{MemberChanged{
      storage_of(99), EventNumber(++member_events_), MemberEventKind::kJoined, other}});
  EXPECT_THAT(no(ApproveProposal{draining}, "bob"), HasSubstr("means another thing"));
  EXPECT_EQ(state(server), AdminState::kInService);
}

TEST_F(ApprovalTest, AGoalIsLoweredByTwoAndRaisedByOneOfAllOfAFile) {
  EXPECT_TRUE(std::get<GoalSet>(ask(SetGoal{"f", 3, 0, {}})).done);
  EXPECT_EQ(std::get<GoalSet>(ask(SetGoal{"f", 1, 0, {.dry_run = true}})).changed, 2U)
      << "whoever only asks is answered";
  // Asked for from its second chunk on, it is about all of it all the same.
  const ProposalTold told = proposed(SetGoal{"f", 2, 1, {}});
  EXPECT_EQ(rows("DISTINCT goal || '' FROM chunk"), "3");
  approved(told.proposal);
  EXPECT_EQ(rows("DISTINCT goal || '' FROM chunk"), "2");
  EXPECT_EQ(rows("goal || '' FROM file"), "2");

  ask(SetPolicy{"thin", 1, std::nullopt, std::nullopt, std::nullopt});
  EXPECT_THAT(no(ApplyPolicy{"thin", "f", 0}, ""), HasSubstr("denied: policy apply thin f"));
  const ProposalId thin = proposed(ApplyPolicy{"thin", "f", 0}).proposal;
  start();
  approved(thin);
  EXPECT_EQ(rows("DISTINCT goal || ' ' || policy FROM chunk"), "1 1");
}

TEST_F(ApprovalTest, WhatTheSettingsDoNotNameIsDoneAtOnce) {
  limits_.two_people = {};
  limits_.two_people.add(Operation::kDecommission);
  start();
  const ServerId server = holder();
  EXPECT_TRUE(admin(DrainServer{server, false, {}}).done);
  EXPECT_EQ(std::get<ProposalTold>(ask(DrainServer{server, true, {}}, "ann")).what,
            "decommission " + to_string(server));
  EXPECT_FALSE(std::get<PausedPasses>(ask(PausePass{Reason::kTrim, true})).passes.empty());
}

TEST_F(ApprovalTest, TheDatabaseItselfLetsNobodyApproveWhatIsHis) {
  proposed(PausePass{std::nullopt, true});
  sqlite::Database writer(dir_.path() / "r.db");
  for (const char* sql :
       {"UPDATE proposal SET state = 1, decided_by = 'ann'", "UPDATE proposal SET state = 1",
        "UPDATE proposal SET state = 1, decided_by = ''"}) {
    EXPECT_ANY_THROW(writer.execute(sql)) << sql;
  }
  writer.execute("UPDATE proposal SET state = 2, decided_by = 'bob'");
  EXPECT_ANY_THROW(writer.execute("UPDATE proposal SET state = 1, decided_by = 'bob'"));
}

/// Anybody asks for, approves and rejects anything, time passes, and the rebalancer is restarted.
/// Looks on from outside: what two people are wanted for is never done but by the approval of one
/// of what another one has proposed, once, and in time.
class Drawn : public AskedTest, public testing::WithParamInterface<std::uint64_t> {
 protected:
  struct Known {
    std::string by;
    Instant expires;
    bool decided = false;
  };
  /// What operators can change.
  std::string effects() const {
    std::string all;
    for (const auto& [id, slot] : view().servers()) {
      const Server& server = view().server(slot);
      all += std::string(to_text(server.admin)) + std::to_string(int(server.after_drain)) + " ";
    }
    for (const Reason pass : kPasses) all += view().paused(pass) ? "p" : "-";
    for (ChunkSlot slot = 0; slot < view().chunk_count(); ++slot) {
      const Chunk& chunk = view().chunk(slot);
      all += " " + std::to_string(int{chunk.goal}) + std::to_string(static_cast<int>(chunk.life));
    }
    return all;
  }
  Request request(Rng& rng) const {
    const ServerId server(1 + rng.below(4));
    const Intent intent{.dry_run = rng.chance(1, 8), .force = rng.chance(1, 3)};
    switch (rng.below(8)) {
      case 0:
        return DrainServer{server, rng.chance(1, 4), intent};
      case 1:
        return UndrainServer{server};
      case 2:
        return MaintainServer{server, rng.chance(1, 3) ? Duration(0) : Duration(10min), intent};
      case 3:
        return PausePass{kPasses[rng.below(kPasses.size())], rng.chance(1, 2)};
      case 4:
        return SetGoal{Named("f"), static_cast<int>(1 + rng.below(3)), 0, intent};
      case 5:
        return SetGoal{ChunkId(1 + rng.below(2)), static_cast<int>(1 + rng.below(3)), 0, intent};
      case 6:
        return DeleteNamed{ChunkId(1 + rng.below(2))};
      default:
        return PausePass{std::nullopt, rng.chance(1, 2)};
    }
  }
};

TEST_P(Drawn, NothingThatWantsTwoIsDoneByOne) {
  Rng rng(GetParam());
  const std::vector<std::string> people{"", "ann", "bob", "cyd"};
  for (const Operation each :
       {Operation::kDrain, Operation::kUndrain, Operation::kDecommission, Operation::kMaintenance,
        Operation::kGoalLowered, Operation::kPause, Operation::kResume, Operation::kDelete}) {
    if (rng.chance(2, 3)) limits_.two_people.add(each);
  }
  start();
  std::map<ProposalId, Known> known;
  int done_by_two = 0;
  for (int step = 0; step < 300; ++step) {
    const std::string who = people[rng.below(people.size())];
    const std::string before = effects();
    const auto draw = rng.below(100);
    if (draw < 45) {
      const Request asked = request(rng);
      const bool wanted = [&] {
        const auto operation = operation_of(asked);
        return operation && limits_.two_people.has(*operation);
      }();
      const bool lowers = [&] {  // without the product's own idea of it
        const auto* set = std::get_if<SetGoal>(&asked);
        if (!set) return true;
        for (ChunkSlot slot = 0; slot < view().chunk_count(); ++slot) {
          const Chunk& chunk = view().chunk(slot);
          const auto* id = std::get_if<ChunkId>(&set->what);
          if ((!id || *id == chunk.id) && chunk.life == ChunkLife::kLive &&
              chunk.goal > set->goal) {
            return true;
          }
        }
        return false;
      }();
      const Answer answer = ask(asked, who);
      if (wanted && lowers) {
        ASSERT_EQ(effects(), before) << "done by '" << who << "' alone";
      }
      if (const auto* told = std::get_if<ProposalTold>(&answer)) {
        ASSERT_TRUE(wanted);
        const auto* drain = std::get_if<DrainServer>(&asked);
        ASSERT_FALSE(drain && drain->intent.dry_run) << "it was only asked";
        ASSERT_FALSE(who.empty());
        const auto [at, fresh] =
            known.try_emplace(told->proposal, Known{who, clock_.now() + limits_.approval_expires});
        ASSERT_EQ(told->proposed_by, at->second.by);
      }
    } else if (draw < 80) {
      const ProposalId id(1 + rng.below(known.size() + 2));
      const bool dry = rng.chance(1, 5);
      const Answer answer = ask(ApproveProposal{id, dry}, who);
      const auto found = known.find(id);
      const bool may = found != known.end() && !found->second.decided && !who.empty() &&
                       who != found->second.by && clock_.now() < found->second.expires && !dry;
      if (!may) {
        ASSERT_EQ(effects(), before) << to_string(id) << " by '" << who << "'";
      }
      const auto* told = std::get_if<ProposalTold>(&answer);
      if (may && told) {
        ASSERT_EQ(told->state, ProposalState::kApproved);
        found->second.decided = true;
        done_by_two += effects() != before;
      }
    } else if (draw < 86) {
      const ProposalId id(1 + rng.below(known.size() + 2));
      const Answer answer = ask(RejectProposal{id}, who);
      ASSERT_EQ(effects(), before);
      if (std::holds_alternative<ProposalTold>(answer)) known.at(id).decided = true;
    } else if (draw < 97) {
      pass_time(Duration(std::chrono::minutes(rng.below(25))));
    } else {
      start();
    }
  }
  EXPECT_EQ(rows("count(*) || '' FROM proposals WHERE state = 'approved' AND "
                 "(decided_by IS NULL OR decided_by = proposed_by)"),
            "0");
  EXPECT_GT(done_by_two, 0) << "it drew something that was done";
}

INSTANTIATE_TEST_SUITE_P(Seeds, Drawn, testing::Range<std::uint64_t>(1, 41));

}  // namespace
}  // namespace evenkeel
