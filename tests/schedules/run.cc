// Runs schedules of a range of seeds and says what has come of them.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>

#include <fcntl.h>
#include <malloc.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/mutant.h"
#include "tests/faults/fault_vfs.h"
#include "tests/schedules/mutants.h"
#include "tests/schedules/schedule.h"
#include "tests/schedules/seed_now.h"

namespace evenkeel::schedules {
namespace {

/// Of locks between processes: there is one process, and within it SQLite arbitrates by itself.
int locked_for_nobody_else(int file, int what, struct flock* lock) {
  if (what != F_SETLK && what != F_GETLK) return ::fcntl(file, what, lock);
  if (what == F_GETLK) lock->l_type = F_UNLCK;
  return 0;
}

/// Before SQLite is used for the first time. All happens in one thread of one process.
faults::FaultVfs& install() {
  EK_CHECK(sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) == SQLITE_OK);
  EK_CHECK(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK);
  faults::FaultVfs& vfs = faults::FaultVfs::install();
  sqlite3_vfs* unix = sqlite3_vfs_find("unix");
  unix->xSetSystemCall(unix, "fcntl",
                       reinterpret_cast<sqlite3_syscall_ptr>(locked_for_nobody_else));
  ::mallopt(M_TRIM_THRESHOLD, 1 << 28);  // for speed only; not known to sanitizers
  ::mallopt(M_MMAP_THRESHOLD, 1 << 26);
  return vfs;
}
[[maybe_unused]] faults::FaultVfs& installed = install();

std::filesystem::path scratch_of(pid_t process) {
  const std::filesystem::path memory = "/dev/shm";
  const auto base =
      std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
  return base / ("schedules-" + std::to_string(process));
}
std::filesystem::path scratch() {
  return scratch_of(::getpid());
}

struct Sums {
  std::uint64_t runs = 0, failed = 0, commits = 0, messages = 0, events = 0, copies = 0,
                deletes = 0;
  double virtual_seconds = 0;
  std::map<std::string, std::uint64_t> fired;
  void add(const Outcome& outcome) {
    ++runs;
    failed += !outcome.faults.empty();
    commits += outcome.commits;
    messages += outcome.messages;
    events += outcome.events;
    copies += outcome.copies;
    deletes += outcome.deletes;
    virtual_seconds += outcome.virtual_seconds;
    for (const auto& [kind, times] : outcome.fired) fired[kind] += times;
  }
};

/// Kinds of faults that a run of many seeds must have had; one that never happened tests nothing.
constexpr std::array kKinds = std::to_array<const char*>({"a rebalancer was superseded",
                                                          "bit flipped",
                                                          "bytes lost with the power",
                                                          "connection broken",
                                                          "database lost",
                                                          "database restored",
                                                          "disk full",
                                                          "disk replaced",
                                                          "disk stalled",
                                                          "file cut short",
                                                          "file lost",
                                                          "killed",
                                                          "killed in an act",
                                                          "message cut off",
                                                          "message late",
                                                          "message lost",
                                                          "message reordered",
                                                          "message repeated",
                                                          "newer version appeared",
                                                          "power lost",
                                                          "power lost in an act",
                                                          "read failed",
                                                          "rename failed",
                                                          "rename lost with the power",
                                                          "stood still",
                                                          "sync failed",
                                                          "two rebalancers",
                                                          "wall clock moved",
                                                          "write failed"});
/// The same of what is milder.
constexpr std::array kKindsOfBadLines = std::to_array<const char*>(
    {"database restored", "disk stalled", "file lost", "killed", "message cut off", "message late",
     "message lost", "message reordered", "message repeated", "out of sight", "read failed",
     "stood still"});
/// Each message from which anything may follow at a rebalancer, at membership or at an agent.
constexpr std::array kKindsOfRepeats = std::to_array<const char*>({"echo of ack",
                                                                   "echo of ack_reply",
                                                                   "echo of beacon",
                                                                   "echo of commands",
                                                                   "echo of delete",
                                                                   "echo of drain",
                                                                   "echo of goal",
                                                                   "echo of heartbeat",
                                                                   "echo of heartbeat_reply",
                                                                   "echo of hello",
                                                                   "echo of inventory",
                                                                   "echo of inventory_reply",
                                                                   "echo of membership.beacon",
                                                                   "echo of membership.failed",
                                                                   "echo of membership.joined",
                                                                   "echo of membership.recovered",
                                                                   "echo of membership.suspect",
                                                                   "echo of membership.updated",
                                                                   "echo of put_close",
                                                                   "echo of put_open",
                                                                   "echo of put_place",
                                                                   "echo of retry",
                                                                   "echo of snapshot",
                                                                   "echo of undrain",
                                                                   "echo of welcome",
                                                                   "echo of withdraw"});
constexpr std::uint64_t kEnoughSeeds = 1'000;

struct Named {
  const char* name;
  Family family;
  std::span<const char* const> kinds;
};
constexpr std::array kFamilies = std::to_array<Named>({
    {"storm", Family::kStorm, kKinds},
    {"bad_lines", Family::kBadLines, kKindsOfBadLines},
    {"repeats", Family::kRepeats, kKindsOfRepeats},
});

unsigned long long number(std::uint64_t value) {
  return value;
}

void say(const Sums& sums) {
  std::printf(
      "%llu of %llu schedules failed; %llu commits, %llu messages, %llu events, %llu copies, "
      "%llu deletes, %.0f virtual seconds\n",
      number(sums.failed), number(sums.runs), number(sums.commits), number(sums.messages),
      number(sums.events), number(sums.copies), number(sums.deletes), sums.virtual_seconds);
  for (const auto& [kind, times] : sums.fired) {
    std::printf("  %-28s %llu\n", kind.c_str(), number(times));
  }
}

int run(const Named& family, std::uint64_t first, std::uint64_t last) {
  Sums sums;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    seed_now = seed;
    const Outcome outcome = run_schedule(family.family, seed, scratch());
    sums.add(outcome);
    for (const std::string& fault : outcome.faults) {
      std::printf("seed %llu: %s\n", number(seed), fault.c_str());
    }
    if (first == last) {
      std::printf("%shash %016llx\n", outcome.story.c_str(), number(outcome.hash));
      const Outcome again = run_schedule(family.family, seed, scratch());
      if (again.hash != outcome.hash) {
        std::printf("seed %llu: another hash when it is run again\n", number(seed));
        ++sums.failed;
      }
    }
    std::fflush(stdout);
    if (sums.runs % 1'000 == 0 && first + sums.runs <= last) say(sums);
  }
  say(sums);
  for (const char* kind : family.kinds) {
    if (sums.runs < kEnoughSeeds || sums.fired.contains(kind)) continue;
    std::printf("'%s' has never happened\n", kind);
    ++sums.failed;
  }
  return sums.failed == 0 ? 0 : 1;
}

#ifdef EVENKEEL_MUTANTS

struct Find {
  const char* volatile family;
  volatile std::uint64_t seed;
  volatile bool found;
  char by[200];
};

void hunt(const Named& family, std::uint64_t first, std::uint64_t last, Find& find) {
  find.family = family.name;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    find.seed = seed;
    const Outcome outcome = run_schedule(family.family, seed, scratch());
    if (outcome.faults.empty()) continue;
    std::snprintf(find.by, sizeof find.by, "%s", outcome.faults.front().c_str());
    find.found = true;
    return;
  }
}

