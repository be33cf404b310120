// A hundred servers in racks of ten: one that comes and goes, and a rack that does.
#include "services/rebalancer/core/mode.h"
#include "tests/rebalancer/world.h"

namespace evenkeel {
namespace {

constexpr int kServers = 100, kRacks = 10;
constexpr Duration kSuspectAfter = 3s, kDeadAfter = 30s;  // membership's

/// The product's own limits, a rack for each ten servers, and chunks of three and of two replicas.
class Flap : public testing::Test {
 protected:
  static World::Setup setup() {
    World::Setup setup;
    setup.servers = kServers;
    setup.limits = Limits{};
    setup.location = [](int server) {
      return "z/r" + std::to_string(server % kRacks) + "/h" + std::to_string(server);
    };
    setup.capacity = 10'000'000;
    setup.compare_every = 500;
    return setup;
  }

  void SetUp() override {
    world_.fill("three", 3, 600, rng_);
    world_.fill("two", 2, 300, rng_);
    world_.settle();
    for (const auto& [id, slot] : view().servers()) {
      ASSERT_GT(view().server(slot).chunks.size(), 10U) << to_string(id);
    }
    seen_ = view().next_command();
  }

  const ClusterView& view() const { return world_.view(); }
  World::Agent& agent(int server) {
    return world_.agents().at(ServerId(static_cast<std::uint64_t>(server)));
  }

  /// Agents take in what they are told, and those at work end so many copies each at a time.
  void pass(Duration time, std::size_t copies = 100) {
    while (time > Duration(0)) {
      const Duration step = std::min(time, Duration(time > 2min ? 10s : 1s));
      time -= step;
      world_.pass(step);
      count_issued();
      for (auto& [id, each] : world_.agents()) {
        world_.receive(each);
        for (std::size_t i = 0; i < copies && each.reachable; ++i) world_.execute(each);
        world_.acknowledge(each);
      }
    }
  }
  /// What was ordered since it was last asked: of chunks that had one valid replica left, and
  /// others.
  void count_issued() {
    for (; seen_ < view().next_command(); seen_ = CommandId(seen_.value() + 1)) {
      const CommandRecord* command = view().find(seen_);
      if (!command || command->kind != CommandKind::kReplicate) continue;
      const auto chunk = view().find(*command->chunk);
      view().count(*chunk).valid == 1 ? ++urgent_ : ++bulk_;
    }
  }

  /// It falls silent, and membership makes of it what its time says; then it is heard again.
  void be_away(const std::vector<int>& servers, Duration time, std::size_t copies = 100) {
    go(servers, time, copies);
    come_back(servers, time > kDeadAfter);
  }
  void go(const std::vector<int>& servers, Duration time, std::size_t copies = 100) {
    for (const int server : servers) agent(server).reachable = false;
    const auto become = [&](Liveness liveness) {
      for (const int server : servers) {
        agent(server).member.liveness = liveness;
        world_.tell(agent(server));
      }
    };
    pass(std::min(time, kSuspectAfter), copies);
    if (time > kSuspectAfter) become(Liveness::kSuspect);
    if (time > kSuspectAfter) pass(std::min(time, kDeadAfter) - kSuspectAfter, copies);
    if (time > kDeadAfter) become(Liveness::kDead);
    if (time > kDeadAfter) pass(time - kDeadAfter, copies);
  }
  void come_back(const std::vector<int>& servers, bool restarted) {
    for (const int server : servers) world_.come_back(agent(server), restarted, false);
    count_issued();
  }

  std::size_t copies_under_way() const {
    std::size_t count = 0;
    for (const auto& [id, command] : view().in_flight()) {
      count += command.kind == CommandKind::kReplicate;
    }
    return count;
  }
  /// Chunks that have so few valid replicas when `server` does not count.
  int held_with(int server, int others) const {
    int count = 0;
    for (ChunkSlot slot = 0; slot < view().chunk_count(); ++slot) {
      const Chunk& chunk = view().chunk(slot);
      const bool holds =
          view().replica(chunk, ServerId(static_cast<std::uint64_t>(server))).has_value();
      count += holds && static_cast<int>(chunk.replicas.size()) == others + 1;
    }
    return count;
  }
  void expect_rest() {
    EXPECT_TRUE(world_.settle());
    world_.expect_rest();
    world_.expect_invariants();
  }
  ModeNow mode() const { return mode_of(view()); }
  int events_with(const std::string& words) {
    int count = 0;
    for (const auto& event : world_.store().events_after(EventNumber(0), 1'000'000)) {
      count += event.kind == "mode" && event.text.find(words) != std::string::npos;
    }
    return count;
  }

