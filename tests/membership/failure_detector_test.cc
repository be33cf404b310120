#include "services/membership/core/failure_detector.h"

#include <gtest/gtest.h>

#include "services/membership/core/pause_watch.h"

namespace evenkeel::membership {
namespace {

using namespace std::chrono_literals;

TEST(FailureDetector, SilenceIsJudgedByItsLength) {
  struct Case {
    Duration silence;
    Liveness judged;
  };
  const FailureDetector detector({.suspect_after = 3s, .dead_after = 30s}, Instant{});
  for (const Case& c : {Case{0ms, Liveness::kAlive}, Case{2999ms, Liveness::kAlive},
                        Case{3000ms, Liveness::kSuspect}, Case{29'999ms, Liveness::kSuspect},
                        Case{30s, Liveness::kDead}, Case{720h, Liveness::kDead}}) {
    EXPECT_EQ(detector.judge(Instant{} + c.silence), c.judged) << c.silence.count() << " ms";
  }
}

TEST(FailureDetector, BeingHeardBeginsTheSilenceAnew) {
  FailureDetector detector({.suspect_after = 3s, .dead_after = 30s}, Instant{});
  detector.restart(Instant{} + 100s);
  EXPECT_EQ(detector.judge(Instant{} + 102'999ms), Liveness::kAlive);
  EXPECT_EQ(detector.judge(Instant{} + 103s), Liveness::kSuspect);
}

TEST(FailureDetectorDeathTest, PatienceThatCannotBeIsOurOwnMistake) {
  EXPECT_DEATH(FailureDetector({.suspect_after = 3s, .dead_after = 3s}, Instant{}), "dead_after");
  EXPECT_DEATH(FailureDetector({.suspect_after = 0s, .dead_after = 3s}, Instant{}), "suspect");
}

TEST(PauseWatch, OnlyALookThatIsTooLateIsAPause) {
  PauseWatch watch(250ms, 1500ms, Instant{});
  EXPECT_FALSE(watch.look(Instant{} + 250ms));
  EXPECT_FALSE(watch.look(Instant{} + 2000ms)) << "exactly as late as is borne";
  EXPECT_TRUE(watch.look(Instant{} + 3751ms));
  EXPECT_FALSE(watch.look(Instant{} + 3751ms)) << "a pause is told once";
}

}  // namespace
}  // namespace evenkeel::membership
