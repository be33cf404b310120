#include "tests/agent/agent_fixture.h"

namespace evenkeel::agent {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kManyBlocks = 6 * 1024 * 1024 + 123;

/// The rebalancer is killed and started again, which is a new epoch, in the midst of work.
class EpochChange : public AgentFixture {
 protected:
  void SetUp() override { put(seat(1), chunk_); }

  /// A copy from 1 to 2 that has begun and takes a while.
  void begin_copy() {
    publish(*two_, slow(10));
    until([&] { return source_counts().bytes_out > 0; });
  }
  Command slow(std::uint64_t id) {
    Command command = replicate(*two_, id, chunk_, {one_});
    std::get<Replicate>(command.order).rate = 6_MiB;
    return command;
  }
  /// What the rebalancer has open then is what `open` makes, with tokens of the new epoch.
  void restart_rebalancer(const std::function<std::vector<Command>()>& open) {
    epoch_ = Epoch(epoch_.value() + 1);
    open_[2] = open();
    tell_epoch(*two_);
  }
  void tell_epoch(Seat& s) {
    const std::uint64_t server = number(s);
    until([&] {
      if (s.agent->storage().identity().epoch == epoch_) return true;
      tell(s, Beacon{epoch_, ServerId(server), std::nullopt, 0});
      return false;
    });
  }
  const DataPort::Counts& source_counts() { return one_->agent->data_port().counts(); }
  void expect_copied_once() {
    EXPECT_TRUE(holds(*two_, chunk_));
    EXPECT_TRUE(names_in(two_->dir.path() / "tmp").empty());
    EXPECT_EQ(source_counts().bytes_out, chunk_.bytes.size());
    for (const CommandResult& said : two_->results[10]) {
      EXPECT_EQ(said.outcome, Outcome::kDone);
      EXPECT_EQ(said.journal, two_->results[10].front().journal);
    }
  }

