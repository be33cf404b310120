#include "common/reactor/loop.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "common/reactor/mailbox.h"
#include "common/reactor/signals.h"
#include "common/reactor/turn.h"
#include "common/reactor/work.h"
#include "tests/reactor/watchdog.h"

namespace evenkeel {
namespace {

TEST(Timer, FiresAgainAndAgainUntilStopped) {
  Loop loop;
  int fired = 0;
  Timer timer(loop, [&] {
    if (++fired == 3) timer.stop();
  });
  timer.start(Duration(1), Duration(1));
  EXPECT_TRUE(timer.running());
  loop.run();  // returns when nothing is left to wait for
  EXPECT_EQ(fired, 3);
  EXPECT_FALSE(timer.running());
}

TEST(Timer, MayBeDestroyedInItsOwnCallback) {
  Loop loop;
  std::unique_ptr<Timer> timer;
  bool fired = false;
  timer = std::make_unique<Timer>(loop, [&] {
    timer.reset();
    fired = true;
  });
  timer->start(Duration(1));
  loop.run();
  EXPECT_TRUE(fired);
}

TEST(Loop, RethrowsWhatACallbackThrewAndCanGoOn) {
  Loop loop;
  int fired = 0;
  Timer timer(loop, [&] {
    if (++fired == 1) throw std::runtime_error("no");
  });
  timer.start(Duration(0));
  EXPECT_THROW(loop.run(), std::runtime_error);
  timer.start(Duration(0));
  loop.run();
  EXPECT_EQ(fired, 2);
}

TEST(Signals, EndTheLoop) {
  Loop loop;
  const Watchdog watchdog(loop);
  for (const int number : {SIGTERM, SIGINT}) {
    const Signals signals(loop);
    Timer timer(loop, [&] { std::raise(number); });
    timer.start(Duration(0));
    loop.run();
  }
}

TEST(Signals, AreToldByNumberAndPipeIsIgnored) {
  Loop loop;
  const Watchdog watchdog(loop);
  int told = 0;
  const Signals signals(loop, [&](int number) {
    told = number;
    loop.stop();
  });
  std::raise(SIGPIPE);
  std::raise(SIGTERM);
  loop.run();
  EXPECT_EQ(told, SIGTERM);
}

TEST(Mailbox, RunsInOrderWhatOtherThreadsPost) {
  Loop loop;
  const Watchdog watchdog(loop);
  Mailbox mailbox(loop);
  std::vector<int> got;
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) mailbox.post([&got, i] { got.push_back(i); });
    mailbox.post([&] { loop.stop(); });
  });
  loop.run();
  other.join();
  ASSERT_EQ(got.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(got[static_cast<std::size_t>(i)], i);
}

TEST(Mailbox, MayBeDestroyedByAJobAndForgetsTheRest) {
  Loop loop;
  auto mailbox = std::make_unique<Mailbox>(loop);
  int ran = 0;
  mailbox->post([&] {
    ++ran;
    mailbox.reset();
  });
  mailbox->post([&] { ++ran; });
  loop.run();
  EXPECT_EQ(ran, 1);
}

TEST(Turn, HandsOnWhatCameInOneTurnAtOnceAndNotFromAdd) {
  Loop loop;
  const Watchdog watchdog(loop);
  std::vector<std::vector<int>> batches;
  Turn<int> turn(loop, {}, [&](std::vector<int>&& items) {
    batches.push_back(std::move(items));
    if (batches.size() == 1) turn.add(4);
    if (batches.size() == 2) loop.stop();
  });
  for (const int item : {1, 2, 3}) turn.add(item);
  EXPECT_TRUE(batches.empty());
  loop.run();
  EXPECT_EQ(batches, (std::vector<std::vector<int>>{{1, 2, 3}, {4}}));
}

TEST(Turn, IsCutShortWhenThereAreEnough) {
  Loop loop;
  const Watchdog watchdog(loop);
  std::size_t handed_on = 0;
  const TurnLimits limits{.max_delay = std::chrono::hours(1), .max_items = 3};
  Turn<int> turn(loop, limits, [&](std::vector<int>&& items) {
    handed_on = items.size();
    loop.stop();
  });
  for (const int item : {1, 2, 3}) turn.add(item);
  loop.run();
  EXPECT_EQ(handed_on, 3u);
}

TEST(Turn, WaitsForItsDelayAndNotForMore) {
  Loop loop;
  const Watchdog watchdog(loop);
  std::vector<int> got;
  const TurnLimits limits{.max_delay = Duration(20), .max_items = 100};
  Turn<int> turn(loop, limits, [&](std::vector<int>&& items) {
    got = std::move(items);
    loop.stop();
  });
  turn.add(1);
  Timer second(loop, [&] { turn.add(2); });
  second.start(Duration(0));
  loop.run();
  EXPECT_EQ(got, (std::vector<int>{1, 2}));
}

