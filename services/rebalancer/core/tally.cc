#include "services/rebalancer/core/tally.h"

#include <algorithm>

#include "services/rebalancer/core/mode.h"

namespace evenkeel {
namespace {

std::map<ChunkHealth, std::uint64_t> counts_of(const HealthBook& health) {
  std::map<ChunkHealth, std::uint64_t> counts;
  for (std::size_t i = 0; i < kChunkHealths; ++i) {
    const auto each = static_cast<ChunkHealth>(i);
    counts[each] = health.count(each);
  }
  return counts;
}

}  // namespace

Tally::Tally(const ClusterView& view, std::map<CommandKey, CommandCount> before, RiskTotals risk,
             Instant now)
    : commands_(std::move(before)), risk_(risk), advanced_(now) {
  // What was open when the last run ended may be closed by now.
  for (auto& [key, count] : commands_) {
    count.open = 0;
    count.open_bytes = Bytes(0);
    changed_.insert(key);
  }
  for (const auto& [id, command] : view.in_flight()) opened(command);
}

CommandCount& Tally::of(const CommandRecord& command) {
  const CommandKey key{command.kind, command.reason};
  changed_.insert(key);
  return commands_[key];
}

void Tally::opened(const CommandRecord& command) {
  CommandCount& count = of(command);
  ++count.open;
  count.open_bytes += command.size;
}

void Tally::closed(const CommandRecord& command, CommandEnd end) {
  CommandCount& count = of(command);
  EK_CHECK(count.open > 0);
  --count.open;
  count.open_bytes -= command.size;
  switch (end) {
    case CommandEnd::kDone:
      ++count.done;
      count.done_bytes += command.size;
      break;
    case CommandEnd::kFailed:
      ++count.failed;
      break;
    case CommandEnd::kRefused:
      ++count.refused;
      break;
    case CommandEnd::kSuperseded:
      ++count.superseded;
      break;
  }
}

void Tally::advance(const HealthBook& health, Instant now) {
  const auto ms = static_cast<std::uint64_t>((now - advanced_).count());
  advanced_ = now;
  risk_.lost_ms += each_ms_.lost_ms * ms;
  risk_.at_risk_ms += each_ms_.at_risk_ms * ms;
  risk_.below_goal_ms += each_ms_.below_goal_ms * ms;
  const std::uint64_t lost = health.count(ChunkHealth::kLost);
  const std::uint64_t at_risk = health.count(ChunkHealth::kAtRisk);
  each_ms_ = {lost, at_risk, lost + at_risk + health.count(ChunkHealth::kUnderReplicated)};
}

ClusterState state_of(const ClusterView& view, const HealthBook& health, const Tally& tally) {
  const ModeNow mode = mode_of(view);
  ClusterState state{.mode = to_string(mode.mode),
                     .why = mode.why,
                     .chunks = counts_of(health),
                     .some = {},
                     .unsorted = health.behind(),
                     .replicas = health.replicas(),
                     .risk = tally.risk()};
  for (const ChunkHealth each : kUnwell) {
    const auto which = health.which(each);
    auto& some = state.some[each];
    for (const ChunkSlot slot : which.first(std::min(which.size(), ClusterState::kNamed))) {
      some.push_back(view.table().id(slot));
    }
    std::sort(some.begin(), some.end());
  }
  return state;
}

Sample sample_of(const ClusterView& view, const HealthBook& health, const Tally& tally,
                 std::int64_t at_s) {
  Sample sample{.at_s = at_s, .chunks = counts_of(health), .risk = tally.risk()};
  for (const auto& [key, count] : tally.commands()) {
    sample.open_commands += count.open;
    sample.failed += count.failed + count.refused;
    if (key.first == CommandKind::kDelete) sample.deleted += count.done;
    if (key.first != CommandKind::kReplicate) continue;
    sample.open_bytes += count.open_bytes;
    sample.copied += count.done;
    sample.copied_bytes += count.done_bytes;
  }
  for (const auto& [id, slot] : view.servers()) {
    const Server& server = view.server(slot);
    if (server.admin == AdminState::kRemoved) continue;
    ++sample.servers;
    sample.servers_alive += server.member.liveness == Liveness::kAlive;
    if (server.member.liveness == Liveness::kDead) continue;
    sample.used += server.used;
    sample.capacity += server.member.capacity;
  }
  return sample;
}

}  // namespace evenkeel
