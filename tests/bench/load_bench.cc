// What a large cluster costs the rebalancer: memory, start, and what follows when a server dies.
// Prints one JSON object a line. Arguments: folder, chunks (default 1,000,000), servers (100).
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "common/sqlite/migrate.h"
#include "services/rebalancer/core/facts.h"
#include "services/rebalancer/core/planner.h"
#include "services/rebalancer/store/store.h"
#include "tests/bench/made_cluster.h"
#include "tests/bench/measure.h"

namespace evenkeel::bench {
namespace {

double resident_bytes() {
  std::ifstream status("/proc/self/statm");
  std::uint64_t size = 0, resident = 0;
  status >> size >> resident;
  return static_cast<double>(resident) * 4096;
}

class Bench {
 public:
  Bench(const std::filesystem::path& folder, std::uint64_t chunks, std::uint64_t servers)
      : cluster_(chunks, servers),
        store_(folder / "load.db", sqlite::schema_directory("rebalancer"), "bench") {}

  void run() {
    fill();
    const double before = resident_bytes();
    const Stopwatch load;
    ClusterView view = store_.load_view(now_);
    say("load_view", load.seconds(), "s");
    say("memory", (resident_bytes() - before) / static_cast<double>(cluster_.chunks()),
        "bytes/chunk");
    get_ready(view);
    rest(view);
    lose_a_server(view);
  }

 private:
  void save(const Changes& changes) {
    Store::Transaction transaction(store_, epoch_, Timestamp(Duration(0)), Duration(0));
    for (const Change& change : changes) transaction.save(change);
    transaction.commit();
    store_.checkpoint_if_due(1000);
  }

  void fill() {
    const Stopwatch watch;
    cluster_.fill([this](const Changes& changes) { save(changes); });
    say("fill", watch.seconds(), "s");
  }

  /// All servers have reported.
  void get_ready(ClusterView& view) {
    record(view, cluster_.reported(Epoch(1), now_));
    epoch_ = Epoch(1);
  }

  void record(ClusterView& view, const Changes& changes) {
    Store::Transaction transaction(store_, epoch_, Timestamp(Duration(0)), Duration(0));
    for (const Change& change : changes) {
      transaction.save(change);
      view.apply(change);
    }
    transaction.commit();
  }

  void rest(const ClusterView& view) {
    const Stopwatch watch;
    const Changes planned = plan(view, limits_, now_);
    say("plan_at_rest", watch.seconds(), "s");
    say("moves_planned_at_rest", static_cast<double>(planned.size()), "changes");
  }

  void lose_a_server(ClusterView& view) {
    Member dead = view.find(ServerId(7))->member;
    dead.liveness = Liveness::kDead;
    const Stopwatch watch;
    const Changes facts = facts_of(
        view,
        MemberChanged{MadeCluster::storage_of(99), EventNumber(1), MemberEventKind::kFailed, dead},
        limits_, now_);
    record(view, facts);
    say("dead_server_facts", watch.seconds(), "s");
    const Changes planned = plan(view, limits_, now_);
    say("dead_server_to_first_plan", watch.seconds(), "s");
    record(view, planned);
    say("dead_server_to_first_commit", watch.seconds(), "s");
    say("first_plan", static_cast<double>(planned.size()), "commands");
    // On, until every server has as much under way as it may have.
    double commands = static_cast<double>(planned.size()), longest = 0;
    for (bool more = true; more;) {
      const Stopwatch turn;
      const Changes next = plan(view, limits_, now_);
      longest = std::max(longest, turn.seconds());
      record(view, next);
      commands += static_cast<double>(next.size());
      more = !next.empty() && commands < 50'000;
    }
    say("planned_until_all_are_busy", commands, "commands");
    say("until_all_are_busy", watch.seconds(), "s");
    say("longest_plan", longest, "s");
  }

  const MadeCluster cluster_;
  Store store_;
  const Limits limits_;
  Epoch epoch_{0};
  const Instant now_ = Instant(Duration(3'600'000));
};

}  // namespace
}  // namespace evenkeel::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: evenkeel-load-bench FOLDER [CHUNKS [SERVERS]]\n");
    return 2;
  }
  const std::uint64_t chunks = argc > 2 ? std::stoull(argv[2]) : 1'000'000;
  const std::uint64_t servers = argc > 3 ? std::stoull(argv[3]) : 100;
  std::printf("{\"chunks\": %llu, \"servers\": %llu, \"build\": \"%s\"}\n",
              static_cast<unsigned long long>(chunks), static_cast<unsigned long long>(servers),
              EVENKEEL_BUILD);
  evenkeel::bench::Bench(argv[1], chunks, servers).run();
}
