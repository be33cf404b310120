#include "services/rebalancer/core/needless.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace evenkeel {
namespace {

/// Replicas that stay whatever happens to what is in flight, each on a host of its own.
int settled(const ClusterView& view, const Chunk& chunk) {
  std::vector<std::string_view> hosts;
  for (const Replica& replica : chunk.replicas) {
    const Server& server = view.server(replica.server);
    const bool stays = replica.state == ReplicaState::kValid && !replica.leaving &&
                       server.works() && server.admin == AdminState::kInService;
    const std::string_view host = server.member.location;
    if (stays && std::find(hosts.begin(), hosts.end(), host) == hosts.end()) hosts.push_back(host);
  }
  return static_cast<int>(hosts.size());
}

void end_needless(const ClusterView& view, ChunkSlot slot, Changes& changes) {
  const Chunk chunk = view.chunk(slot);
  if (settled(view, chunk) < chunk.goal) return;
  const ReplicaCount count = view.count(slot);
  int too_many = count.projected - count.awaited - chunk.goal;
  const auto commands = view.in_flight_of(slot);
  std::vector<CommandId> last_first(commands.begin(), commands.end());
  std::sort(last_first.rbegin(), last_first.rend());
  for (const CommandId id : last_first) {
    const CommandRecord* command = view.find(id);
    if (too_many <= 0) return;
    if (command->kind != CommandKind::kReplicate || command->drop) continue;
    changes.push_back(CommandClosed{id, CommandEnd::kSuperseded, "enough replicas are back"});
    --too_many;
  }
}

}  // namespace

Changes needless_copies(const ClusterView& view, const Limits& limits) {
  Changes changes;
  int examined = 0;
  for (const ChunkSlot slot : view.queue(Queue::kNeedless)) {
    if (++examined > limits.examined_per_turn) break;
    end_needless(view, slot, changes);
  }
  return changes;
}

}  // namespace evenkeel
