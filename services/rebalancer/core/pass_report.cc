#include <algorithm>

#include "services/rebalancer/core/draft.h"
#include "services/rebalancer/core/planner.h"

namespace evenkeel {
namespace {

/// An agent tells all it holds when it first meets a rebalancer. One that was cut off and taken for
/// dead meanwhile does not know of that, and has to be asked.
bool to_be_asked(const Draft& draft, const Server& server) {
  constexpr Duration kAskAgainAfter = 10s;
  if (server.member.liveness != Liveness::kAlive) return false;
  if (server.standing == Standing::kReported || server.admin == AdminState::kRemoved) return false;
  const Instant since = server.inventory_asked.value_or(
      server.standing == Standing::kRegistering ? Instant::min() : draft.view().started());
  return since == Instant::min() || draft.now() - since > kAskAgainAfter;
}

}  // namespace

void report(Draft& draft) {
  const ClusterView& view = draft.view();
  if (view.unreported() == 0) return;
  for (ServerSlot slot = 0; slot < view.server_slots(); ++slot) {
    const Server& server = view.server(slot);
    if (!to_be_asked(draft, server)) continue;
    const bool open = std::any_of(server.orders.begin(), server.orders.end(), [&](CommandId id) {
      return view.find(id)->kind == CommandKind::kReport;
    });
    if (!open) draft.report(slot, "it has not said what it holds");
  }
}

}  // namespace evenkeel
