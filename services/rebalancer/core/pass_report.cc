#include <algorithm>

#include "services/rebalancer/core/draft.h"
#include "services/rebalancer/core/planner.h"

namespace evenkeel {
namespace {

constexpr Duration kAskAgainAfter = 10s;

/// An agent tells all it holds when it first meets a rebalancer. One that was cut off and taken for
/// dead meanwhile does not know of that, and has to be asked.
bool to_be_asked(const Draft& draft, const Server& server) {
  if (server.member.liveness != Liveness::kAlive) return false;
  if (server.standing == Standing::kReported || server.admin == AdminState::kRemoved) return false;
  const Instant since = server.inventory_asked.value_or(
      server.standing == Standing::kRegistering ? Instant::min() : draft.view().started());
  return since == Instant::min() || draft.now() - since > kAskAgainAfter;
}

bool is_being_asked(const ClusterView& view, const Server& server) {
  return std::any_of(server.orders.begin(), server.orders.end(),
                     [&](CommandId id) { return view.find(id)->kind == CommandKind::kReport; });
}

/// One a turn, and it may take its time: nothing waits for it.
void ask_one_again(Draft& draft) {
  const ClusterView& view = draft.view();
  const auto& wanted = view.inventories_wanted();
  if (wanted.empty() || wanted.begin()->first > draft.now()) return;
  const ServerSlot slot = wanted.begin()->second;
  const Server& server = view.server(slot);
  const bool ask = server.works() && !is_being_asked(view, server);
  draft.report_again(slot, ask, draft.now() + kAskAgainAfter);
}

}  // namespace

void report(Draft& draft) {
  const ClusterView& view = draft.view();
  ask_one_again(draft);
  if (view.unreported() == 0) return;
  for (ServerSlot slot = 0; slot < view.server_slots(); ++slot) {
    const Server& server = view.server(slot);
    if (!to_be_asked(draft, server) || is_being_asked(view, server)) continue;
    draft.report(slot, "it has not said what it holds");
  }
}

}  // namespace evenkeel
