#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/model/report.h"
#include "common/sqlite/database.h"
#include "services/agent/core/age_clock.h"
#include "services/agent/core/command_book.h"
#include "services/agent/core/replica_table.h"

namespace evenkeel::agent {

struct Identity {
  std::string cluster;
  ServerId server;
  StorageId storage;
  Incarnation incarnation;
  Epoch epoch;
  std::string copy_key;   ///< 32 bytes; empty until the first welcome
  JournalNumber journal;  ///< last number given to an effect
};

struct ContentCheck {
  Checksum checksum;  ///< of the file that was looked at
  ReplicaFinding finding = ReplicaFinding::kOk;
  std::optional<AgeReading> checked;
  std::optional<Bytes> size;  ///< of that file, as it ought to be; none: an older program wrote it
};

/// What this storage is and what it did, over restarts: journal.db. What fails here throws
/// SqliteError and ends the process: the next start goes on from what was last committed.
class Journal {
 public:
  struct Owner {
    std::string cluster;
    ServerId server;
  };
  /// Opens or makes the file and raises the incarnation, durably. `fresh` is what a new storage is
  /// named. Throws std::runtime_error if the journal belongs to another cluster or server.
  Journal(const std::filesystem::path& file, const Owner& owner, StorageId fresh);

  const Identity& identity() const { return identity_; }
  CommandBook::Past past();
  std::map<ReplicaKey, ContentCheck> checks();
  std::optional<AgeMark> age_mark();
  /// The command that deleted this replica, or was about to.
  std::optional<CommandId> tombstone(const ReplicaKey& key);
  /// The number under which a client's replica was stored.
  std::optional<JournalNumber> stored(const ReplicaKey& key);

  /// Each durable when it returns. A lower one is a programming error.
  void raise_epoch(Epoch epoch);
  void raise_incarnation(Incarnation incarnation);
  void set_copy_key(const std::string& key);

  /// Effects that are committed together. Nothing has happened before commit() returned.
  class Batch {
   public:
    Batch(Journal& journal, Timestamp wall);
    /// The result with the number that it has from now on.
    CommandResult add(CommandResult result);
    JournalNumber add_stored(const ReplicaKey& key);
    void intend_delete(const ReplicaKey& key, CommandId command);
    void came(const ReplicaKey& key);  ///< it is there again: no tombstone any more
    void went(const ReplicaKey& key);  ///< what is known of it is no longer of use
    void checked(const ReplicaKey& key, const ContentCheck& check);
    void confirm(CommandId command);
    void forget(const std::vector<CommandId>& commands, CommandId watermark);
    void mark(const AgeMark& mark);
    void commit();

   private:
    JournalNumber next();
    Journal& journal_;
    Timestamp wall_;
    JournalNumber last_;
    sqlite::Transaction transaction_;
  };

  /// Copies SQLite's log back into the file when it has grown long. Between batches.
  void checkpoint() { db_.checkpoint_if_due(4000); }

 private:
  void load_or_make(const Owner& owner, StorageId fresh);

  sqlite::Database db_;
  Identity identity_;
};

}  // namespace evenkeel::agent
