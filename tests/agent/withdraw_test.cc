#include "tests/agent/agent_fixture.h"

namespace evenkeel::agent {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kManyBlocks = 6 * 1024 * 1024 + 123;

/// The rebalancer does not want any more what it ordered.
class Withdrawal : public AgentFixture {
 protected:
  void SetUp() override {
    put(seat(1), chunk_);
    put(seat(1), other_);
    seat(2).settings.work.copies_in = 1;
    one_ = &start(1);
    two_ = &start(2);
  }

  /// A copy from 1 to 2 that takes a second at least.
  Command slow(std::uint64_t id) {
    Command command = replicate(*two_, id, chunk_, {one_});
    std::get<Replicate>(command.order).rate = 6_MiB;
    return command;
  }
  void begin_copy() {
    publish(*two_, slow(10));
    until([&] { return one_->agent->data_port().counts().bytes_out > 0; });
  }
  void withdraw(std::vector<CommandId> commands) {
    open_[2].clear();  // who does not want it does not name it either
    tell(*two_, Withdraw{epoch_, two_->settings.server, std::move(commands)});
  }
  std::optional<CommandState> state(std::uint64_t id) {
    return two_->agent->storage().book().state(CommandId(id));
  }
  /// All that was said to 2 before is behind it.
  void until_heard() {
    const std::uint64_t id = ++probe_;
    EXPECT_EQ(run(*two_, {CommandId(id), Reason::kReport, storage(*two_), std::chrono::minutes(1),
                          Report{}})
                  .outcome,
              Outcome::kDone);
  }

  const Sample chunk_ = sample(1, kManyBlocks), other_ = sample(2, 1'000);
  Seat* one_ = nullptr;
  Seat* two_ = nullptr;
  std::uint64_t probe_ = 1'000;
};

TEST_F(Withdrawal, EndsACopyInItsMidstForEver) {
  begin_copy();
  withdraw({CommandId(10)});
  const CommandResult over = result(*two_, 10);
  EXPECT_EQ(over.outcome, Outcome::kFailed);
  EXPECT_EQ(over.why, Why::kCancelled);
  EXPECT_FALSE(fs::exists(live(*two_, chunk_)));
  until([&] { return names_in(two_->dir.path() / "tmp").empty(); });

  kill(*two_);  // what it said is in its journal
  start(*two_);
  publish(*two_, slow(10));
  until([&] { return two_->results[10].size() >= 2; });
  EXPECT_EQ(two_->results[10].back().why, Why::kCancelled);
  EXPECT_EQ(two_->results[10].back().journal, over.journal);
  EXPECT_FALSE(fs::exists(live(*two_, chunk_)));
}

TEST_F(Withdrawal, WhatWaitsForItsTurnIsNotBegun) {
  begin_copy();
  publish(*two_, replicate(*two_, 11, other_, {one_}));
  until([&] { return state(11) == CommandState::kAccepted; });
  withdraw({CommandId(11)});
  const CommandResult over = result(*two_, 11);
  EXPECT_EQ(over.outcome, Outcome::kRefused);
  EXPECT_EQ(over.why, Why::kCancelled);
  EXPECT_EQ(result(*two_, 10).outcome, Outcome::kDone) << "the one that was not withdrawn";
  EXPECT_TRUE(holds(*two_, chunk_));
  EXPECT_FALSE(fs::exists(live(*two_, other_)));
}

TEST_F(Withdrawal, ThatComesTwiceOrLateOrForNothingChangesNothing) {
  EXPECT_EQ(run(*two_, replicate(*two_, 10, other_, {one_})).outcome, Outcome::kDone);
  withdraw({CommandId(10), CommandId(77)});
  withdraw({CommandId(10), CommandId(77)});
  until_heard();
  EXPECT_TRUE(holds(*two_, other_));
  EXPECT_FALSE(state(77)) << "it may still come";
  for (const CommandResult& said : two_->results[10]) EXPECT_EQ(said.outcome, Outcome::kDone);
  publish(*two_, slow(77));
  EXPECT_EQ(result(*two_, 77).outcome, Outcome::kDone);
}

TEST_F(Withdrawal, OfALowerEpochIsNotHeard) {
  begin_copy();
  tell(*two_, Withdraw{Epoch(2), two_->settings.server, {CommandId(10)}});
  EXPECT_EQ(result(*two_, 10).outcome, Outcome::kDone);
  EXPECT_TRUE(holds(*two_, chunk_));
}

}  // namespace
}  // namespace evenkeel::agent
