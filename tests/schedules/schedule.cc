#include "tests/schedules/schedule.h"

#include <algorithm>
#include <functional>

#include "tests/schedules/town.h"

namespace evenkeel::schedules {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Nanos kRestBound = 300 * kSecond;
constexpr std::uint64_t kEventsMax = 200'000;  // who is that busy does not come to rest

template <class T>
T one_of(Rng& rng, std::vector<T> items) {
  return rng.pick(items);
}

Plan drawn_plan(Rng& rng) {
  Plan plan;
  plan.agents = static_cast<int>(rng.between(3, 5));
  const std::uint64_t shape = rng.below(4);
  for (int i = 1; i <= plan.agents; ++i) {
    const std::string host = "h" + std::to_string(i);
    const std::string rack = "r" + std::to_string(i % 3), zone = "z" + std::to_string(i % 2);
    plan.locations.push_back(shape == 0   ? host
                             : shape == 1 ? zone + "/" + rack + "/" + host
                                          : rack + "/" + host);
  }
  Limits& limits = plan.limits;
  limits.default_goal = static_cast<int>(rng.between(1, 3));
  limits.retire_after = one_of<Duration>(rng, {seconds(3), seconds(10), seconds(30)});
  limits.safe_mode_time = one_of<Duration>(rng, {seconds(2), seconds(8), seconds(30)});
  limits.put_allowed = minutes(2);
  limits.presence_fresh = one_of<Duration>(rng, {seconds(8), seconds(20), seconds(120)});
  limits.content_fresh = one_of<Duration>(rng, {hours(6), hours(336)});
  limits.copy_allowed = one_of<Duration>(rng, {seconds(5), seconds(20), minutes(10)});
  limits.verify_allowed = one_of<Duration>(rng, {seconds(5), minutes(5)});
  const std::vector<Duration> patience{Duration(0), seconds(2), seconds(10)};
  limits.patience_planned_stop = rng.pick(patience);
  limits.patience_server = rng.pick(patience);
  limits.patience_rack = rng.pick(patience);
  limits.patience_report = one_of<Duration>(rng, {Duration(0), seconds(2), seconds(5)});
  limits.brake_share = Ratio(one_of<double>(rng, {0.05, 0.4, 1}));
  limits.brake_servers = static_cast<int>(rng.between(1, 3));
  limits.brake_window = one_of<Duration>(rng, {seconds(2), seconds(20)});
  limits.full_for = seconds(3);
  limits.aside = one_of<Duration>(rng, {seconds(1), seconds(5)});
  limits.scatter_width = static_cast<int>(rng.below(3));
  limits.prefer_spread = rng.chance(3, 4);
  if (rng.chance(1, 4)) limits.commands_per_turn = static_cast<int>(rng.between(1, 4));
  if (rng.chance(1, 4)) limits.copies_in = limits.copies_out = static_cast<int>(rng.between(1, 3));
  plan.suspect_after = one_of<Duration>(rng, {Duration(2'500), Duration(4'000)});
  plan.dead_after = one_of<Duration>(rng, {Duration(5'000), Duration(8'000)});
  plan.rescan = one_of<Duration>(rng, {seconds(3), seconds(10)});
  plan.trash_keep = one_of<Duration>(rng, {seconds(5), seconds(60), hours(24)});
  plan.scrub_pause = one_of<Duration>(rng, {seconds(5), seconds(20)});
  plan.tick = one_of<Nanos>(rng, {400 * kMs, 700 * kMs, kSecond});
  return plan;
}

/// Lets faults happen, each kind at a rate of its own or not at all, for a while.
class Storm {
 public:
  Storm(Town& town, Rng rng) : town_(town), rng_(rng) {
    add("kill", [this] { kill(Town::How::kKilled); });
    add("power", [this] { kill(Town::How::kPower); });
    add("doom", [this] { doom(); });
    add("stop and cont", [this] { town_.pause(any_program(), some(12)); });
    add("wipe", [this] { town_.wipe(any_agent()); });
    add("rot", [this] { town_.flip_bit(any_agent(), rng_); });
    add("lose a file", [this] { town_.lose_file(any_agent(), rng_); });
    add("cut a file", [this] { town_.cut_file(any_agent(), rng_); });
    add("raise", [this] { town_.raise(any_agent(), rng_); });
    add("partition", [this] { partition(); });
    add("flap", [this] { flap(); });
    add("full disk", [this] { spoil([](Disks::Faults& f) { f.full = true; }); });
    add("bad disk", [this] { spoil([](Disks::Faults& f) { f.bad_reads = f.bad_writes = 200; }); });
    add("bad syncs", [this] { spoil([](Disks::Faults& f) { f.failed_syncs = 100; }); });
    add("stall", [this] {
      const Nanos how_long = some(15);
      town_.stall_disk(any_agent(), how_long);
    });
    add("wall clock", [this] {
      const auto by = static_cast<std::int64_t>(rng_.below(200'000'000)) - 100'000'000;
      town_.move_wall_clock(any_machine(), Duration(by));
    });
    add("two rebalancers", [this] { two_rebalancers(); });
    add("restore", [this] { restore(); });
    add("lose the database", [this] {
      if (rng_.chance(1, 3)) town_.lose_database();
    });
    auto& weather = town_.network().weather;
    weather.longest = one_of<Nanos>(rng_, {2 * kMs, 20 * kMs, 400 * kMs});
    if (rng_.chance(1, 2)) weather.lost = rng_.between(5, 250);
    if (rng_.chance(1, 2)) weather.repeated = rng_.between(5, 200);
    if (rng_.chance(1, 2)) weather.reordered = rng_.between(5, 200);
    if (rng_.chance(1, 2)) weather.late = rng_.between(2, 60);
    weather.latest = one_of<Nanos>(rng_, {5 * kSecond, 25 * kSecond});
  }

