#include <future>
#include <utility>

#include "common/reactor/tcp.h"
#include "common/reactor/work.h"
#include "tests/agent/agent_fixture.h"

namespace evenkeel::agent {
namespace {

namespace fs = std::filesystem;

/// Keeps all threads of the pool from any work, until it is told otherwise or ends.
class HeldPool {
 public:
  explicit HeldPool(Loop& loop) : work_(loop) {
    for (int thread = 0; thread < 4; ++thread) {
      work_.run([gate = gate_] { gate.wait(); }, [] {});
    }
  }
  HeldPool(const HeldPool&) = delete;
  HeldPool& operator=(const HeldPool&) = delete;
  ~HeldPool() { release(); }

  void release() {
    if (!std::exchange(released_, true)) open_.set_value();
  }
  /// What was given to the pool meanwhile is behind this.
  void then(std::function<void()> done) {
    work_.run([] {}, std::move(done));
  }

 private:
  std::promise<void> open_;
  std::shared_future<void> gate_ = open_.get_future().share();
  bool released_ = false;
  Work work_;
};

/// A wire to an agent's data port that keeps what is answered until it is told to let it through.
class HeldWire {
 public:
  HeldWire(Loop& loop, std::string to)
      : loop_(loop),
        to_(std::move(to)),
        listener_(loop, {"127.0.0.1:0"}, [this](auto stream) { accept(std::move(stream)); }) {}
  std::string address() const { return "127.0.0.1:" + std::to_string(listener_.port()); }
  std::size_t held() const { return held_.size(); }
  void let_through() {
    open_ = true;
    near_->write(std::exchange(held_, {}));
  }
  bool through() const { return near_->queued_bytes() == 0; }

 private:
  void accept(std::unique_ptr<TcpStream> stream) {
    const auto ended = [](const std::string&) {};
    near_ = std::move(stream);
    far_ = TcpStream::connect(loop_, to_,
                              {[] {},
                               [this](std::span<const std::uint8_t> bytes) {
                                 if (open_) return near_->write({bytes.begin(), bytes.end()});
                                 held_.insert(held_.end(), bytes.begin(), bytes.end());
                               },
                               nullptr, ended});
    near_->start({[] {},
                  [this](std::span<const std::uint8_t> bytes) {
                    far_->write({bytes.begin(), bytes.end()});
                  },
                  nullptr, ended});
  }

