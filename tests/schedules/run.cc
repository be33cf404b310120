// Runs schedules of a range of seeds and says what has come of them.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "tests/faults/fault_vfs.h"
#include "tests/schedules/schedule.h"

namespace evenkeel::schedules {
namespace {

[[maybe_unused]] faults::FaultVfs& installed = faults::FaultVfs::install();

volatile std::uint64_t seed_now = 0;

void on_abort(int) {
  char text[64];
  const int count = std::snprintf(text, sizeof text, "aborted in seed %llu\n",
                                  static_cast<unsigned long long>(seed_now));
  static_cast<void>(!::write(2, text, static_cast<std::size_t>(count)));
}

std::filesystem::path scratch() {
  const std::filesystem::path memory = "/dev/shm";
  const auto base = std::filesystem::is_directory(memory) ? memory
                                                          : std::filesystem::temp_directory_path();
  return base / ("schedules-" + std::to_string(::getpid()));
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

int run(std::uint64_t first, std::uint64_t last) {
  std::signal(SIGABRT, on_abort);
  Sums sums;
  std::uint64_t all_hashes = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    seed_now = seed;
    const Outcome outcome = run_schedule(seed, scratch());
    sums.add(outcome);
    for (const std::string& fault : outcome.faults) {
      std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), fault.c_str());
    }
    all_hashes = all_hashes * 0x100000001B3ULL ^ outcome.hash;
    if (first == last) std::printf("%s", outcome.story.c_str());
    if (first == last) std::printf("hash %016llx\n", static_cast<unsigned long long>(outcome.hash));
    std::fflush(stdout);
  }
  std::printf("%llu of %llu schedules failed; %llu commits, %llu messages, %llu events, %llu "
              "copies, %llu deletes, %.0f virtual seconds\n",
              static_cast<unsigned long long>(sums.failed),
              static_cast<unsigned long long>(sums.runs),
              static_cast<unsigned long long>(sums.commits),
              static_cast<unsigned long long>(sums.messages),
              static_cast<unsigned long long>(sums.events),
              static_cast<unsigned long long>(sums.copies),
              static_cast<unsigned long long>(sums.deletes), sums.virtual_seconds);
  std::printf("hash of all: %016llx\n", static_cast<unsigned long long>(all_hashes));
  for (const auto& [kind, times] : sums.fired) {
    std::printf("  %-28s %llu\n", kind.c_str(), static_cast<unsigned long long>(times));
  }
  return sums.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace evenkeel::schedules

int main(int argc, char** argv) {
  std::uint64_t first = 1, last = 100;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], "--seeds") != 0) continue;
    const std::string range = argv[i + 1];
    const std::size_t dots = range.find("..");
    first = std::stoull(range.substr(0, dots));
    last = dots == std::string::npos ? first : std::stoull(range.substr(dots + 2));
  }
  return evenkeel::schedules::run(first, last);
}
