#include <gmock/gmock.h>

#include "tests/rebalancer/asked.h"

namespace evenkeel {
namespace {

class OperatorsTest : public AskedTest {};

TEST_F(OperatorsTest, ADrainIsStoredAndComesToItsEndAfterARestart) {
  const ServerId server = holder();
  const ServerAdmin answer = admin(DrainServer{server, false, {}});
  EXPECT_TRUE(answer.done);
  EXPECT_EQ(answer.admin, AdminState::kDraining);
  EXPECT_GT(answer.estimate.chunks, 0U);
  EXPECT_EQ(rows("admin || ' ' || (chunks_left > 0) FROM drains"), "draining 1");
  start();
  EXPECT_EQ(state(server), AdminState::kDraining);
  work();
  EXPECT_EQ(state(server), AdminState::kDrained);
  EXPECT_EQ(rows("admin || ' ' || chunks_left FROM drains"), "drained 0");
  EXPECT_EQ(rows("count(*) || '' FROM chunk_health WHERE health <> 'healthy'"), "0");
  EXPECT_TRUE(admin(UndrainServer{server}).done);
  EXPECT_EQ(rows("count(*) || '' FROM drains"), "0");
}

TEST_F(OperatorsTest, OnlyAskingChangesNothing) {
  const ServerId server = holder();
  const ServerAdmin answer = admin(DrainServer{server, true, {.dry_run = true}});
  EXPECT_FALSE(answer.done);
  EXPECT_EQ(answer.admin, AdminState::kInService);
  EXPECT_GT(answer.estimate.bytes, Bytes(0));
  EXPECT_EQ(state(server), AdminState::kInService);
  EXPECT_FALSE(admin(MaintainServer{server, 1min, {.dry_run = true}}).done);
  EXPECT_EQ(state(server), AdminState::kInService);
  EXPECT_EQ(std::get<GoalSet>(ask(SetGoal{"f", 3, 0, {.dry_run = true}})).changed, 2U);
  EXPECT_EQ(rows("DISTINCT goal || '' FROM chunk"), "2");
}

TEST_F(OperatorsTest, ADecommissionIsStoredAndItsServerForgotten) {
  const ServerId server = holder();
  EXPECT_TRUE(admin(DrainServer{server, true, {}}).forget);
  EXPECT_EQ(rows("to_be_removed || '' FROM server_status WHERE to_be_removed"), "1");
  start();
  EXPECT_EQ(view().find(server)->after_drain, AfterDrain::kRemove);
  work();
  EXPECT_EQ(state(server), AdminState::kRemoved);
  pass_time(1s);  // what servers hold is told once a second
  EXPECT_EQ(rows("admin || ' ' || replicas FROM server_status WHERE admin <> 'in_service'"),
            "removed 0");
  start();
  EXPECT_EQ(state(server), AdminState::kRemoved);
  EXPECT_EQ(rows("count(*) || '' FROM chunk_health WHERE health <> 'healthy'"), "0");
}

TEST_F(OperatorsTest, AMaintenanceEndsWhenTheServiceHasRunSoLong) {
  const ServerId server = holder();
  const ServerAdmin answer = admin(MaintainServer{server, 10min, {}});
  EXPECT_EQ(answer.admin, AdminState::kMaintenance);
  EXPECT_EQ(answer.maintenance_left, Duration(10min));
  pass_time(4min);
  EXPECT_EQ(rows("maintenance_left_ms || '' FROM server_status WHERE admin = 'maintenance'"),
            "360000");
  clock_.advance(1h);  // nobody runs: this time does not count
  start();
  EXPECT_EQ(view().find(server)->maintenance_until, clock_.now() + 6min);
  EXPECT_TRUE(view().awaited(*view().slot_of(server)));
  pass_time(6min - 1ms);
  EXPECT_EQ(state(server), AdminState::kMaintenance);
  pass_time(1ms);
  EXPECT_EQ(state(server), AdminState::kInService);
  EXPECT_EQ(rows("count(*) || '' FROM server_status WHERE maintenance_left_ms IS NOT NULL"), "0");
  EXPECT_EQ(refused(MaintainServer{server, 1ms, {}}), "malformed");
  EXPECT_EQ(refused(MaintainServer{server, 721h, {}}), "malformed");
  EXPECT_FALSE(admin(MaintainServer{server, Duration(0), {}}).done);
}

TEST_F(OperatorsTest, PausedPassesAreStored) {
  const auto paused = [&](Request request) {
    return std::get<PausedPasses>(ask(std::move(request))).passes;
  };
  EXPECT_THAT(paused(PausePass{Reason::kBalance, true}), testing::ElementsAre(Reason::kBalance));
  EXPECT_THAT(paused(PausePass{Reason::kRepair, true}),
              testing::ElementsAre(Reason::kRepair, Reason::kBalance));
  start();
  EXPECT_TRUE(view().paused(Reason::kRepair));
  EXPECT_TRUE(view().paused(Reason::kBalance));
  EXPECT_FALSE(view().paused(Reason::kTrim));
  EXPECT_EQ(rows("pass FROM paused_passes ORDER BY pass"), "balance, repair");
  EXPECT_THAT(paused(PausePass{std::nullopt, false}), testing::IsEmpty());
  EXPECT_EQ(rows("count(*) || '' FROM paused_passes"), "0");
}

TEST_F(OperatorsTest, ACancelledCopyIsClosedAndKnownIfItIsMadeAllTheSame) {
  EXPECT_EQ(refused(CancelCommand{CommandId(77)}), "not_found");
  ask(SetGoal{"f", 3, 0, {}});
  rebalancer_->handle(std::vector<Event>{TimePassed{}});
  const auto& open = view().in_flight();
  const auto found = std::find_if(open.begin(), open.end(), [](const auto& entry) {
    return entry.second.kind == CommandKind::kReplicate;
  });
  ASSERT_NE(found, open.end());
  const CommandRecord copy = found->second;
  EXPECT_EQ(refused(CancelCommand{copy.id}), "");
  EXPECT_EQ(view().find(copy.id), nullptr);
  EXPECT_EQ(refused(CancelCommand{copy.id}), "") << "asked again";
  EXPECT_EQ(rows("state || ': ' || why FROM command_history WHERE state = 'superseded'"),
            "superseded: cancelled by an operator");
  rebalancer_->handle(std::vector<Event>{ack(copy)});
  view().check();
  const auto chunk = view().slot_of(*copy.chunk);
  EXPECT_TRUE(view().replica(view().chunk(*chunk), copy.server));
}

TEST_F(OperatorsTest, AGoalIsThatOfTheFileAndOfItsChunks) {
  const auto set = [&](Named what, int goal) {
    return std::get<GoalSet>(ask(SetGoal{what, goal}));
  };
  const GoalSet more = set("f", 3);
  EXPECT_TRUE(more.done);
  EXPECT_EQ(more.total, 2U);
  EXPECT_EQ(more.next, 2U);
  EXPECT_EQ(more.changed, 2U);
  EXPECT_EQ(more.estimate.chunks, 2U);
  EXPECT_EQ(more.estimate.bytes, Bytes(20));
  EXPECT_EQ(rows("goal || '' FROM files"), "3");
  work();
  EXPECT_EQ(rows("DISTINCT health || ' ' || valid_replicas FROM chunk_health"), "healthy 3");
  EXPECT_EQ(set("f", 3).changed, 0U);
  const ChunkId chunk = store_->chunks_of(store_->file("f")->id, 0, 1).at(0);
  EXPECT_EQ(set(chunk, 1).changed, 1U);
  work();
  EXPECT_EQ(rows("group_concat(valid_replicas, ' ') FROM (SELECT valid_replicas FROM chunk_health "
                 "ORDER BY 1)"),
            "1 3");
  EXPECT_EQ(refused(SetGoal{"nowhere", 2}), "not_found");
  EXPECT_EQ(refused(SetGoal{ChunkId(7777), 2}), "not_found");
  EXPECT_EQ(refused(SetGoal{"f", 17}), "malformed");
}

TEST_F(OperatorsTest, AGoalThatIsRaisedWhileADeleteIsOpenBreaksNoInvariant) {
  ask(SetGoal{"f", 1, 0, {}});
  for (int turn = 0;
       turn < 4 && rows("count(*) || '' FROM open_commands WHERE kind = 'delete'") == "0"; ++turn) {
    std::vector<Event> done;
    for (const auto& [id, command] : view().in_flight()) {
      if (command.kind != CommandKind::kDelete) done.push_back(ack(command));
    }
    rebalancer_->handle(done);
  }
  ASSERT_NE(rows("count(*) || '' FROM open_commands WHERE kind = 'delete'"), "0");
  ask(SetGoal{"f", 2, 0, {}});
  EXPECT_EQ(rows("count(*) || '' FROM invariant_delete_without_evidence"), "0");
  start();
  EXPECT_EQ(rows("DISTINCT goal || '' FROM chunk"), "2");
}

TEST_F(OperatorsTest, UnknownServersAreNotFound) {
  EXPECT_EQ(refused(DrainServer{ServerId(9), false, {}}), "not_found");
  EXPECT_EQ(refused(UndrainServer{ServerId(9)}), "not_found");
  EXPECT_EQ(refused(MaintainServer{ServerId(9), 1min, {}}), "not_found");
  admin(DrainServer{ServerId(1), false, {}});
  EXPECT_EQ(refused(MaintainServer{ServerId(1), 1min, {}}), "conflict");
}

}  // namespace
}  // namespace evenkeel