  const Sample chunk_ = sample(1, kManyBlocks);
  Seat* one_ = nullptr;
  Seat* two_ = nullptr;
  void start_both() {
    one_ = &start(1);
    two_ = &start(2);
  }
};

TEST_F(EpochChange, ACopyInItsMidstGoesOnAndIsDoneOnce) {
  start_both();
  begin_copy();
  restart_rebalancer([&] { return std::vector{slow(10)}; });
  EXPECT_FALSE(fs::exists(live(*two_, chunk_)));
  const CommandResult done = result(*two_, 10);
  EXPECT_EQ(done.outcome, Outcome::kDone) << done.detail;
  EXPECT_EQ(done.bytes_done, chunk_.content.size);
  EXPECT_TRUE(done.blamed.empty());
  expect_copied_once();
  EXPECT_EQ(source_counts().opened, 1U) << "the transfer that ran went on";
  EXPECT_EQ(two_->pulls.back().after, std::nullopt);
}

TEST_F(EpochChange, ACopyThatIsWholeWaitsToBeNamedAndIsThenDone) {
  start_both();
  begin_copy();
  welcome_ = false;  // so that nothing is pulled
  restart_rebalancer([] { return std::vector<Command>{}; });
  until([&] { return source_counts().bytes_out == chunk_.bytes.size(); });
  until([&] {
    return two_->agent->storage().book().state(CommandId(10)) == CommandState::kWorking &&
           two_->hellos.size() >= 3;
  });
  EXPECT_FALSE(fs::exists(live(*two_, chunk_)));
  EXPECT_TRUE(two_->results[10].empty());
  publish(*two_, slow(10));  // a publication names it as well as an answer does
  until([&] { return holds(*two_, chunk_); });
  welcome_ = true;
  EXPECT_EQ(result(*two_, 10).outcome, Outcome::kDone);
  expect_copied_once();
  EXPECT_EQ(source_counts().opened, 1U);
}

TEST_F(EpochChange, WhatIsNotNamedIsOverAndLeavesNothing) {
  start_both();
  begin_copy();
  restart_rebalancer([] { return std::vector<Command>{}; });
  const CommandResult over = result(*two_, 10);
  EXPECT_EQ(over.outcome, Outcome::kFailed);
  EXPECT_EQ(over.why, Why::kStaleEpoch);
  EXPECT_FALSE(fs::exists(live(*two_, chunk_)));
  until([&] { return names_in(two_->dir.path() / "tmp").empty(); });
}

TEST_F(EpochChange, WhatIsWholeAndNotNamedIsOverToo) {
  start_both();
  begin_copy();
  welcome_ = false;
  restart_rebalancer([] { return std::vector<Command>{}; });
  until(
      [&] { return source_counts().bytes_out == chunk_.bytes.size() && two_->hellos.size() >= 3; });
  welcome_ = true;
  EXPECT_EQ(result(*two_, 10).why, Why::kStaleEpoch);
  EXPECT_FALSE(fs::exists(live(*two_, chunk_)));
  until([&] { return names_in(two_->dir.path() / "tmp").empty(); });
}

TEST_F(EpochChange, ThePullIsRepeatedUntilItIsAnswered) {
  start_both();
  begin_copy();
  pulls_lost_ = 2;
  const std::size_t pulls = two_->pulls.size();
  restart_rebalancer([&] { return std::vector{slow(10)}; });
  EXPECT_EQ(result(*two_, 10).outcome, Outcome::kDone);
  EXPECT_GE(two_->pulls.size(), pulls + 3);
  expect_copied_once();
}

TEST_F(EpochChange, NothingIsOverBeforeTheLastPartOfTheAnswer) {
  start_both();
  begin_copy();
  page_ = 1;
  restart_rebalancer([&] {
    return std::vector{verify(*two_, 8, chunk_, VerifyLevel::kPresence),
                       verify(*two_, 9, chunk_, VerifyLevel::kPresence), slow(10)};
  });
  EXPECT_EQ(result(*two_, 10).outcome, Outcome::kDone);
  expect_copied_once();
}

TEST_F(EpochChange, WhatWaitsForItsTurnGetsTokensOfTheNewEpoch) {
  const Sample other = sample(2, 1'000);
  put(seat(1), other);
  seat(2).settings.work.copies_in = 1;
  start_both();
  begin_copy();
  publish(*two_, replicate(*two_, 11, other, {one_}));
  until([&] { return two_->agent->storage().book().knows(CommandId(11)); });
  epoch_ = Epoch(4);
  tell_epoch(*one_);  // the source has it first: old tokens open nothing there
  open_[2] = {slow(10), replicate(*two_, 11, other, {one_})};
  tell_epoch(*two_);
  for (const std::uint64_t id : {10, 11}) {
    const CommandResult done = result(*two_, id);
    EXPECT_EQ(done.outcome, Outcome::kDone) << id << " " << done.detail;
    EXPECT_TRUE(done.blamed.empty());
  }
  EXPECT_TRUE(holds(*two_, other));
}

TEST_F(EpochChange, ASourceThatIsAheadIsNotBlamed) {
  start_both();
  const Command old = replicate(*two_, 10, chunk_, {one_});
  epoch_ = Epoch(4);
  tell_epoch(*one_);
  epoch_ = Epoch(3);
  publish(*two_, old);
  until([&] { return source_counts().other_epoch > 0; });
  epoch_ = Epoch(4);
  open_[2] = {replicate(*two_, 10, chunk_, {one_})};
  tell_epoch(*two_);
  const CommandResult done = result(*two_, 10);
  EXPECT_EQ(done.outcome, Outcome::kDone) << done.detail;
  EXPECT_TRUE(done.blamed.empty());
}

TEST_F(EpochChange, OneAfterTheOtherTheCopyIsDoneOnce) {
  start_both();
  begin_copy();
  for (int restart = 0; restart < 4; ++restart) {
    restart_rebalancer([&] { return std::vector{slow(10)}; });
  }
  EXPECT_EQ(result(*two_, 10).outcome, Outcome::kDone);
  expect_copied_once();
}

}  // namespace
}  // namespace evenkeel::agent
