// What a large cluster costs the rebalancer: start, memory, the first commands after a server is
// lost, and how long acknowledgements wait while a million replicas are. Prints one JSON object a
// line. Arguments: folder, chunks (default 1,000,000), servers (100); and a fourth, whatever it is,
// to make the database for a later run and no more.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/system_clock.h"
#include "common/sqlite/migrate.h"
#include "services/rebalancer/rebalancer.h"
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
        file_(folder / "load.db"),
        store_(file_, sqlite::schema_directory("rebalancer"), "bench") {}

  /// A database that an earlier run left in the folder is taken as it is: for how long loading
  /// takes.
  void fill() {
    const Stopwatch watch;
    if (std::filesystem::file_size(file_) > std::uintmax_t{10} << 20) return;
    cluster_.fill([this](const Changes& changes) {
      Store::Transaction transaction(store_, Epoch(0), Timestamp(Duration(0)), Duration(0));
      for (const Change& change : changes) transaction.save(change);
      transaction.commit();
      store_.checkpoint_if_due(1000);
    });
    say("fill", watch.seconds(), "s");
    ::sync();  // what filling has left to the kernel would be written under what is measured
  }

  void run() {
    const double before = resident_bytes();
    const Stopwatch start;
    Rebalancer rebalancer(store_, clock_, limits_);
    store_.checkpoint_elsewhere([this](std::function<void()> work, std::function<void()> done) {
      copying_ = std::async(std::launch::async, std::move(work));
      copied_ = std::move(done);
    });
    say("load", start.seconds(), "s");
    say("memory", (resident_bytes() - before) / chunks(), "resident bytes/chunk");
    say("view", static_cast<double>(rebalancer.view().memory()) / chunks(), "bytes/chunk");
    get_ready(rebalancer);
    say("start_to_first_decision", start.seconds(), "s");
    lose_one(rebalancer);
    lose_many(rebalancer);
    sync_bare();
  }

 private:
  double chunks() const { return static_cast<double>(cluster_.chunks()); }

  double turn(Rebalancer& rebalancer, const std::vector<Event>& events) {
    using namespace std::chrono_literals;
    const Stopwatch watch;
    if (copying_.valid() && copying_.wait_for(0s) == std::future_status::ready) {
      copying_.get();
      std::exchange(copied_, nullptr)();
    }
    const Committed committed = rebalancer.handle(events);
    for (const CommandId id : committed.issued) issued_.push_back(id);
    more_ = committed.more_to_do;
    const Stopwatch end;
    rebalancer.end_turn();
    longest_end_ = std::max(longest_end_, end.seconds());
    longest_log_ = std::max(longest_log_, static_cast<double>(rebalancer.log_size().count()));
    return watch.seconds();
  }

  /// Membership's snapshot, and an inventory of each server that lists what the map says.
  void get_ready(Rebalancer& rebalancer) {
    const StorageId stream = MadeCluster::storage_of(0);
    MembersListed listed{stream, EventNumber(1), {}};
    for (std::uint64_t server = 1; server <= cluster_.servers(); ++server) {
      listed.members.push_back(cluster_.member(server));
    }
    say("snapshot", turn(rebalancer, {listed}), "s");
    double longest = 0;
    for (std::uint64_t server = 1; server <= cluster_.servers(); ++server) {
      longest = std::max(longest, turn(rebalancer, {inventory(rebalancer.view(), server)}));
    }
    say("longest_inventory_turn", longest * 1000, "ms");
    double plan_at_rest = turn(rebalancer, {TimePassed{}});
    for (int i = 0; i < 5; ++i) plan_at_rest = turn(rebalancer, {TimePassed{}});
    say("turn_at_rest", plan_at_rest * 1000, "ms");
    say("commands_at_rest", static_cast<double>(issued_.size()), "commands");
  }

  InventoryRead inventory(const ClusterView& view, std::uint64_t server) const {
    InventoryRead read{.server = ServerId(server),
                       .incarnation = Incarnation(1),
                       .storage = MadeCluster::storage_of(server),
                       .number = InventoryNumber(1),
                       .full = true,
                       .last = true,
                       .journal = JournalNumber(0),
                       .asked = clock_.now()};
    for (const ChunkSlot slot : view.find(ServerId(server))->chunks) {
      read.listed.push_back(view.table().id(slot));
    }
    std::sort(read.listed.begin(), read.listed.end());
    return read;
  }

  Event death(std::uint64_t server) {
    Member dead = cluster_.member(server);
    dead.liveness = Liveness::kDead;
    return MemberChanged{MadeCluster::storage_of(0), EventNumber(++event_),
                         MemberEventKind::kFailed, dead};
  }

  void lose_one(Rebalancer& rebalancer) {
    issued_.clear();
    double waited = turn(rebalancer, {death(7)});
    while (issued_.empty() && more_) waited += turn(rebalancer, {TimePassed{}});
    say("lost_server_to_first_commands_committed", waited * 1000, "ms");
    say("first_commands", static_cast<double>(issued_.size()), "commands");
  }

  /// A tenth of the servers, or as many as hold a million replicas, in one turn; acknowledgements
  /// come all the while.
  void lose_many(Rebalancer& rebalancer) {
    const double each = 3 * chunks() / static_cast<double>(cluster_.servers());
    const double wanted = std::min(1e6 / each, static_cast<double>(cluster_.servers()) / 10);
    std::vector<Event> deaths;
    for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(wanted); ++i) {
      deaths.push_back(death(10 + 10 * i));
    }
    say("servers_lost", static_cast<double>(deaths.size()), "servers");
    std::vector<double> turns;
    longest_end_ = longest_log_ = 0;
    const Stopwatch all;
    for (std::size_t done = 0; done < deaths.size(); done += 32) {
      const std::size_t end = std::min(deaths.size(), done + 32);
      turns.push_back(turn(rebalancer, {deaths.begin() + static_cast<std::ptrdiff_t>(done),
                                        deaths.begin() + static_cast<std::ptrdiff_t>(end)}));
      acknowledge(rebalancer, turns);
    }
    while ((more_ || !issued_.empty()) && turns.size() < 2000) acknowledge(rebalancer, turns);
    const auto longest = std::max_element(turns.begin(), turns.end());
    say("longest_turn_was", static_cast<double>(longest - turns.begin()), "th");
    std::sort(turns.begin(), turns.end());
    say("longest_turn", turns.back() * 1000, "ms");
    const auto over = std::upper_bound(turns.begin(), turns.end(), 0.050);
    say("turns_over_50_ms", static_cast<double>(turns.end() - over), "turns");
    say("longest_end_of_a_turn", longest_end_ * 1000, "ms");
    say("longest_log", longest_log_ / (1 << 20), "MiB");
    say("turn_p99", turns[turns.size() * 99 / 100] * 1000, "ms");
    say("turn_median", turns[turns.size() / 2] * 1000, "ms");
    say("turns", static_cast<double>(turns.size()), "turns");
    say("copies_done", static_cast<double>(acknowledged_), "copies");
    say("copies_done_a_second", static_cast<double>(acknowledged_) / all.seconds(), "copies/s");
  }

  /// What the disk by itself takes for what a turn's commit writes: nothing can be durable sooner.
  void sync_bare() {
    constexpr std::size_t kPages = 500;
    const std::string bytes(kPages * 4096, 'x');
    const int fd = ::open((file_.string() + ".bare").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    EK_CHECK(fd >= 0);
    std::vector<double> times;
    for (int i = 0; i < 401; ++i) {
      const Stopwatch watch;
      EK_CHECK(::pwrite(fd, bytes.data(), bytes.size(), 0) == std::ssize(bytes));
      EK_CHECK(::fdatasync(fd) == 0);
      if (i > 0) times.push_back(watch.seconds());  // the first has to find room
    }
    ::close(fd);
    std::sort(times.begin(), times.end());
    say("bare_sync_longest", times.back() * 1000, "ms");
    say("bare_sync_p99", times[times.size() * 99 / 100] * 1000, "ms");
    say("bare_sync_median", times[times.size() / 2] * 1000, "ms");
  }

  /// Of what was issued, the oldest 256 copies are done; a turn with their acknowledgements.
  void acknowledge(Rebalancer& rebalancer, std::vector<double>& turns) {
    std::vector<Event> events;
    std::size_t looked = 0;
    for (; looked < issued_.size() && events.size() < 256; ++looked) {
      const CommandRecord* command = rebalancer.view().find(issued_[looked]);
      if (!command || command->kind != CommandKind::kReplicate) continue;
      const CommandResult result{
          .command = command->id, .outcome = Outcome::kDone, .journal = JournalNumber(++journal_)};
      AgentIdentity from{.server = command->server,
                         .incarnation = Incarnation(1),
                         .storage = command->storage,
                         .epoch = command->epoch};
      events.push_back(CommandAcknowledged{from, result});
    }
    issued_.erase(issued_.begin(), issued_.begin() + static_cast<std::ptrdiff_t>(looked));
    acknowledged_ += events.size();
    if (events.empty()) events.push_back(TimePassed{});
    turns.push_back(turn(rebalancer, events));
  }

  /// What is lost is made up for at once: it is not the waiting that is measured.
  static Limits at_once() {
    Limits limits;
    limits.patience_planned_stop = limits.patience_server = limits.patience_rack = Duration(0);
    limits.brake_share = Ratio(1.0);
    return limits;
  }

  const MadeCluster cluster_;
  const std::filesystem::path file_;
  Store store_;
  const Limits limits_ = at_once();
  SystemClock clock_;  // so that turns are kept short as in the service
  std::vector<CommandId> issued_;
  std::uint64_t event_ = 1, journal_ = 0;
  std::size_t acknowledged_ = 0;
  bool more_ = false;
  double longest_end_ = 0;     // seconds; part of a turn, for the next one waits for it too
  double longest_log_ = 0;     // bytes
  std::future<void> copying_;  // as the service does it in a thread of libuv's pool
  std::function<void()> copied_;
};

}  // namespace
}  // namespace evenkeel::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: evenkeel-load-bench FOLDER [CHUNKS [SERVERS [fill]]]\n");
    return 2;
  }
  const std::uint64_t chunks = argc > 2 ? std::stoull(argv[2]) : 1'000'000;
  const std::uint64_t servers = argc > 3 ? std::stoull(argv[3]) : 100;
  std::printf("{\"chunks\": %llu, \"servers\": %llu, \"build\": \"%s\"}\n",
              static_cast<unsigned long long>(chunks), static_cast<unsigned long long>(servers),
              EVENKEEL_BUILD);
  evenkeel::bench::Bench bench(argv[1], chunks, servers);
  bench.fill();
  if (argc < 5) bench.run();
}
