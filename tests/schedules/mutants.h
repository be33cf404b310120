#pragma once
#include <array>
#include <string_view>

namespace evenkeel::schedules {

/// All that are planted (common/base/mutant.h) for these schedules. Who deletes without a look at
/// the evidence (evidence_not_looked_at) does no harm where the rebalancer is ours, which orders
/// none that lacks it: tests/rogue has another one.
inline constexpr std::array kMutants = std::to_array<std::string_view>({
    "expire_pending_delete",
    "old_backup_accepted",
    "failover_forgets_inflight",
    "no_verify_in_epoch",
    "enospc_acked_ok",
    "agent_ignores_epoch",
    "commands_not_bound_to_storage",
    "no_command_dedup",
    "no_fence",
    "effect_before_it_is_endorsed",
    "result_said_once",
    "copy_without_checksum",
    "verify_does_not_look",
    "old_inventory_accepted",
    "inventory_no_watermark",
    "inventory_older_than_ack",
    "count_stale_as_good",
    "other_bytes_are_damage",
    "verified_once_forever",
    "freshness_measured_at_ack_arrival",
    "failed_copy_counted_good",
    "delete_without_version_guard",
    "membership_gap_ignored",
    "returned_agent_trusted",
    "command_id_reused_after_restore",
    "no_sync_of_files",
    "no_sync_of_folders",
    "no_sync_at_start",
    "no_sync_of_databases",
    "superseded_writes_on",
    "old_puts_given_up_after_restore",
    "sent_is_forgotten",
    "book_forgets_the_past",
    "epoch_not_durable",
    "copy_after_all_unknown",
    "unreadable_for_ever",
    "scrub_finds_nothing",
    "vanished_not_noticed",
    "delta_lost",
    "move_onto_holder",
    "manifest_moved_last",
    "epoch_raised_while_files_move",
    "never_balanced",
    "heartbeat_is_always_news",
    "cut_short_unnoticed",
});

}  // namespace evenkeel::schedules