  Rng rng_{7};
  World world_{7, setup()};
  CommandId seen_{1};
  int urgent_ = 0, bulk_ = 0;
};

TEST_F(Flap, OneServerIsAwaitedWithinItsWindowAndWhatIsAtRiskIsNot) {
  for (const Duration away :
       {Duration(1s), Duration(10s), Duration(1min), Duration(5min), Duration(10min)}) {
    SCOPED_TRACE("away for " + std::to_string(away.count()) + " ms");
    urgent_ = bulk_ = 0;
    const int at_risk = away > kDeadAfter ? held_with(17, 1) : 0;
    be_away({17}, away);
    EXPECT_EQ(urgent_, at_risk) << "copied at once";
    EXPECT_EQ(bulk_, 0) << "copied though it was awaited";
    pass(20s);
    EXPECT_EQ(bulk_, 0) << "copied though it is back";
    EXPECT_EQ(view().find(ServerId(17))->standing, Standing::kReported);
    ASSERT_EQ(copies_under_way(), 0U);
    seen_ = view().next_command();
  }
  EXPECT_GT(held_with(17, 2), 10) << "there was something to wait with";
  expect_rest();
}

TEST_F(Flap, WhoStaysAwayIsMadeUpForAndTheReturnCancelsTheRest) {
  const int all = held_with(17, 2);
  go({17}, kDeadAfter + setup().limits.patience_server - 1s);
  EXPECT_EQ(bulk_, 0);
  pass(2s, 0);  // nobody gets to the end of a copy
  count_issued();
  EXPECT_EQ(bulk_, all) << "all of it, as soon as its time is over";
  ASSERT_GT(copies_under_way(), 0U);
  come_back({17}, true);
  pass(1s, 0);
  EXPECT_EQ(copies_under_way(), 0U) << "the return cancels what is under way";
  EXPECT_EQ(bulk_, all);
  // Some agents did not hear of that, and did it: that becomes known, and is trimmed.
  expect_rest();
}

TEST_F(Flap, TheTimeOfOneThatComesAndGoesCountsFromTheFirst) {
  const int all = held_with(17, 2);
  const Duration whole = setup().limits.patience_server;
  go({17}, kDeadAfter + 1s);
  for (int times = 0; times < 20; ++times) {  // it is heard, and gone before it can report
    agent(17).member.liveness = Liveness::kAlive;
    world_.tell(agent(17));
    pass(5s);
    agent(17).member.liveness = Liveness::kDead;
    world_.tell(agent(17));
    pass(whole / 20);
  }
  EXPECT_EQ(bulk_, all);
}

TEST_F(Flap, AStopThatWasPlannedHasItsOwnTimeAndARestartOfOursDoesNotBeginItAnew) {
  const Duration window = setup().limits.patience_planned_stop;
  const int all = held_with(17, 2);
  agent(17).reachable = false;
  agent(17).member.liveness = Liveness::kDead;
  agent(17).member.planned = true;
  world_.tell(agent(17));
  pass(window / 3);
  world_.restart();
  pass(window / 3);
  world_.restart();
  pass(window / 3 - 15s);
  EXPECT_EQ(bulk_, 0);
  pass(45s);
  EXPECT_EQ(bulk_, all) << "its time is over";
  come_back({17}, true);
  expect_rest();
}

TEST_F(Flap, ARackThatIsAwayHoldsTheBrakeUntilItIsBack) {
  std::vector<int> rack;
  for (int server = 3; server <= kServers; server += kRacks) rack.push_back(server);
  int at_risk = 0;
  for (const int server : rack) at_risk += held_with(server, 1);
  go(rack, kDeadAfter + 1s);
  EXPECT_EQ(mode().mode, Mode::kBraked);
  EXPECT_NE(mode().why.find("10 of 100 servers went at once"), std::string::npos) << mode().why;
  EXPECT_EQ(events_with("the brake holds: 6 of 100"), 1) << "as soon as they are too many";
  pass(setup().limits.patience_rack / 3);
  world_.restart();
  pass(setup().limits.patience_rack / 3);
  EXPECT_EQ(mode().mode, Mode::kBraked) << "over a restart of ours, too";
  EXPECT_EQ(events_with("the brake holds"), 2) << "said again by the next run";
  EXPECT_EQ(bulk_, 0);
  EXPECT_EQ(urgent_, at_risk) << "what has one valid replica left is copied at once";
  come_back(rack, true);
  pass(5s);
  EXPECT_EQ(mode().mode, Mode::kRunning) << mode().why;
  EXPECT_EQ(events_with("the brake lets go"), 1);
  EXPECT_EQ(bulk_, 0);
  expect_rest();
}

TEST_F(Flap, TheBrakeHoldsLongerThanARackIsAwaited) {
  std::vector<int> rack;
  for (int server = 3; server <= kServers; server += kRacks) rack.push_back(server);
  go(rack, kDeadAfter + 2 * setup().limits.patience_rack);
  EXPECT_EQ(mode().mode, Mode::kBraked);
  EXPECT_EQ(bulk_, 0);
  come_back(rack, true);
  expect_rest();
  EXPECT_EQ(mode().mode, Mode::kRunning);
}

TEST_F(Flap, AnOperatorReleasesTheBrakeForThoseWhoAreAway) {
  std::vector<int> rack;
  for (int server = 3; server <= kServers; server += kRacks) rack.push_back(server);
  go(rack, kDeadAfter + 1s);
  ASSERT_EQ(mode().mode, Mode::kBraked);
  const Answer released = world_.release_brake();
  ASSERT_TRUE(std::holds_alternative<BrakeReleased>(released));
  EXPECT_EQ(std::get<BrakeReleased>(released).servers, rack.size());
  EXPECT_EQ(mode().mode, Mode::kRunning);
  EXPECT_EQ(std::get<Refused>(world_.release_brake()).code, "conflict");
  world_.restart();  // and that is not forgotten
  pass(60s);
  EXPECT_EQ(mode().mode, Mode::kRunning) << mode().why;
  EXPECT_GT(bulk_, 100) << "it is made up for";
  come_back(rack, true);
  expect_rest();
}

TEST_F(Flap, OneAfterTheOtherIsNoReasonToBrake) {
  for (int server = 1; server <= 12; ++server) {
    go({server}, kDeadAfter + 1s);
    EXPECT_EQ(mode().mode, Mode::kRunning) << mode().why;
    pass(setup().limits.brake_window / 4);
  }
}

}  // namespace
}  // namespace evenkeel