/// Each in a process of its own: some are found by a check of the program itself, which ends it.
int run_mutants(const std::string& which, std::span<const Named> families, std::uint64_t first,
                std::uint64_t last) {
  void* shared =
      ::mmap(nullptr, sizeof(Find), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  auto& find = *static_cast<Find*>(shared);
  int missed = 0;
  for (const std::string_view mutant : kMutants) {
    if (which != "all" && which != mutant) continue;
    std::memset(shared, 0, sizeof find);
    std::fflush(stdout);
    const pid_t child = ::fork();
    if (child == 0) {
      planted_mutant() = mutant;
      if (!std::getenv("EVENKEEL_TRACE")) ::close(2);
      for (const Named& family : families) {
        if (!find.found) hunt(family, first, last, find);
      }
      std::_Exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    std::filesystem::remove_all(scratch_of(child));
    const bool aborted = WIFSIGNALED(status);
    const std::string name(mutant);
    if (find.found || aborted) {
      std::printf("| %s | %s | %llu | %s |\n", name.c_str(), find.family, number(find.seed),
                  aborted ? "a check of the program itself" : find.by);
    } else {
      ++missed;
      std::printf("| %s | - | - | not found in seeds %llu to %llu |\n", name.c_str(), number(first),
                  number(last));
    }
  }
  return missed == 0 ? 0 : 1;
}

#endif

}  // namespace
}  // namespace evenkeel::schedules

int main(int argc, char** argv) {
  using namespace evenkeel::schedules;
  std::uint64_t first = 1, last = 100;
  std::string mutant;
  std::span<const Named> families = kFamilies;
  bool plain = true;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i], value = argv[i + 1];
    if (option == "--seeds") {
      const std::size_t dots = value.find("..");
      first = std::stoull(value.substr(0, dots));
      last = dots == std::string::npos ? first : std::stoull(value.substr(dots + 2));
    } else if (option == "--mutants") {
      mutant = value;
    } else if (option == "--family") {
      const auto named = std::find_if(kFamilies.begin(), kFamilies.end(),
                                      [&](const Named& family) { return value == family.name; });
      plain &= named != kFamilies.end();
      if (named != kFamilies.end()) families = {named, 1};
    } else {
      plain = false;
    }
  }
  if (!plain || argc % 2 == 0 || last < first) {
    std::fprintf(
        stderr,
        "schedules [--family storm|bad_lines|repeats] [--seeds FIRST..LAST] [--mutants all|NAME]\n"
        "  of one family, the first unless it is named; of each in turn with mutants\n"
        "  EVENKEEL_TRACE=1 writes every line of every log, with one seed\n");
    return 2;
  }
  name_seed_on_abort();
#ifdef EVENKEEL_MUTANTS
  if (!mutant.empty()) return run_mutants(mutant, families, first, last);
#else
  if (!mutant.empty()) {
    std::fprintf(stderr, "mutants are in builds of the preset 'mutants' only\n");
    return 2;
  }
#endif
  return run(families.front(), first, last);
}
