#include "tests/schedules/schedule.h"

#include <algorithm>
#include <functional>

#include "tests/schedules/storm.h"

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

/// Disks are seldom read through, as in real life: what a report has left out stays left out.
Plan drawn_for_bad_lines(Rng& rng) {
  Plan plan = drawn_plan(rng);
  plan.scrub_pause = one_of<Duration>(rng, {seconds(20), hours(24), hours(24)});
  plan.limits.put_allowed = one_of<Duration>(rng, {seconds(5), minutes(2)});
  plan.limits.patience_server = one_of<Duration>(rng, {Duration(0), seconds(2)});
  plan.limits.brake_share = Ratio(1);
  return plan;
}

void settle(Town& town) {
  const auto heed_not = [](const Answer*) {};
  for (std::size_t server = 1; server <= town.agents().size(); ++server) {
    town.client().ask(UndrainServer{ServerId(server)}, heed_not);
  }
  town.client().ask(ReleaseBrake{}, heed_not);
}

}  // namespace

Outcome run_schedule(Family family, std::uint64_t seed, const std::filesystem::path& folder) {
  // The same number means another town in another family.
  const std::uint64_t drawn = seed + static_cast<std::uint64_t>(family) * 1'000'000'000;
  Rng rng(drawn * 2 + 1);
  const Family weather = family != Family::kRepeats ? family
                         : seed % 2 == 0            ? Family::kStorm
                                                    : Family::kBadLines;
  const Plan plan = weather == Family::kBadLines ? drawn_for_bad_lines(rng) : drawn_plan(rng);
  Town town(drawn, plan, folder);
  World& world = town.world();
  const auto storm = storm_of(weather, town, Rng(rng.next()));
  if (rng.chance(1, 3)) {
    Buffer bytes(rng.below(3'000));
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
    town.leave_to_adopt(rng.pick(town.agents()), {ChunkId(900), ChunkVersion(1)}, bytes);
  }
  // A look that finds files under way is left to the next one.
  town.onlooker().seen_within(3 * plan.rescan.count() * kMs + 4 * plan.tick);
  const bool racks = std::any_of(plan.locations.begin(), plan.locations.end(),
                                 [](const auto& at) { return at.find('/') != std::string::npos; });
  if (plan.limits.scatter_width == 0 && !(racks && plan.limits.prefer_spread)) {
    town.onlooker().only_evenness_counts();
  }
  if (family == Family::kRepeats) town.echo_messages();
  town.start_all();
  // A scan every other second, of the world and of nobody in it.
  std::function<void()> look = [&] {
    town.onlooker().scan();
    world.after(2 * kSecond, nullptr, look);
  };
  world.after(kSecond, nullptr, look);
  town.run_until(2 * kSecond);
  storm->first_files();
  storm->go_on(world.now() + static_cast<Nanos>(rng.between(4, 16)) * kSecond);
  town.heal();
  const Nanos healed = std::max(world.now(), storm->consequences_until());
  std::string unrest = "not looked at";
  int quiet = 0, rounds = 0;
  while (quiet < 2 && world.now() < healed + kRestBound && world.events() < kEventsMax &&
         town.onlooker().faults().empty()) {
    town.run_until(world.now() + 2 * kSecond);
    // What operators had asked may come late; from here on they want all servers, and no brake.
    if (++rounds == 1 || rounds == 20) settle(town);
    unrest = town.client().busy() > 0 ? "a client is busy"
             : world.now() < healed   ? "it is not over"
                                      : town.unrest();
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
