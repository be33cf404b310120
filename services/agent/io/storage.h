#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "common/base/time.h"
#include "common/reactor/work.h"
#include "services/agent/core/command_book.h"
#include "services/agent/core/inventory_desk.h"
#include "services/agent/core/replica_table.h"
#include "services/agent/core/space.h"
#include "services/agent/settings.h"
#include "services/agent/store/chunk_files.h"
#include "services/agent/store/journal.h"

namespace evenkeel::agent {

/// Everything that the agent knows of its directory, on the loop's thread: files, journal, the book
/// of commands, the table of replicas, space and trash. Its parts change together: what is on disk
/// and in the journal is in the table in the same turn.
class Storage {
 public:
  /// Opens the directory: locks it, raises the incarnation, empties tmp/, reads live/. Throws
  /// std::exception if it cannot be ours.
  Storage(Loop& loop, const Clock& clock, const std::string& cluster, ServerId server,
          const DirectorySettings& settings);

  const std::shared_ptr<const ChunkFiles>& files() const { return files_; }
  Journal& journal() { return journal_; }
  CommandBook& book() { return book_; }
  ReplicaTable& table() { return table_; }
  const ReplicaTable& table() const { return table_; }
  InventoryDesk& desk() { return desk_; }
  const AgeClock& ages() const { return ages_; }
  const Clock& clock() const { return clock_; }
  Instant now() const { return clock_.now(); }
  /// For what takes less time than to hand it to a thread: the files of small chunks.
  WorkGroup& small_work() { return small_work_; }

  AgentIdentity identity() const;
  /// Durable when it returns.
  void raise_epoch(Epoch epoch);
  void raise_incarnation(Incarnation incarnation);

  Space space() const;
  /// What is being written now.
  struct Writing {
    Bytes in_flight, written;
    FreeLately lately;
  };
  /// Room for a chunk that is being written; given back at its end. May outlive the storage: a
  /// thread of the pool may still have it when the agent ends.
  class Hold {
   public:
    Hold(std::shared_ptr<Writing> writing, Bytes size);
    ~Hold();
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    void wrote(Bytes bytes);

   private:
    std::shared_ptr<Writing> writing_;
    Bytes size_, written_;
  };
  /// Null: there is no room. Empties as much trash as is needed.
  std::unique_ptr<Hold> hold(Bytes size);

  /// Tells apart the files in tmp/ of puts, also from those of copies, which bear their command's
  /// id.
  std::uint64_t next_put() { return (std::uint64_t{1} << 63) + puts_++; }

  /// Whether an earlier run had begun this file in tmp/. It is the caller's from then on.
  bool claim_leftover(const std::filesystem::path& aside) { return leftovers_.erase(aside) > 0; }
  /// Removes those that no command is going to go on with. `wanted` is asked of each.
  void drop_leftovers(const std::function<bool(const std::filesystem::path&)>& wanted);

  /// Every block was read and matched just now.
  void found_whole(const ReplicaKey& key, const Checksum& checksum);
  /// Damage was found by a look that began at `since`. Nothing happens if it is no longer the same
  /// file, or another has taken its place or was read whole in the meantime.
  void found_bad(const ReplicaKey& key, const Checksum& checksum, ReplicaFinding finding,
                 AgeReading since);
  AgeReading age_now() const { return ages_.reading(now()); }
  /// A replica is no longer in live/, though nobody ordered that.
  void lost(const ReplicaKey& key, const Checksum& checksum);
  /// A replica is in live/ that came by no command.
  void appeared(const ReplicaKey& key, const Replica& replica);
  /// Writes what was found, and the clock of ages, into a batch that is being committed anyway.
  void write_findings(Journal::Batch& batch);
  bool has_findings() const { return !findings_.empty(); }
  /// The clock of ages has not been written down for a while.
  bool mark_due() const { return now() - marked_ >= std::chrono::minutes(1); }

  void trashed(const ChunkContent& content, Timestamp when);
  /// Removes what has been in the trash for long enough.
  void empty_old_trash();

 private:
  bool note_finding(const ReplicaKey& key, ReplicaFinding finding);  // whether it is news
  void tell_finding(const ReplicaKey& key);

  void load_table();
  void remove_oldest_trash();
  Space space(Bytes disk_free) const;

  const Clock& clock_;
  const DirectorySettings settings_;
  std::shared_ptr<const ChunkFiles> files_;
  std::set<std::filesystem::path> leftovers_;  // files in tmp/ that an earlier run had begun
  Journal journal_;
  AgeClock ages_;
  CommandBook book_;
  ReplicaTable table_;
  InventoryDesk desk_;
  Bytes capacity_, reserve_;
  std::shared_ptr<Writing> writing_ = std::make_shared<Writing>();
  std::deque<TrashFile> trash_;
  Bytes trash_bytes_;
  std::map<ReplicaKey, Checksum> findings_;  // of which files something is not yet in the journal
  Instant marked_{};                         // when the clock of ages was last written down
  std::uint64_t puts_ = 0;
  Work work_;
  WorkGroup small_work_;  // last: what waits in it may refer to the rest
};

}  // namespace evenkeel::agent