  Loop& loop_;
  const std::string to_;
  Buffer held_;
  bool open_ = false;
  std::unique_ptr<TcpStream> near_, far_;
  TcpListener listener_;
};

/// What happens while the disk takes its time.
class SlowDisk : public AgentFixture {
 protected:
  void turns(int count) {
    until([&] { return count-- == 0; });
  }
  /// As kill(), and no thread has anything of the agent's any more: its folder is free.
  void end(Seat& s) {
    kill(s);
    until([&] { return DataDir::hold(s.dir.path(), "a test").has_value(); });
  }
};

TEST_F(SlowDisk, AHigherEpochIsNotTakenWhileFilesAreMovedForTheOneBefore) {
  const Sample chunk = sample(1, 1'000);
  put(seat(1), chunk);
  Seat& one = start(1);
  HeldPool pool(loop_);
  Command command = remove(one, 10, chunk, {});
  std::get<Delete>(command.order).retired = true;
  publish(one, command);
  until([&] { return one.agent->committer().moving() || !one.results[10].empty(); });
  ASSERT_TRUE(one.agent->committer().moving());

  epoch_ = Epoch(4);
  const auto epoch = [&] { return one.agent->storage().identity().epoch; };
  const Command probe{CommandId(11), Reason::kReport, storage(one), std::chrono::minutes(1),
                      Report{}};
  tell(one, Beacon{epoch_, ServerId(1), std::nullopt, 0});
  // Heard after the beacon, and taken if that has not raised the epoch.
  tell(one, Commands{Epoch(3), ServerId(1), std::nullopt, false, {probe}});
  until([&] { return one.agent->storage().book().knows(probe.id) || epoch() == Epoch(4); });
  EXPECT_EQ(epoch(), Epoch(3));
  EXPECT_TRUE(fs::exists(live(one, chunk)));

  pool.release();
  until([&] { return one.hellos.back().from.epoch == Epoch(4); });
  EXPECT_FALSE(fs::exists(live(one, chunk)))
      << "who is heard in an epoch has done with those before";
  EXPECT_EQ(result(one, 10).outcome, Outcome::kDone);
}

TEST_F(SlowDisk, WhatAThreadStillHasOfACopyOutlivesTheAgent) {
  const Sample chunk = sample(1, 100'000);
  put(seat(1), chunk);
  Seat &one = start(1), &two = start(2);
  HeldWire wire(loop_, one.agent->address());
  Command command = replicate(two, 10, chunk, {&one});
  std::get<Replicate>(command.order).sources[0].address = wire.address();
  publish(two, command);
  until([&] { return wire.held() >= chunk.bytes.size(); });
  HeldPool pool(loop_);
  wire.let_through();
  until([&] { return wire.through(); });
  turns(20);  // it has come, and waits to be written
  kill(two);
  bool over = false;
  pool.then([&] { over = true; });
  pool.release();
  until([&] { return over; });
  turns(20);
  EXPECT_FALSE(fs::exists(live(two, chunk)));
  EXPECT_TRUE(names_in(two.dir.path() / "tmp").empty());

  end(two);
  start(two);
  EXPECT_EQ(run(two, replicate(two, 11, chunk, {&one})).outcome, Outcome::kDone);
}

/// Gives ten commands to look at a chunk while no thread is free; how many of them are under way?
class SlowDiskAndVerifies : public SlowDisk {
 protected:
  int under_way(const Sample& chunk, VerifyLevel level, Bytes size_in_commands) {
    put(seat(1), chunk);
    Seat& one = start(1);
    HeldPool pool(loop_);
    for (std::uint64_t id = 10; id < 20; ++id) {
      Command command = verify(one, id, chunk, level);
      std::get<Verify>(command.order).content.size = size_in_commands;
      publish(one, command);
    }
    const CommandBook& book = one.agent->storage().book();
    until([&] { return book.knows(CommandId(19)); });
    int count = 0;
    for (std::uint64_t id = 10; id < 20; ++id) {
      count += book.state(CommandId(id)) == CommandState::kWorking;
    }
    pool.release();
    for (std::uint64_t id = 10; id < 20; ++id) result(one, id);
    return count;
  }
};

TEST_F(SlowDiskAndVerifies, ManyLookAtSmallFilesAtOnce) {
  EXPECT_EQ(under_way(sample(1, 1'000), VerifyLevel::kPresence, Bytes(1'000)), 10);
}
TEST_F(SlowDiskAndVerifies, WhoReadsLeavesAThreadForOthers) {
  EXPECT_EQ(under_way(sample(1, 1'000), VerifyLevel::kContent, Bytes(1'000)), 3);
}
TEST_F(SlowDiskAndVerifies, WhoHasToReadThoughAskedForALookLeavesAThreadForOthersToo) {
  EXPECT_EQ(under_way(sample(1, 1'000), VerifyLevel::kPresence, Bytes(999)), 3);
}
TEST_F(SlowDiskAndVerifies, LargeFilesAreLookedAtByFew) {
  EXPECT_EQ(under_way(sample(1, 600'000), VerifyLevel::kPresence, Bytes(600'000)), 3);
}

TEST_F(SlowDisk, WhatCouldNotBeReadOnceIsReadAgain) {
  const Sample chunk = sample(1, 1'000), other = sample(2, 1'000);
  put(seat(1), chunk);
  put(seat(1), other);
  Seat& one = start(1);
  // A link is not followed: this file cannot be opened for a while.
  const fs::path file = live(one, chunk), away = one.dir.path() / "away";
  fs::rename(file, away);
  fs::create_symlink(away, file);
  EXPECT_EQ(run(one, verify(one, 10, chunk, VerifyLevel::kContent)).why, Why::kIo);
  const auto of = [&](const Sample& sample) {
    return one.agent->storage().table().find(key_of(sample.content));
  };
  EXPECT_EQ(of(chunk)->finding, ReplicaFinding::kUnreadable);
  end(one);

  fs::rename(away, file);
  start(one);
  EXPECT_EQ(of(chunk)->finding, ReplicaFinding::kUnreadable) << "that is remembered";
  end(one);
  one.settings.scrub.rate = 64_MiB;
  start(one);
  until([&] { return of(other)->checked.has_value(); });  // whose turn is after the other's
  EXPECT_EQ(of(chunk)->finding, ReplicaFinding::kOk);
}

}  // namespace
}  // namespace evenkeel::agent
