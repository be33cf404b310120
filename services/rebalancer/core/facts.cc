#include "services/rebalancer/core/facts.h"

#include "common/base/overloaded.h"
#include "services/rebalancer/core/admin.h"
#include "services/rebalancer/core/mode.h"
#include "services/rebalancer/core/patience.h"

namespace evenkeel {

namespace {

/// Every server that membership has ever told of, the dead ones included, but for those that were
/// removed: what one that is away holds might be what a delete would lean against.
bool all_have_reported(const ClusterView& view) {
  for (const auto& [id, slot] : view.servers()) {
    const Server& server = view.server(slot);
    if (server.admin != AdminState::kRemoved && server.standing != Standing::kReported)
      return false;
  }
  return view.server_slots() > 0;
}

}  // namespace

Changes of_stored(const ClusterView& view, const ChunksStored& event, Instant now) {
  Changes changes;
  for (const auto& item : event.items) {
    const auto chunk = view.find(item.chunk);
    const Server* server = view.find(item.server);
    if (!chunk || !server || server->member.storage != item.storage) continue;
    if (server->admin == AdminState::kRemoved) continue;
    // A receipt may come again, long after: the replica may have been moved since.
    if (chunk->life != ChunkLife::kCreating) continue;
    if (server->has_told_since(item.chunk, item.journal)) continue;
    if (view.replica(*chunk, item.server)) continue;
    changes.push_back(
        ReplicaAdded{item.chunk, item.server, ReplicaState::kValid, chunk->version, item.journal});
    changes.push_back(ReplicaVouched{item.chunk, item.server, std::nullopt,
                                     now});  // stored with every block checked
  }
  return changes;
}

Changes of_time(const ClusterView& view, const Limits& limits, Instant now) {
  Changes changes;
  if (view.in_safe_mode() && view.synced() && safe_mode_over(view, limits, now)) {
    changes.push_back(SafeModeLeft{});
    changes.push_back(Noted{"mode", "rebalancer", "safe mode left"});
  }
  if (view.deletes_held() && view.synced() && all_have_reported(view)) {
    changes.push_back(DeletesHeld{std::nullopt});
    changes.push_back(Noted{"mode", "rebalancer",
                            "deletes are released: every server that is known has reported"});
  }
  end_awaiting(view, now, changes);
  for (const auto& [until, slot] : view.aside()) {
    if (until > now) break;
    changes.push_back(ChunkResumed{view.chunk(slot).id});
  }
  for (Change& change : of_admin_states(view, now)) changes.push_back(std::move(change));
  return changes;
}

Changes facts_of(const ClusterView& view, const Event& event, const Limits& limits, Instant now) {
  return std::visit(
      Overloaded{
          [&](const MemberChanged& e) { return of_member_changed(view, e, limits, now); },
          [&](const MembersListed& e) { return of_members_listed(view, e, limits, now); },
          [&](const MembershipUnsure& e) {
            if (!view.synced()) return Changes{};
            return Changes{SyncChanged{false}, Noted{"mode", "membership", "unsure: " + e.why}};
          },
          [&](const AgentGreeted& e) { return of_greeting(view, e, now); },
          [&](const InventoryRead& e) { return of_inventory(view, e, limits); },
          [&](const CommandAcknowledged& e) { return of_acknowledgement(view, e, limits, now); },
          [&](const JournalAcknowledged& e) {
            const Server* server = view.find(e.server);
            if (!server || server->member.storage != e.storage) return Changes{};
            if (server->acked_journal >= e.journal) return Changes{};
            return Changes{ServerAcked{e.server, e.journal}};
          },
          [&](const ChunksStored& e) { return of_stored(view, e, now); },
          [&](const TimePassed&) { return of_time(view, limits, now); },
          [&](const CopyDoneAfterAll& e) { return of_copy_after_all(view, e); },
      },
      event);
}

}  // namespace evenkeel
