#include <atomic>
#include <functional>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/cli/fake_rebalancer.h"
#include "tools/cli/commands.h"

namespace evenkeel::cli {
namespace {

/// Commands asked of a rebalancer that answers as the test says.
class AdminTest : public testing::Test {
 protected:
  /// What `command` printed and how it ended.
  struct Said {
    Exit exit;
    std::string out, err;
  };
  Said said(const std::vector<Answer>& answers,
            const std::function<Exit(const Options&)>& command) {
    Loop loop;
    zmq::context_t context;
    std::size_t next = 0;
    FakeRebalancer rebalancer(loop, context, [&](const ControlRequest& request) {
      return std::vector{answer(request, answers.at(next++))};
    });
    const Options options{.control = rebalancer.endpoint(),
                          .cluster = "test",
                          .timeout = Duration(5000),
                          .json = json};
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Said result{Exit::kOk, "", ""};
    std::atomic<bool> over = false;
    std::thread asker([&] {
      result.exit = command(options);
      over = true;
    });
    Timer look(loop, [&] {
      if (over) loop.stop();
    });
    look.start(Duration(1), Duration(1));
    loop.run();
    asker.join();
    heard = std::move(rebalancer.heard);
    result.out = testing::internal::GetCapturedStdout();
    result.err = testing::internal::GetCapturedStderr();
    return result;
  }
  template <class T>
  const T& request(std::size_t i = 0) {
    return std::get<T>(heard.at(i).what);
  }

  bool json = false;
  std::vector<ControlRequest> heard;
};

const Forecast kCost{true, 120, Bytes(120 << 20), Duration(180'000), {}};
const Forecast kImpossibleCost{false, 10, Bytes(100), {}, {"holds a replica: 10 chunks"}};

TEST_F(AdminTest, ADrainSaysWhatItTakes) {
  const auto drained =
      said({ServerAdmin{ServerId(7), AdminState::kDraining, true, false, {}, kCost}},
           [](const Options& options) {
             return drain(options, {ServerId(7), false, {}});
           });
  EXPECT_EQ(drained.exit, Exit::kOk);
  EXPECT_EQ(drained.out, "s7 is draining: 120 chunks, 120 MiB to copy, about 3 min\n");
  EXPECT_FALSE(request<DrainServer>().forget);
  EXPECT_FALSE(request<DrainServer>().intent.dry_run);
}

TEST_F(AdminTest, OnlyAskedItSaysThatNothingWasDone) {
  const auto asked =
      said({ServerAdmin{ServerId(7), AdminState::kInService, false, false, {}, kCost}},
           [](const Options& options) {
             return drain(options, {ServerId(7), true, {.dry_run = true}});
           });
  EXPECT_EQ(asked.exit, Exit::kOk);
  EXPECT_NE(asked.out.find("nothing was done"), std::string::npos) << asked.out;
  EXPECT_TRUE(request<DrainServer>().forget);
  EXPECT_TRUE(request<DrainServer>().intent.dry_run);
}

TEST_F(AdminTest, WhatIsImpossibleNamesTheRulesAndHasAnExitCodeOfItsOwn) {
  const ServerAdmin no{ServerId(7), AdminState::kInService, false, false, {}, kImpossibleCost};
  const auto ask = [](const Options& options) { return drain(options, {ServerId(7), false, {}}); };
  const auto refused = said({no}, ask);
  EXPECT_EQ(refused.exit, Exit::kImpossible);
  EXPECT_NE(refused.err.find("holds a replica: 10 chunks"), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("--force"), std::string::npos) << refused.err;
  json = true;
  const auto as_json = said({no}, ask);
  EXPECT_EQ(as_json.exit, Exit::kImpossible);
  EXPECT_NE(as_json.out.find("\"feasible\": false"), std::string::npos) << as_json.out;
}

TEST_F(AdminTest, WhatTheRebalancerRefusesIsAnError) {
  const auto refused = said({Refused{"not_found", "there is no server s7"}},
                            [](const Options& options) { return undrain(options, ServerId(7)); });
  EXPECT_EQ(refused.exit, Exit::kError);
  EXPECT_NE(refused.err.find("undrain s7: there is no server s7"), std::string::npos);
}

TEST_F(AdminTest, AMaintenanceSaysHowLongItTakes) {
  const auto away = said(
      {ServerAdmin{ServerId(7), AdminState::kMaintenance, true, false, Duration(1'800'000), {}}},
      [](const Options& options) {
        return maintain(options, {ServerId(7), Duration(1'800'000), {}});
      });
  EXPECT_EQ(away.out, "s7 is in maintenance for 30 min\n");
  EXPECT_EQ(request<MaintainServer>().length, Duration(1'800'000));
}

TEST_F(AdminTest, PassesArePausedByTheirWordsOrAllAtOnce) {
  const auto paused = said({PausedPasses{{Reason::kTrim, Reason::kBalance}}},
                           [](const Options& options) { return pause(options, "trim", true); });
  EXPECT_EQ(paused.out, "paused: trim, balance\n");
  EXPECT_EQ(request<PausePass>().pass, Reason::kTrim);
  const auto resumed =
      said({PausedPasses{}}, [](const Options& options) { return pause(options, "all", false); });
  EXPECT_EQ(resumed.out, "paused: nothing\n");
  EXPECT_EQ(request<PausePass>().pass, std::nullopt);
  EXPECT_FALSE(request<PausePass>().paused);
}

TEST_F(AdminTest, ACopyIsCancelled) {
  const auto cancelled = said({Cancelled{CommandId(12)}}, [](const Options& options) {
    return cancel(options, CommandId(12));
  });
  EXPECT_EQ(cancelled.exit, Exit::kOk);
  EXPECT_NE(cancelled.out.find("cancelled k12"), std::string::npos);
  EXPECT_EQ(request<CancelCommand>().command, CommandId(12));
}

TEST_F(AdminTest, TheGoalOfALargeFileIsChangedInSeveralRequests) {
  const Forecast part{true, 2000, Bytes(2000), Duration(1000), {}};
  json = true;
  const auto set =
      said({GoalSet{true, 3000, 2048, 2048, part}, GoalSet{true, 3000, 3000, 900, part}},
           [](const Options& options) {
             return set_goal(options, {{"name"}, 4, {}});
           });
  EXPECT_EQ(set.exit, Exit::kOk);
  ASSERT_EQ(heard.size(), 2U);
  EXPECT_EQ(request<SetGoal>(0).first, 0U);
  EXPECT_EQ(request<SetGoal>(1).first, 2048U);
  EXPECT_NE(set.out.find("\"changed\": 2948"), std::string::npos) << set.out;
  EXPECT_NE(set.out.find("\"copy_chunks\": 4000"), std::string::npos) << set.out;
}

TEST_F(AdminTest, AGoalThatCannotBeReachedIsNotAskedForFurther) {
  const auto set =
      said({GoalSet{false, 3000, 2048, 2048, kImpossibleCost}}, [](const Options& options) {
        return set_goal(options, {{"name"}, 9, {}});
      });
  EXPECT_EQ(set.exit, Exit::kImpossible);
  EXPECT_EQ(heard.size(), 1U);
  EXPECT_NE(set.err.find("holds a replica"), std::string::npos) << set.err;
}

}  // namespace
}  // namespace evenkeel::cli
