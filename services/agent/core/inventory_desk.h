#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "common/model/report.h"
#include "services/agent/core/backoff.h"
#include "services/agent/core/replica_table.h"

namespace evenkeel::agent {

/// Makes the reports of what the storage holds: one at a time, in parts, each part after the answer
/// to the one before. A full one when it is wanted; else what has changed without a command.
///
///     changed(key) whenever a replica comes, goes or is found otherwise without a command
///     begin(...) when idle() and there is something to say
///     next(now) -> send it; on_reply()
class InventoryDesk {
 public:
  static constexpr std::size_t kRowsPerPart = 4096;

  explicit InventoryDesk(AgentIdentity from, std::size_t rows_per_part = kRowsPerPart)
      : from_(from), rows_per_part_(rows_per_part) {}

  /// Who speaks from now on. A report under way under an older epoch or incarnation is dropped and
  /// a full one wanted: its numbers mean nothing any more.
  void identify(const AgentIdentity& from);
  /// A full one is wanted; one that is under way is given up, for it may be older than the wish.
  /// Gives the number that it will have.
  InventoryNumber want_full();
  void changed(const ReplicaKey& key) { changed_.insert(key); }

  bool idle() const { return parts_.empty(); }
  bool wants_full() const { return full_wanted_; }
  bool has_news() const { return full_wanted_ || (basis_ && !changed_.empty()); }

  /// Begins a report of what `table` holds now, full or not as the case may be. `journal`: the last
  /// number of the journal, all of whose effects `table` shows.
  void begin(const ReplicaTable& table, const AgeClock& ages, JournalNumber journal, Instant now);
  /// The part to send now: the next one, or the last one again if no answer has come for a while.
  std::optional<Inventory> next(Instant now);
  void on_reply(const InventoryReply& reply);

 private:
  void cut(Inventory whole);
  void tell_of_all_versions(const ReplicaTable& table);
  std::vector<ReportedReplica> rows_of(const ReplicaTable& table, const AgeClock& ages,
                                       Instant now) const;

  AgentIdentity from_;
  const std::size_t rows_per_part_;
  InventoryNumber last_{0};               // number of the last report begun, or promised
  std::optional<InventoryNumber> basis_;  // last report that arrived whole
  bool full_wanted_ = false;
  std::set<ReplicaKey> changed_;
  std::set<ReplicaKey> telling_;  // in the report under way; told again if that is given up
  std::vector<Inventory> parts_;  // of the report under way
  std::size_t at_ = 0;
  std::optional<Instant> again_at_;  // none: the part at at_ has not been sent
  Backoff backoff_{Duration(1'000), Duration(30'000)};
};

}  // namespace evenkeel::agent
