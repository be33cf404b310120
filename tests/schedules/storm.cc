#include "tests/schedules/storm.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace evenkeel::schedules {

void Storm::go_on(Nanos until) {
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

void Storm::first_files() {
  const std::uint64_t files = rng_.between(2, 5);
  for (std::uint64_t i = 0; i < files; ++i) put();
}

std::string Storm::any_program() {
  const std::uint64_t which = rng_.below(5);
  return which == 0 ? "membership" : which == 1 ? "rebalancer" : any_agent();
}

std::string Storm::any_file() {
  return "f" + std::to_string(rng_.below(std::max<std::uint64_t>(1, puts_)));
}

void Storm::kill(Town::How how) {
  town_.end(any_program(), how, some(rng_.chance(1, 4) ? 20 : 3));
}

void Storm::spoil(const std::function<void(Disks::Faults&)>& how) {
  const std::string agent = any_agent();
  how(town_.disks().of(agent));
  town_.world().after(some(15), nullptr, [this, agent] { town_.disks().of(agent) = {}; });
}

void Storm::put() {
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
  put.on_placed = [this] { on_placed(); };
  put.on_end = [this, name = put.name, begun](const ChunkContent& content, bool done) {
    if (done) town_.onlooker().promised(name, content, begun);
  };
  town_.client().put(std::move(put));
}

void Storm::daily_work() {
  Client& client = town_.client();
  const std::string name = any_file();
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

namespace {

/// Anything may befall anybody.
class AllOfIt final : public Storm {
 public:
  AllOfIt(Town& town, Rng rng) : Storm(town, rng) {
    add([this] { kill(Town::How::kKilled); });
    add([this] { kill(Town::How::kPower); });
    add([this] { doom(); });
    add([this] { town_.pause(any_program(), some(12)); });
    add([this] { town_.wipe(any_agent()); });
    add([this] { town_.flip_bit(any_agent(), rng_); });
    add([this] { town_.lose_file(any_agent(), rng_); });
    add([this] { town_.cut_file(any_agent(), rng_); });
    add([this] { town_.raise(any_agent(), rng_); });
    add([this] { partition(); });
    add([this] { flap(); });
    add([this] { spoil([](Disks::Faults& f) { f.full = true; }); });
    add([this] { spoil([](Disks::Faults& f) { f.bad_reads = f.bad_writes = 200; }); });
    add([this] { spoil([](Disks::Faults& f) { f.failed_syncs = 100; }); });
    add([this] {
      const Nanos how_long = some(15);
      town_.stall_disk(any_agent(), how_long);
    });
    add([this] {
      const auto by = static_cast<std::int64_t>(rng_.below(200'000'000)) - 100'000'000;
      town_.move_wall_clock(any_program(), Duration(by));
    });
    add([this] { two_rebalancers(); });
    add([this] { restore(); });
    add([this] {
      if (rng_.chance(1, 3)) town_.lose_database();
    });
    auto& weather = town_.network().weather;
    weather.longest = one_of<Nanos>({2 * kMs, 20 * kMs, 400 * kMs});
    if (rng_.chance(1, 2)) weather.lost = rng_.between(5, 250);
    if (rng_.chance(1, 2)) weather.repeated = rng_.between(5, 200);
    if (rng_.chance(1, 2)) weather.reordered = rng_.between(5, 200);
    if (rng_.chance(1, 2)) weather.late = rng_.between(2, 60);
    weather.latest = one_of<Nanos>({5 * kSecond, 25 * kSecond});
  }

 private:
  void add(std::function<void()> fault) {
    if (rng_.chance(1, 3)) kinds_.push_back(std::move(fault));
  }
  void doom() {
    const auto how = rng_.chance(1, 3) ? Town::How::kPower : Town::How::kKilled;
    town_.doom(any_program(), rng_.between(1, rng_.chance(1, 2) ? 6 : 60), how);
  }
  void partition() {
    const std::string a = any_program(), b = any_program();
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
  void two_rebalancers() {
    town_.pause("rebalancer", some(8));
    town_.start_second();
  }
  void restore() {
    if (!std::exchange(backed_up_, true)) return town_.back_up_database();
    town_.restore_database();
    backed_up_ = false;
  }

  bool backed_up_ = false;
};

/// Lines are bad, disks slow, and hardly anything is killed, so that nobody tells anew all that it
/// holds: what was lost on the way, came late or came twice is not made up for by a restart.
class BadLines final : public Storm {
 public:
  BadLines(Town& town, Rng rng) : Storm(town, rng) {
    add(1, 2, [this] { out_of_sight(); });
    add(1, 2, [this] { half_cut(); });
    add(1, 2, [this] { stall(); });
    add(1, 2, [this] { up_and_down(); });
    add(1, 3, [this] { town_.pause(any_agent(), some(8)); });
    add(1, 3, [this] { drain_and_back(); });
    add(1, 4, [this] { town_.lose_file(any_agent(), rng_); });
    add(1, 4, [this] { town_.end("rebalancer", Town::How::kKilled, some(2)); });
    add(1, 4, [this] { town_.end(any_agent(), Town::How::kKilled, some(2)); });
    add(1, 4, [this] { no_disk_reads(); });
    if (rng_.chance(1, 3)) {
      restores_ = true;
      kinds_.push_back([this] { restore(); });
    }
    auto& weather = town_.network().weather;
    weather.longest = one_of<Nanos>({20 * kMs, 400 * kMs, 1500 * kMs});
    if (rng_.chance(2, 3)) weather.lost = rng_.between(20, 300);
    if (rng_.chance(2, 3)) weather.repeated = rng_.between(20, 400);
    if (rng_.chance(1, 2)) weather.reordered = rng_.between(20, 300);
    if (rng_.chance(1, 2)) weather.late = rng_.between(5, 100);
    weather.latest = one_of<Nanos>({5 * kSecond, 25 * kSecond});
  }

  Nanos consequences_until() const override { return consequences_until_; }

 private:
  void add(std::uint64_t times, std::uint64_t of, std::function<void()> fault) {
    if (rng_.chance(times, of)) kinds_.push_back(std::move(fault));
  }
  void cut_for(const std::string& from, const std::string& to, Nanos how_long) {
    town_.network().cut(from, to);
    town_.world().after(how_long, nullptr, [this, from, to] { town_.network().mend(from, to); });
  }
  /// Taken for dead, while it works on for the rebalancer.
  void out_of_sight() {
    const std::string agent = any_agent();
    const Nanos how_long = town_.plan().dead_after.count() * kMs + some(5);
    cut_for(agent, "membership", how_long);
    cut_for("membership", agent, how_long);
    town_.world().fire("out of sight");
  }
  void half_cut() {
    const std::string agent = any_agent();
    rng_.chance(1, 2) ? cut_for(agent, "rebalancer", some(8))
                      : cut_for("rebalancer", agent, some(8));
  }
  void stall() {
    for (std::uint64_t i = rng_.between(1, 3); i > 0; --i) town_.stall_disk(any_agent(), some(6));
  }
  void up_and_down() {
    const std::string name = any_file();
    const auto ask = [this, name](int goal) {
      town_.client().ask(SetGoal{name, goal, 0, {false, true}}, [](const Answer*) {});
    };
    ask(3);
    town_.world().after(some(4), nullptr, [ask] { ask(1); });
  }
  void drain_and_back() {
    const ServerId server = any_server();
    const auto heed_not = [](const Answer*) {};
    town_.client().ask(DrainServer{server, false, {false, true}}, heed_not);
    town_.world().after(some(4), nullptr, [this, server, heed_not] {
      town_.client().ask(UndrainServer{server}, heed_not);
    });
  }
  void no_disk_reads() {
    const Nanos how_long = kSecond + some(8);
    for (const std::string& agent : town_.agents()) {
      if (rng_.chance(1, 3)) continue;
      town_.disks().of(agent).bad_reads = 1'000;
      town_.world().after(how_long, nullptr, [this, agent] { town_.disks().of(agent) = {}; });
    }
  }
  void on_placed() override {
    if (!restores_ || backed_up_ || consequences_until_ > 0) return;  // once
    town_.back_up_database();
    backed_up_ = true;
  }
  /// From the midst of a put. What comes of that comes when a put that is not closed is given up.
  /// Agents may have done nothing since: the copy itself says what it is.
  void restore() {
    if (!std::exchange(backed_up_, false)) return;
    town_.restore_database();
    const Limits& limits = town_.plan().limits;
    const Duration until =
        std::chrono::minutes(1) + limits.put_allowed + limits.retire_after + Duration(20'000);
    consequences_until_ = town_.world().now() + until.count() * kMs;
  }

  bool restores_ = false;
  bool backed_up_ = false;
  Nanos consequences_until_ = 0;
};

}  // namespace

std::unique_ptr<Storm> storm_of(Family family, Town& town, Rng rng) {
  if (family == Family::kBadLines) return std::make_unique<BadLines>(town, rng);
  return std::make_unique<AllOfIt>(town, rng);
}

}  // namespace evenkeel::schedules
