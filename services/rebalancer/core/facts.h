#pragma once
#include "services/rebalancer/core/cluster_view.h"
#include "services/rebalancer/core/event.h"
#include "services/rebalancer/core/limits.h"

namespace evenkeel {

/// What `event` makes true, as changes to `view`. Empty if it brings no news: a repeated event, or
/// one about an incarnation, storage or inventory older than the one we know. Repeats are normal,
/// since everything is delivered at least once.
Changes facts_of(const ClusterView& view, const Event& event, const Limits& limits, Instant now);

/// Whether an inventory that is offered with these numbers would be news, and safe to take in: a
/// report that was begun before effects we have acknowledged and since forgotten might undo them.
bool acceptable(const Server& server, const Inventory& header);

/// Some agent has seen an epoch or a command of ours that our database has not: it was restored, or
/// begun anew (S12). Goes above what was seen, and holds deletes until all have reported.
Changes of_being_behind(const ClusterView& view, Epoch seen, std::optional<CommandId> command,
                        const std::string& why);

/// Closes open copies to the server, which what was seen of the replica proves done: it counts for
/// more than what is said. Of deletes nothing seen proves that they will not be done later.
void close_proved(const ClusterView& view, ChunkSlot slot, ServerId server, const std::string& by,
                  Changes& changes);

// One function for each kind of event, for facts_of() only.
Changes of_member_changed(const ClusterView& view, const MemberChanged& event, const Limits& limits,
                          Instant now);
Changes of_members_listed(const ClusterView& view, const MembersListed& event, const Limits& limits,
                          Instant now);
Changes of_greeting(const ClusterView& view, const AgentGreeted& event, Instant now);
Changes of_inventory(const ClusterView& view, const InventoryRead& event, const Limits& limits);
Changes of_acknowledgement(const ClusterView& view, const CommandAcknowledged& event,
                           const Limits& limits, Instant now);
Changes of_stored(const ClusterView& view, const ChunksStored& event, Instant now);
Changes of_copy_after_all(const ClusterView& view, const CopyDoneAfterAll& event);
Changes of_time(const ClusterView& view, const Limits& limits, Instant now);

}  // namespace evenkeel