  /// What clients and operators do meanwhile is no fault, and is always there.
  void go_on(Nanos until) {
    World& world = town_.world();
    while (world.now() < until) {
      town_.run_until(world.now() + static_cast<Nanos>(rng_.below(600 * kMs)));
      const std::uint64_t what = rng_.below(10);
      if (what < 4) {
        daily_work();
      } else if (!kinds_.empty()) {
        rng_.pick(kinds_)();
      }
    }
  }

  void first_files() {
    const std::uint64_t files = rng_.between(2, 5);
    for (std::uint64_t i = 0; i < files; ++i) put();
  }

 private:
  void add(const char*, std::function<void()> fault) {
    if (rng_.chance(1, 3)) kinds_.push_back(std::move(fault));
  }
  Nanos some(std::uint64_t most) {
    return static_cast<Nanos>(rng_.below(most * static_cast<std::uint64_t>(kSecond)));
  }
  std::string any_agent() { return rng_.pick(town_.agents()); }
  std::string any_program() {
    const std::uint64_t which = rng_.below(5);
    return which == 0 ? "membership" : which == 1 ? "rebalancer" : any_agent();
  }
  std::string any_machine() { return any_program(); }

  void kill(Town::How how) { town_.end(any_program(), how, some(rng_.chance(1, 4) ? 20 : 3)); }
  void doom() {
    const auto how = rng_.chance(1, 3) ? Town::How::kPower : Town::How::kKilled;
    town_.doom(any_program(), rng_.between(1, rng_.chance(1, 2) ? 6 : 60), how);
  }
  void partition() {
    const std::string a = any_machine(), b = any_machine();
    if (a == b) return;
    town_.network().cut(a, b);
    if (rng_.chance(1, 2)) town_.network().cut(b, a);
    town_.world().after(some(15), nullptr, [this] { town_.network().mend(); });
  }
  void flap() {
    const std::string agent = any_agent();
    for (std::uint64_t i = rng_.between(1, 4); i > 0; --i) {
      town_.end(agent, Town::How::kKilled, some(4));
      town_.run_until(town_.world().now() + some(3));
    }
  }
  void spoil(const std::function<void(Disks::Faults&)>& how) {
    const std::string agent = any_agent();
    how(town_.disks().of(agent));
    town_.world().after(some(15), nullptr, [this, agent] { town_.disks().of(agent) = {}; });
  }
  void two_rebalancers() {
    town_.pause("rebalancer", some(8));
    town_.start_second();
  }
  void restore() {
    if (!std::exchange(backed_up_, true)) return town_.back_up_database();
    town_.restore_database();
    backed_up_ = false;
  }

