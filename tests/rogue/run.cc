// The rebalancer's planner replaced by one that orders anything at all (planner.h); membership and
// agents are the real ones, in a simulated world (tests/schedules). Whatever it orders: an agent
// deletes nothing without evidence, replaces nothing by something older, touches nothing that is
// not its own; and as long as what is said of agents is what they said, a valid replica of every
// chunk is left.
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "common/base/mutant.h"
#include "tests/faults/fault_vfs.h"
#include "tests/rogue/planner.h"
#include "tests/rogue/watch.h"
#include "tests/schedules/seed_now.h"

namespace evenkeel::rogue {
namespace {

using schedules::kMs;
using schedules::kSecond;
using schedules::Nanos;
using schedules::Town;

// SQLite knows from the first on that the faults' file system is the default.
[[maybe_unused]] const auto& first_of_all = faults::FaultVfs::install();

std::filesystem::path scratch() {
  const std::filesystem::path memory = "/dev/shm";
  const auto base =
      std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
  return base / ("rogue-" + std::to_string(::getpid()));
}

schedules::Plan drawn_plan(Rng& rng, const agent::EvidenceLimits& limits) {
  schedules::Plan plan;
  plan.limits.presence_fresh = limits.presence_fresh;
  plan.limits.content_fresh = limits.content_fresh;
  plan.agents = static_cast<int>(rng.between(2, 5));
  for (int i = 1; i <= plan.agents; ++i) {
    plan.locations.push_back("z" + std::to_string(i % 2) + "/r" + std::to_string(i % 3) + "/h" +
                             std::to_string(rng.chance(1, 5) ? 1 : i));
  }
  plan.trash_keep = rng.pick(std::vector<Duration>{Duration(2'000), Duration(3'600'000)});
  plan.rescan = Duration(rng.pick(std::vector{2'000, 10'000}));
  plan.scrub_pause = Duration(5'000);
  return plan;
}

/// Chunks, each in one version or in some, each version on one agent or on some.
Ledger drawn_chunks(Rng& rng, Town& town) {
  Ledger ledger;
  for (std::uint64_t chunk = rng.between(1, 6); chunk > 0; --chunk) {
    const ChunkVersion newest(rng.between(1, 3));
    std::vector<std::string> agents = town.agents();
    rng.shuffle(agents);
    agents.resize(rng.between(1, agents.size()));
    std::set<std::pair<std::string, ChunkVersion>> taken;
    for (ChunkVersion version = newest; version > ChunkVersion(0);
         version = ChunkVersion(version.value() - 1)) {
      const bool ambiguous = agents.size() > 1 && rng.chance(1, 8);
      if (ambiguous) ledger.ambiguous.insert(ChunkId(chunk));
      for (int variant = 0; variant < (ambiguous ? 2 : 1); ++variant) {
        Buffer bytes(16 + rng.below(3'000));
        for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
        ChunkHasher hasher;
        hasher.update(bytes);
        const ChunkContent content{ChunkId(chunk), version, Bytes(bytes.size()),
                                   chunk_checksum(hasher.finish())};
        for (std::uint64_t copies = rng.between(1, agents.size()); copies > 0; --copies) {
          const std::string& agent = rng.pick(agents);
          if (!taken.insert({agent, version}).second) continue;
          town.leave_to_adopt(agent, agent::key_of(content), bytes);
          ChunkVersion& there = ledger.newest.try_emplace(ChunkId(chunk), version).first->second;
          there = std::max(there, version);
        }
        ledger.kinds.push_back({content, std::move(bytes)});
      }
    }
  }
  return ledger;
}

struct Outcome {
  std::vector<std::string> faults;
  std::map<std::string, std::uint64_t> counts;
  std::uint64_t hash = 0;
};

Outcome run_one(std::uint64_t seed, bool credulous) {
  Rng rng(seed * 2 + 1);
  const agent::EvidenceLimits limits{
      rng.pick(std::vector<Duration>{Duration(20'000), Duration(600'000)}),
      std::chrono::hours(rng.pick(std::vector{1, 336}))};
  constexpr std::chrono::hours kForEver{100'000};
  const schedules::Plan plan =
      drawn_plan(rng, credulous ? agent::EvidenceLimits{kForEver, kForEver} : limits);
  Town town(seed, plan, scratch());
  schedules::World& world = town.world();
  Ledger ledger = drawn_chunks(rng, town);
  ledger.limits = limits;
  const Manners manners{rng.chance(1, 4), rng.chance(1, 4), rng.chance(1, 4), rng.chance(1, 2),
                        rng.chance(1, 2)};
  auto& weather = town.network().weather;
  weather.longest = rng.pick(std::vector<Nanos>{2 * kMs, 20 * kMs, 400 * kMs});
  if (rng.chance(1, 2)) weather.lost = rng.between(5, 150);
  if (rng.chance(1, 2)) weather.repeated = rng.between(5, 200);
  if (rng.chance(1, 2)) weather.reordered = rng.between(5, 200);
  if (rng.chance(1, 2)) weather.late = rng.between(2, 60);
  const bool kills = rng.chance(1, 3);

  Watch watch(town, ledger);
  Planner planner(town, ledger, manners, Rng(rng.next()));
  town.start("membership");
  for (const std::string& agent : town.agents()) town.start(agent);
  town.run_until(2 * kSecond);
  const Nanos end = world.now() + static_cast<Nanos>(rng.between(3, 12)) * kSecond;
  while (world.now() < end && ledger.faults.empty()) {
    town.run_until(world.now() + static_cast<Nanos>(rng.below(200 * kMs)));
    planner.act();
    if (!kills || !rng.chance(1, 25)) continue;
    const auto how = rng.chance(1, 3) ? Town::How::kPower : Town::How::kKilled;
    const std::string agent = rng.pick(town.agents());
    if (rng.chance(1, 2)) {
      town.doom(agent, rng.between(1, 12), how);
    } else {
      town.end(agent, how, static_cast<Nanos>(rng.below(2 * kSecond)));
    }
    watch.look_for_loss(agent + " was cut off");
  }
  town.run_until(world.now() + 5 * kSecond);
  watch.look_at_the_rest();
  Outcome outcome{ledger.faults, ledger.counts, world.hash()};
  for (const auto& [kind, times] : world.fired) outcome.counts[kind] += times;
  return outcome;
}

/// Of many runs each of these must have happened: what never happens tries nothing.
constexpr std::array kMustHappen =
    std::to_array<const char*>({"replica made",
                                "replica deleted",
                                "replica put away",
                                "delete with true evidence",
                                "delete with invented evidence",
                                "id used for something else",
                                "epoch raised",
                                "spoke for an older epoch",
                                "named a storage by chance",
                                "killed",
                                "killed in an act",
                                "power lost",
                                "power lost in an act",
                                "message lost",
                                "message late",
                                "message repeated",
                                "message reordered",
                                "refused: no evidence",
                                "refused: fewer holders than the goal",
                                "refused: fewer domains than are needed",
                                "refused: the replica itself is its evidence",
                                "refused: one holder is named twice",
                                "refused: a holder has other bytes",
                                "refused: a holder has an older version",
                                "refused: holders have different versions",
                                "refused: a holder was not seen lately",
                                "refused: a holder was not read lately"});
constexpr std::uint64_t kEnoughSeeds = 500;

int run(std::uint64_t first, std::uint64_t last, bool credulous) {
  std::uint64_t runs = 0, failed = 0;
  std::map<std::string, std::uint64_t> counts;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    schedules::seed_now = seed;
    const Outcome outcome = run_one(seed, credulous);
    ++runs;
    failed += !outcome.faults.empty();
    for (const auto& [kind, times] : outcome.counts) counts[kind] += times;
    const auto number = static_cast<unsigned long long>(seed);
    for (const std::string& fault : outcome.faults) {
      std::printf("seed %llu: %s\n", number, fault.c_str());
    }
    if (first == last) {
      std::printf("hash %016llx\n", static_cast<unsigned long long>(outcome.hash));
      if (run_one(seed, credulous).hash != outcome.hash) {
        std::printf("seed %llu: another hash when it is run again\n", number);
        ++failed;
      }
    }
    std::fflush(stdout);
  }
  std::printf("%llu of %llu runs failed, seeds %llu to %llu\n",
              static_cast<unsigned long long>(failed), static_cast<unsigned long long>(runs),
              static_cast<unsigned long long>(first), static_cast<unsigned long long>(last));
  for (const auto& [kind, times] : counts) {
    std::printf("  %-44s %llu\n", kind.c_str(), static_cast<unsigned long long>(times));
  }
  for (const char* kind : kMustHappen) {
    if (runs < kEnoughSeeds || counts.contains(kind)) continue;
    std::printf("'%s' has never happened\n", kind);
    ++failed;
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace evenkeel::rogue

int main(int argc, char** argv) {
  std::uint64_t first = 1, last = 100;
  bool plain = argc % 2 == 1, credulous = false;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i], value = argv[i + 1];
    if (option == "--seeds") {
      const std::size_t dots = value.find("..");
      first = std::stoull(value.substr(0, dots));
      last = dots == std::string::npos ? first : std::stoull(value.substr(dots + 2));
    } else if (option == "--credulous") {
      credulous = value == "yes";
#ifdef EVENKEEL_MUTANTS
    } else if (option == "--mutant") {
      evenkeel::planted_mutant() = argv[i + 1];
#endif
    } else {
      plain = false;
    }
  }
  if (!plain || last < first) {
    std::fprintf(
        stderr,
        "rogue [--seeds FIRST..LAST] [--credulous yes]\n"
        "  --credulous yes     agents believe evidence of any age, which has to be seen\n"
        "  --mutant NAME       in builds of the preset 'mutants': with that planted fault\n"
        "  EVENKEEL_TRACE=1    writes every line of every log, with one seed\n");
    return 2;
  }
  evenkeel::schedules::name_seed_on_abort();
  return evenkeel::rogue::run(first, last, credulous);
}
