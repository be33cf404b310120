#include "tests/rebalancer/world.h"

namespace evenkeel {
namespace {

/// How patient the rebalancer is, and what makes it brake.
World::Setup drawn_setup(std::uint64_t seed) {
  Rng rng(seed ^ 0x5EED);
  World::Setup setup;
  setup.servers = 5 + static_cast<int>(seed % 4);
  const std::vector<Duration> times{0s, 5s, 30s, 5min};
  setup.limits.patience_planned_stop = rng.pick(times);
  setup.limits.patience_server = rng.pick(times);
  setup.limits.patience_rack = rng.pick(times);
  setup.limits.patience_report = rng.pick(times);
  setup.limits.brake_share = Ratio(rng.pick(std::vector<double>{0.05, 0.25, 1}));
  setup.limits.brake_servers = static_cast<int>(rng.between(1, 3));
  setup.limits.brake_window = rng.pick(times);
  return setup;
}

/// Which faults a history has is drawn for each seed: one fixed mix hides what only another shows.
void live_through(World& world, int steps) {
  Rng& rng = world.rng();
  std::set<int> off;
  for (int fault = 0; fault < 11; ++fault) {
    if (rng.chance(1, 2)) off.insert(fault);
  }
  std::vector<ServerId> ids;
  for (const auto& [id, agent] : world.agents()) ids.push_back(id);
  int files = 0;
  for (int step = 0; step < steps; ++step) {
    World::Agent& agent = world.agents().at(rng.pick(ids));
    const int what = static_cast<int>(rng.below(32));
    if (what < 11 && off.contains(what)) continue;
    switch (what) {
      case 0:
        if (agent.member.liveness != Liveness::kDead) world.die(agent);
        break;
      case 1:
        if (agent.member.liveness == Liveness::kDead) {
          world.come_back(agent, rng.chance(1, 2), rng.chance(1, 4));
        }
        break;
      case 2:
        world.corrupt(agent);
        break;
      case 3:
        world.report(agent);
        break;
      case 4:
        world.remove("file" + std::to_string(rng.below(static_cast<std::uint64_t>(files) + 1)));
        break;
      case 5:
        if (rng.chance(1, 3)) world.restart();
        break;
      case 6:
        if (rng.chance(1, 3)) world.raise(agent);
        break;
      case 7:
        world.old_receipts();
        break;
      case 8:
        if (agent.member.liveness == Liveness::kDead) break;
        agent.member.liveness =
            agent.member.liveness == Liveness::kAlive ? Liveness::kSuspect : Liveness::kAlive;
        world.tell(agent);
        break;
      case 9:  // it comes and goes
        for (int times = static_cast<int>(rng.between(1, 4)); times > 0; --times) {
          if (agent.member.liveness == Liveness::kDead) {
            world.come_back(agent, rng.chance(1, 2), false);
          } else {
            world.die(agent);
          }
          world.pass(Duration(static_cast<std::int64_t>(rng.below(3'000))));
        }
        break;
      case 10:
        world.release_brake();
        break;
      case 11:
      case 12:
        world.pass(Duration(static_cast<std::int64_t>(rng.below(20'000))));
        break;
      case 13:
      case 14:
      case 15:
        world.put("file" + std::to_string(files++));
        break;
      default:
        world.receive(agent);
        world.execute(agent);
        if (rng.chance(2, 3)) world.acknowledge(agent);
    }
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(Histories, EndInRestAndLoseNothingOnTheWay) {
  const char* only = std::getenv("EVENKEEL_SEED");
  const std::uint64_t first = only ? std::stoull(only) : 1;
  for (std::uint64_t seed = first; seed < first + (only ? 1 : 200); ++seed) {
    SCOPED_TRACE("EVENKEEL_SEED=" + std::to_string(seed));
    World world(seed, drawn_setup(seed));
    live_through(world, 150);
    world.compare();
    world.expect_invariants();
    ASSERT_TRUE(world.settle()) << persisted(world.view());
    world.compare();
    world.expect_rest();
    world.expect_counted();
    world.expect_invariants();
    ASSERT_FALSE(testing::Test::HasFailure()) << persisted(world.view());
  }
}

}  // namespace
}  // namespace evenkeel
