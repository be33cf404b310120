// What a large cluster costs the rebalancer: memory, start, and what follows when a server dies.
// Prints one JSON object a line. Arguments: folder, chunks (default 1,000,000), servers (100).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "common/base/random.h"
#include "common/sqlite/migrate.h"
#include "services/rebalancer/core/facts.h"
#include "services/rebalancer/core/planner.h"
#include "services/rebalancer/store/store.h"

namespace evenkeel {
namespace {

constexpr std::uint64_t kReplicas = 3, kRacks = 10;

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  }

 private:
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

double resident_bytes() {
  std::ifstream status("/proc/self/statm");
  std::uint64_t size = 0, resident = 0;
  status >> size >> resident;
  return static_cast<double>(resident) * 4096;
}

void say(const char* what, double value, const char* unit) {
  std::printf("{\"what\": \"%s\", \"value\": %.6g, \"unit\": \"%s\"}\n", what, value, unit);
  std::fflush(stdout);
}

StorageId storage_of(std::uint64_t server) {
  std::string raw(16, 'S');
  for (std::size_t i = 0; i < 8; ++i) raw[i] = static_cast<char>(server >> (8 * i));
  return *StorageId::from_raw(raw);
}

/// Ten racks; room for twice of what there is.
Member member(std::uint64_t server, std::uint64_t servers, std::uint64_t chunks) {
  const std::uint64_t held = chunks * kReplicas / servers * (64 << 20);
  return {.server = ServerId(server),
          .incarnation = Incarnation(1),
          .storage = storage_of(server),
          .location = "z/r" + std::to_string(server % kRacks) + "/h" + std::to_string(server),
          .address = "10.0.0.1:7421",
          .capacity = Bytes(2 * held),
          .reserve = Bytes(0),
          .free = Bytes(held),
          .used = Bytes(held)};
}

class Bench {
 public:
  Bench(const std::filesystem::path& folder, std::uint64_t chunks, std::uint64_t servers)
      : chunks_(chunks),
        servers_(servers),
        path_(folder / "load.db"),
        store_(std::in_place, path_, sqlite::schema_directory("rebalancer"), "bench") {}

  void run() {
    fill();
    const double before = resident_bytes();
    const Stopwatch load;
    ClusterView view = store_->load_view(now_);
    say("load_view", load.seconds(), "s");
    say("memory", (resident_bytes() - before) / static_cast<double>(chunks_), "bytes/chunk");
    get_ready(view);
    rest(view);
    lose_a_server(view);
    commit_rate(view);
  }

 private:
  void save(const Changes& changes) {
    Store::Transaction transaction(*store_, epoch_, Timestamp(Duration(0)), Duration(0));
    for (const Change& change : changes) transaction.save(change);
    transaction.commit();
    store_->checkpoint_if_due(1000);
  }

  void fill() {
    const Stopwatch watch;
    Rng rng(1);
    Changes changes;
    for (std::uint64_t server = 1; server <= servers_; ++server) {
      changes.push_back(ServerAdded{member(server, servers_, chunks_)});
    }
    for (std::uint64_t chunk = 1; chunk <= chunks_; ++chunk) {
      std::string sum(16, 'c');
      for (std::size_t i = 0; i < 8; ++i) sum[i] = static_cast<char>(chunk >> (8 * i));
      changes.push_back(
          ChunkAdded{{ChunkId(chunk), ChunkVersion(1), 64_MiB, *Checksum::from_raw(sum)},
                     static_cast<int>(kReplicas),
                     ChunkLife::kLive});
      std::uint64_t racks[kReplicas];
      for (std::uint64_t i = 0; i < kReplicas; ++i) {  // in racks that differ
        std::uint64_t server = 0;
        do {
          server = rng.below(servers_) + 1;
        } while (std::count(racks, racks + i, server % kRacks) > 0);
        racks[i] = server % kRacks;
        changes.push_back(ReplicaAdded{ChunkId(chunk), ServerId(server), ReplicaState::kValid,
                                       ChunkVersion(1), JournalNumber(0)});
      }
      if (changes.size() > 20'000) {
        save(changes);
        changes.clear();
      }
    }
    save(changes);
    say("fill", watch.seconds(), "s");
  }