  void put() {
    Client::Put put;
    if (town_.client().busy() > 6) return;
    put.name = "f" + std::to_string(puts_++);  // a late delete is to mean none but its own
    put.goal = static_cast<int>(rng_.between(1, 3));
    const bool large = rng_.chance(1, 40);
    put.bytes.resize(large ? 300'000 : rng_.below(4'000));
    for (std::size_t i = 0; i < put.bytes.size(); ++i) {
      put.bytes[i] = static_cast<std::uint8_t>(i < 16 ? rng_.next() : i);
    }
    const int begun = town_.onlooker().times_given_up(put.name);
    put.on_end = [this, name = put.name, begun](const ChunkContent& content, bool done) {
      if (done) town_.onlooker().promised(name, content, begun);
    };
    town_.client().put(std::move(put));
  }
  void daily_work() {
    Client& client = town_.client();
    // Never the next one: a delete that comes late would mean it.
    const std::string name = "f" + std::to_string(rng_.below(std::max<std::uint64_t>(1, puts_)));
    const auto heed_not = [](const Answer*) {};
    switch (rng_.below(12)) {
      case 0:
      case 1:
      case 2:
        return put();
      case 3:
        town_.onlooker().given_up(name);
        return client.ask(DeleteNamed{name}, heed_not);
      case 4:
        return client.ask(SetGoal{name, static_cast<int>(rng_.between(1, 3)), 0, {false, true}},
                          heed_not);
      case 5:
        return client.ask(DrainServer{any_server(), false, {false, true}}, heed_not);
      case 6:
        return client.ask(UndrainServer{any_server()}, heed_not);
      case 7:
        return client.ask(MaintainServer{any_server(), Duration(5'000), {false, true}}, heed_not);
      case 8:
        return client.ask(ReleaseBrake{}, heed_not);
      default:
        return;
    }
  }
  ServerId any_server() { return ServerId(rng_.between(1, town_.agents().size())); }

  Town& town_;
  Rng rng_;
  std::vector<std::function<void()>> kinds_;
  bool backed_up_ = false;
  std::uint64_t puts_ = 0;
};

}  // namespace

namespace {

void settle(Town& town) {
  const auto heed_not = [](const Answer*) {};
  for (std::size_t server = 1; server <= town.agents().size(); ++server) {
    town.client().ask(UndrainServer{ServerId(server)}, heed_not);
  }
  town.client().ask(ReleaseBrake{}, heed_not);
}

}  // namespace

Outcome run_schedule(std::uint64_t seed, const std::filesystem::path& folder) {
  Rng rng(seed * 2 + 1);
  const Plan plan = drawn_plan(rng);
  Town town(seed, plan, folder);
  World& world = town.world();
  Storm storm(town, Rng(rng.next()));
  if (rng.chance(1, 3)) {
    Buffer bytes(rng.below(3'000));
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
    town.leave_to_adopt(rng.pick(town.agents()), {ChunkId(900), ChunkVersion(1)}, bytes);
  }
  // A look that finds files under way is left to the next one.
  town.onlooker().seen_within(3 * plan.rescan.count() * kMs + 4 * plan.tick);
  town.start_all();
  // A scan every other second, of the world and of nobody in it.
  std::function<void()> look = [&] {
    town.onlooker().scan();
    world.after(2 * kSecond, nullptr, look);
  };
  world.after(kSecond, nullptr, look);
  town.run_until(2 * kSecond);
  storm.first_files();
  storm.go_on(world.now() + static_cast<Nanos>(rng.between(4, 16)) * kSecond);
  town.heal();
  const Nanos healed = world.now();
  std::string unrest = "not looked at";
  int quiet = 0, rounds = 0;
  while (quiet < 2 && world.now() < healed + kRestBound && world.events() < kEventsMax &&
         town.onlooker().faults().empty()) {
    town.run_until(world.now() + 2 * kSecond);
    // What operators had asked may come late; from here on they want all servers, and no brake.
    if (++rounds == 1 || rounds == 20) settle(town);
    unrest = town.client().busy() > 0 ? "a client is busy" : town.unrest();
    quiet = unrest.empty() ? quiet + 1 : 0;
  }
  if (town.onlooker().faults().empty()) {
    if (quiet < 2) {
      town.onlooker().fault("rest", "none after " + std::to_string(kRestBound / kSecond) +
                                        " s without faults: " + unrest);
    } else {
      town.look_at_rest();
    }
  }
  Outcome outcome;
  outcome.seed = seed;
  outcome.faults = town.onlooker().faults();
  if (!outcome.faults.empty()) outcome.story = town.onlooker().story();
  outcome.hash = world.hash();
  outcome.commits = town.onlooker().commits();
  outcome.messages = world.messages;
  outcome.events = world.events();
  outcome.copies = town.onlooker().copies_made();
  outcome.deletes = town.onlooker().deletes_done();
  outcome.fired = world.fired;
  outcome.virtual_seconds = static_cast<double>(world.now()) / 1e9;
  return outcome;
}

}  // namespace evenkeel::schedules
