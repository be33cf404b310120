#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/model/control.h"
#include "common/model/explanation.h"
#include "common/sqlite/checkpointer.h"
#include "common/sqlite/database.h"
#include "services/rebalancer/core/cluster_view.h"
#include "services/rebalancer/core/loads.h"
#include "services/rebalancer/core/tally.h"

namespace evenkeel {

/// A rebalancer of a later epoch has this database now; this one must not write again.
class Superseded : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The rebalancer's memory over restarts. One writer, one thread. Failures are SqliteErrors, and
/// Superseded. Every change of a transaction is made durable by commit(), or none is.
class Store {
 public:
  /// Opens or makes `path`, for `cluster`. Throws std::runtime_error if it is another's database.
  /// `first`: below the first epoch of a database that is made.
  Store(const std::filesystem::path& path, const std::filesystem::path& schema,
        const std::string& cluster, Epoch first = Epoch(0));

  /// All that is known, as it was last committed. Its epoch is the one of the last run.
  ClusterView load_view(Instant started);

  class Transaction {
   public:
    /// `wall` dates the records of this transaction, for people; `running` is how long the
    /// process has run, which the database adds up over all runs.
    Transaction(Store& store, Epoch mine, Timestamp wall, Duration running);
    void save(const Change& change);
    /// What operators watch. The state is dated with this transaction's wall clock.
    void save(const ClusterState& state);
    void save(const Sample& sample);
    void save(const CommandKey& of, const CommandCount& count);
    void save(ServerId server, const ServerLoad& load);
    void commit();

   private:
    Store& store_;
    sqlite::Transaction transaction_;
    Timestamp wall_;
    Epoch epoch_;
  };

  /// The 32 bytes that the copy keys of all storages are derived from; made with the database.
  const std::string& copy_secret() const { return copy_secret_; }

  struct File {
    FileId id;
    std::string name;
    Bytes size;
    int goal;
    bool complete;
    PolicyId policy = kDefaultPolicy;
  };
  std::optional<File> file(const std::string& name);
  std::optional<File> file(FileId id);
  /// The chunk at a place of a file, if one was placed there.
  std::optional<ChunkId> chunk_at(FileId file, std::uint64_t place);
  /// At most `limit` chunks of a file, in order, from a place on.
  std::vector<ChunkId> chunks_of(FileId file, std::uint64_t first, std::uint64_t limit);
  std::uint64_t chunk_total(FileId file);
  /// Whether a chunk has that policy, or a file that is being put will give it to its chunks.
  bool uses(PolicyId policy);
  /// Files whose putting was begun this long ago, in running time, and never ended.
  std::vector<FileId> given_up(Duration after);
  /// Chunks that were retired less than `after` ago, in running time, and how long is left.
  std::vector<std::pair<ChunkId, Duration>> recently_retired(Duration after);

  /// What a copy was to make, if it was closed as superseded and is not forgotten yet.
  struct SupersededCopy {
    ServerId server;
    StorageId storage;
    ChunkId chunk;
    ChunkVersion version;
  };
  std::optional<SupersededCopy> superseded_copy(CommandId id);

  std::optional<Proposed> proposal(ProposalId id);
  /// Those whose time is not over, the oldest first.
  std::vector<Proposed> pending_proposals();
  /// Those that nobody has decided about in time, and of which nobody has been told.
  std::vector<Proposed> expired_proposals();
  ProposalId next_proposal();

  std::vector<RebalancerEvent> events_after(EventNumber number, std::size_t limit);

  // Decisions are the rows of commands, open and closed; the newest first.
  std::optional<Decision> decision(CommandId command);
  std::vector<Decision> decisions_about(ChunkId chunk, std::uint64_t limit);
  /// In which it takes any part. Looks at the newest 20,000 alone: there is no index by server.
  std::vector<Decision> decisions_about(ServerId server, std::uint64_t limit);

  /// Why a chunk was last set aside, if it is.
  std::optional<std::string> set_aside_because(ChunkId chunk);

  struct Keep {
    Duration decisions{};    ///< closed commands, in running time
    std::uint64_t rows = 0;  ///< closed commands and events, at most
  };
  /// Removes closed commands and events that are not to be kept. To be called at least once an
  /// hour: how old commands are is known to an hour. Bounded: at most `at_most` rows of each; true
  /// if there is more to remove.
  bool prune(const Keep& keep, std::uint64_t at_most);

  /// How commands ended in all runs before this one; of the open ones nothing.
  std::map<CommandKey, CommandCount> command_counts();
  RiskTotals risk_totals();

  struct Setting {
    std::string key, value;
    bool given = false;
  };
  /// The settings in force, instead of those of the run before.
  void save_settings(const std::vector<Setting>& settings);

  /// On this thread, which waits for it.
  bool checkpoint_if_due(int pages) { return db_.checkpoint_if_due(pages); }
  /// The same for turns: on another thread, if there is one.
  void copy_log_if_long() { checkpointer_.look(long_log_pages_); }
  void set_long_log(int pages) { long_log_pages_ = pages; }
  /// From now on that thread is there; with none, it is this one again.
  void checkpoint_elsewhere(sqlite::Checkpointer::Elsewhere elsewhere) {
    checkpointer_.set_elsewhere(std::move(elsewhere));
  }
  /// Less should be committed for a while.
  bool log_falls_behind() const { return checkpointer_.falls_behind(); }
  Bytes log_size() const { return Bytes(db_.log_bytes()); }
  /// Who keeps the log from being begun anew, in words.
  std::string who_reads() const;

 private:
  friend class Transaction;
  void save(const Change& change, Timestamp wall, Epoch epoch);
  void save_server(const Member& member, bool replaced, Timestamp wall);
  void save_absence(const ServerGone& gone);
  void save_absence(const ServerAwaited& awaited);
  std::optional<std::int64_t> running_from_now(const std::optional<Instant>& at) const;
  void save_policy(const Policy& policy);
  std::vector<Policy> policies();
  std::optional<std::string> labels_in_tables(ServerId server);
  void work_out_refusals(const Policy& policy);
  void work_out_refusals(ServerId server, const Labels& labels);
  void save_command(const CommandRecord& command, Timestamp wall);
  void save_admin(const ServerAdminSet& set);
  void save_proposal(const Proposed& proposed, Timestamp wall);
  void save_proposal(const ProposalDecided& decided, Timestamp wall);
  std::vector<Proposed> read_proposals(sqlite::Statement& row);
  void load_policies(ClusterView& view);
  void load_servers(ClusterView& view);
  void load_chunks(ClusterView& view);
  void load_replicas(ClusterView& view);
  void load_commands(ClusterView& view);
  void load_paused(ClusterView& view);
  std::vector<Holder> load_evidence(CommandId command, const ChunkContent& content);
  std::optional<File> read_file(sqlite::Statement& row);
  std::vector<Decision> decisions(sqlite::Statement& row);
  void add_others(Decision& decision);

  sqlite::Database db_;
  sqlite::Checkpointer checkpointer_{db_};
  int long_log_pages_ = 1000;
  std::string copy_secret_;
  Duration counted_running_{0};     ///< of this process, already in meta.running_ms
  std::optional<Instant> started_;  ///< of this process, as its first view was told
};

}  // namespace evenkeel