  /// All servers have reported.
  void get_ready(ClusterView& view) {
    Changes changes{EpochRaised{Epoch(1)}};
    for (std::uint64_t server = 1; server <= servers_; ++server) {
      changes.push_back(
          ServerReported{ServerId(server), InventoryNumber(1), JournalNumber(0), now_});
    }
    changes.push_back(SyncChanged{true});
    changes.push_back(SafeModeLeft{});
    record(view, changes);
    epoch_ = Epoch(1);
  }

  void record(ClusterView& view, const Changes& changes) {
    Store::Transaction transaction(*store_, epoch_, Timestamp(Duration(0)), Duration(0));
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
        view, MemberChanged{storage_of(99), EventNumber(1), MemberEventKind::kFailed, dead},
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

  /// Commands with their rows in the outbox, through the store and through bare statements.
  void commit_rate(ClusterView& view) {
    constexpr int kRounds = 100, kBatch = 512;
    std::uint64_t next = view.next_command().value();
    const std::string because =
        "2 of 3 replicas valid; from s1 (fewest copies out) to s2 (use 50.0 %)";
    std::optional<Stopwatch> ours;
    constexpr int kWarm = 20;
    for (int round = -kWarm; round < kRounds; ++round) {
      if (round == 0) ours.emplace();
      Changes changes;
      for (int i = 0; i < kBatch; ++i) changes.push_back(CommandIssued{command(next++, because)});
      save(changes);
    }
    const double our_rate = kRounds * kBatch / ours->seconds();
    say("commands_committed", our_rate, "1/s");
    store_.reset();  // two connections that write do not go together
    const double bare_rate = bare(next, because, kRounds, kBatch);
    say("commands_committed_by_bare_statements", bare_rate, "1/s");
    say("ratio_to_bare_statements", our_rate / bare_rate, "");
  }

  CommandRecord command(std::uint64_t id, const std::string& because) const {
    const ServerId server(id % servers_ + 1);
    return {.id = CommandId(id),
            .epoch = epoch_,
            .kind = CommandKind::kVerify,
            .reason = Reason::kVerify,
            .chunk = ChunkId(id % chunks_ + 1),
            .version = ChunkVersion(1),
            .size = 64_MiB,
            .server = server,
            .storage = storage_of(server.value()),
            .because = because,
            .issued = now_};
  }

  /// The same rows into the same tables, by SQL that was prepared once, on a connection of its own
  /// that is opened as the store's was.
  double bare(std::uint64_t next, const std::string& because, int rounds, int batch) {
    sqlite::Database db(path_);
    sqlite::Statement begin(db, "UPDATE meta SET commits = commits + 1 WHERE epoch = ?");
    sqlite::Statement insert(
        db,
        "INSERT INTO command (command_id, epoch, kind, reason, chunk_id, version, size_bytes, "
        "server_id, storage, source_id, drop_id, detail, because, issued_ms) "
        "VALUES (?, ?, 2, 'verify', ?, 1, ?, ?, ?, NULL, NULL, 0, ?, 0)");
    sqlite::Statement outbox(db, "INSERT INTO outbox (server_id, command_id) VALUES (?, ?)");
    std::optional<Stopwatch> watch;
    constexpr int kWarm = 20;  // as the store was by then
    for (int round = -kWarm; round < rounds; ++round) {
      if (round == 0) watch.emplace();
      sqlite::Transaction transaction(db);
      begin.run(epoch_);
      for (int i = 0; i < batch; ++i, ++next) {
        const std::uint64_t server = next % servers_ + 1;
        insert.run(next, epoch_, next % chunks_ + 1, std::uint64_t{64 << 20}, server,
                   to_string(storage_of(server)), because);
        outbox.run(server, next);
      }
      transaction.commit();
      db.checkpoint_if_due(1000);
    }
    return rounds * batch / watch->seconds();
  }

  const std::uint64_t chunks_, servers_;
  const std::filesystem::path path_;
  std::optional<Store> store_;
  const Limits limits_;
  Epoch epoch_{0};
  const Instant now_ = Instant(Duration(3'600'000));
};

}  // namespace
}  // namespace evenkeel

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
  evenkeel::Bench(argv[1], chunks, servers).run();
}
