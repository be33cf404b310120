#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "services/rebalancer/core/cluster_view.h"
#include "services/rebalancer/core/health.h"

namespace evenkeel {

using CommandKey = std::pair<CommandKind, Reason>;

/// Commands of one kind and reason: under way now, and how they ended in all runs.
struct CommandCount {
  std::uint64_t open = 0;
  Bytes open_bytes;
  std::uint64_t done = 0;
  Bytes done_bytes;
  std::uint64_t failed = 0, refused = 0, superseded = 0;
};

/// How many chunks there were in each danger, times how long, in all runs.
struct RiskTotals {
  std::uint64_t lost_ms = 0;
  std::uint64_t at_risk_ms = 0;
  std::uint64_t below_goal_ms = 0;  ///< lost ones and those at risk included
};

/// Adds up what the view forgets: how commands ended, and for how long chunks were in danger.
class Tally {
 public:
  /// `before`: how commands ended before this run. What is open is counted in the view.
  Tally(const ClusterView& view, std::map<CommandKey, CommandCount> before, RiskTotals risk,
        Instant now);

  void opened(const CommandRecord& command);
  void closed(const CommandRecord& command, CommandEnd end);
  /// From the last call to now chunks were as that call saw them; from now on they are as `health`
  /// has them. To be called with each commit, once all that it changes is known.
  void advance(const HealthBook& health, Instant now);

  const std::map<CommandKey, CommandCount>& commands() const { return commands_; }
  const RiskTotals& risk() const { return risk_; }
  /// Those whose counts are others since this was last asked.
  std::set<CommandKey> take_changed() { return std::exchange(changed_, {}); }

 private:
  CommandCount& of(const CommandRecord& command);

  std::map<CommandKey, CommandCount> commands_;
  std::set<CommandKey> changed_;
  RiskTotals risk_;
  RiskTotals each_ms_;  ///< what a millisecond adds
  Instant advanced_;
};

/// What is told of the whole cluster, all at one moment.
struct ClusterState {
  /// Chunks of each kind that are named at most: as many as `evenkeel chunks` shows, and one more,
  /// so that it need not look through all replicas for them.
  static constexpr std::size_t kNamed = 101;

  std::string mode, why;
  std::map<ChunkHealth, std::uint64_t> chunks;  ///< all kinds
  std::map<ChunkHealth, std::vector<ChunkId>> some;
  std::uint64_t unsorted = 0;
  std::uint64_t replicas = 0;
  RiskTotals risk;
};
ClusterState state_of(const ClusterView& view, const HealthBook& health, const Tally& tally);

/// What is kept of a moment, to be looked back at.
struct Sample {
  std::int64_t at_s = 0;  ///< wall clock, by the start of its stretch
  std::map<ChunkHealth, std::uint64_t> chunks;
  RiskTotals risk;
  std::uint64_t open_commands = 0, copied = 0, deleted = 0, failed = 0;
  Bytes open_bytes, copied_bytes;
  std::uint64_t servers = 0, servers_alive = 0;
  Bytes used, capacity;  ///< of servers that are not dead
};
Sample sample_of(const ClusterView& view, const HealthBook& health, const Tally& tally,
                 std::int64_t at_s);

}  // namespace evenkeel