TEST(Turn, MayBeDestroyedInItsHandlerAndFlushedByHand) {
  Loop loop;
  int handed_on = 0;
  auto turn = std::unique_ptr<Turn<int>>();
  turn = std::make_unique<Turn<int>>(loop, TurnLimits{}, [&](std::vector<int>&&) {
    turn.reset();
    ++handed_on;
  });
  turn->add(1);
  loop.run();
  EXPECT_EQ(handed_on, 1);

  Turn<int> by_hand(loop, {}, [&](std::vector<int>&&) { ++handed_on; });
  by_hand.add(1);
  by_hand.flush();
  by_hand.flush();
  loop.run();
  EXPECT_EQ(handed_on, 2);
}

TEST(Work, IsDoneElsewhereAndCompletesOnTheLoop) {
  Loop loop;
  const Watchdog watchdog(loop);
  Work work(loop);
  std::thread::id worker;
  int completed = 0;
  for (int i = 0; i < 50; ++i) {
    work.run(
        [&worker, i] {
          if (i == 0) worker = std::this_thread::get_id();
        },
        [&] {
          if (++completed == 50) loop.stop();
        });
  }
  EXPECT_EQ(work.in_progress(), 50u);
  loop.run();
  EXPECT_EQ(completed, 50);
  EXPECT_EQ(work.in_progress(), 0u);
  EXPECT_NE(worker, std::thread::id());
  EXPECT_NE(worker, std::this_thread::get_id());
}

TEST(Work, WhatItThrowsComesOutOfTheLoopInsteadOfTheCompletion) {
  Loop loop;
  Work work(loop);
  bool completed = false;
  work.run([] { throw std::runtime_error("disk"); }, [&] { completed = true; });
  EXPECT_THROW(loop.run(), std::runtime_error);
  EXPECT_FALSE(completed);
  EXPECT_EQ(work.in_progress(), 0u);
}

TEST(Work, CompletionsAreForgottenWithTheirOwner) {
  Loop loop;
  bool completed = false;
  std::promise<void> begun, may_end;
  auto work = std::make_unique<Work>(loop);
  work->run(
      [&] {
        begun.set_value();
        may_end.get_future().wait();
      },
      [&] { completed = true; });
  begun.get_future().wait();
  work.reset();
  may_end.set_value();
  loop.run();
  EXPECT_FALSE(completed);
}

TEST(Work, MayBeDestroyedInACompletion) {
  Loop loop;
  int completed = 0;
  auto work = std::make_unique<Work>(loop);
  for (int i = 0; i < 10; ++i) {
    work->run([] {},
              [&] {
                ++completed;
                work.reset();
              });
  }
  loop.run();
  EXPECT_EQ(completed, 1);
}

TEST(WorkGroup, HandsManyPiecesToFewTurnsOfThreads) {
  Loop loop;
  const Watchdog watchdog(loop);
  WorkGroup group(loop);
  Work work(loop);
  std::vector<int> completed;
  std::atomic<int> done = 0;
  for (int i = 0; i < 200; ++i) {
    group.run(
        work, [&] { ++done; },
        [&, i] {
          completed.push_back(i);
          if (completed.size() == 200) loop.stop();
        });
  }
  EXPECT_EQ(work.in_progress(), 200u);
  EXPECT_EQ(done, 0);  // at the end of the turn
  loop.run();
  EXPECT_EQ(done, 200);
  std::sort(completed.begin(), completed.end());
  for (int i = 0; i < 200; ++i) EXPECT_EQ(completed[static_cast<std::size_t>(i)], i);
}

TEST(WorkGroup, EachPieceIsForgottenWithItsOwnOwner) {
  Loop loop;
  const Watchdog watchdog(loop);
  WorkGroup group(loop);
  auto gone = std::make_unique<Work>(loop);
  Work stays(loop);
  bool begun = false, completed = false, other = false;
  group.run(
      *gone, [&] { begun = true; }, [&] { completed = true; });
  group.run(
      stays, [] {},
      [&] {
        other = true;
        loop.stop();
      });
  gone.reset();
  loop.run();
  EXPECT_FALSE(begun);
  EXPECT_FALSE(completed);
  EXPECT_TRUE(other);
}

TEST(WorkGroup, WhatOnePieceThrowsDoesNotKeepTheOthersFromTheirCompletion) {
  Loop loop;
  WorkGroup group(loop);
  Work work(loop);
  int completed = 0;
  group.run(
      work, [] { throw std::runtime_error("disk"); }, [&] { ++completed; });
  group.run(
      work, [] {}, [&] { ++completed; });
  group.run(
      work, [] {}, [&] { ++completed; });
  EXPECT_THROW(loop.run(), std::runtime_error);
  loop.run();
  EXPECT_EQ(completed, 2);
}

}  // namespace
}  // namespace evenkeel
