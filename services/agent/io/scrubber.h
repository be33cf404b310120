#pragma once
#include <deque>
#include <memory>
#include <set>

#include "common/reactor/work.h"
#include "services/agent/core/rate_limit.h"
#include "services/agent/io/storage.h"
#include "services/agent/store/chunk_reader.h"

namespace evenkeel::agent {

/// Reads every replica now and then, slowly, so that bytes that have gone bad are found while there
/// are others to copy from. Those that were never read come first, then those read longest ago.
class Scrubber {
 public:
  Scrubber(Loop& loop, Storage& storage, const ScrubSettings& settings);

  /// Of this run: what it read, and the replicas in which it found fault.
  struct Counts {
    Bytes read;
    std::uint64_t faults = 0;
  };
  const Counts& counts() const { return counts_; }

 private:
  void step();
  bool worth_reading(const ReplicaKey& key, const Replica& replica) const;
  bool find_next();
  void make_round();
  void read_on();
  void have(std::uint64_t bytes, const std::optional<DiskFault>& fault);
  void finish(const std::optional<DiskFault>& fault);

  Storage& storage_;
  const ScrubSettings settings_;
  std::set<ReplicaKey> bad_before_;  // found by an earlier run, and not read in this one
  RateLimit limit_;
  std::deque<ReplicaKey> round_;
  Instant next_round_{};
  std::optional<ChunkContent> content_;  // being read
  AgeReading since_{};
  std::shared_ptr<const ChunkReader> reader_;
  std::uint64_t block_ = 0;
  bool reading_ = false;
  Counts counts_;
  Work work_;
  Timer timer_;
};

}  // namespace evenkeel::agent
