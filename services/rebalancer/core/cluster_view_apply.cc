// ClusterView, the part that changes it: one on() for each kind of change.
#include <algorithm>

#include "common/base/check.h"
#include "common/base/mutant.h"
#include "services/rebalancer/core/cluster_view.h"

namespace evenkeel {
/// A kind of change that has no on() does not compile.
void ClusterView::apply(const Change& change) {
  ++revision_;
  std::visit([this](const auto& kind) { on(kind); }, change);
}

/// There may be room, or a source, that was not there before. What waits for its time alone, such
/// as a chunk that was deleted by its owner, goes on waiting.
void ClusterView::resume_live_chunks() {
  std::vector<ChunkSlot> live;
  for (const auto& [slot, aside] : aside_) {
    if (chunks_.life(slot) == ChunkLife::kLive) live.push_back(slot);
  }
  for (const ChunkSlot slot : live) {
    unaside(slot);
    refresh(slot);
  }
}

std::vector<ServerId> ClusterView::promised(ChunkId chunk) const {
  std::vector<ServerId> servers;
  const auto slot = slot_of(chunk);
  const auto found = slot ? promises_.find(*slot) : promises_.end();
  if (found == promises_.end()) return servers;
  for (const ServerSlot server : found->second) servers.push_back(servers_[server].id());
  return servers;
}

/// It is there now, or with no server: nothing more is expected of any.
void ClusterView::keep_promise(ChunkSlot slot, std::optional<ServerSlot> server) {
  const auto found = promises_.find(slot);
  if (found == promises_.end()) return;
  std::erase_if(found->second, [&](ServerSlot promised) {
    const bool kept = !server || promised == *server;
    if (kept) servers_[promised].promised -= chunks_.bytes(slot);
    return kept;
  });
  if (found->second.empty()) promises_.erase(found);
}

void ClusterView::drop_replica(ChunkSlot slot, ServerSlot server_slot) {
  Server& server = servers_[server_slot];
  const PackedReplica* gone = mutable_replica(slot, server_slot);
  EK_CHECK(gone != nullptr);
  const Bytes size = chunks_.bytes(slot);
  server.used -= size;
  if (gone->leaving()) server.leaving -= size;
  EK_CHECK(server.chunks.erase(slot));
  chunks_.remove_replica(slot, server_slot);
  if (!presence_.empty()) presence_.erase(key(slot, server_slot));
  if (!stale_versions_.empty()) stale_versions_.erase(key(slot, server_slot));
}

void ClusterView::hold(ChunkSlot slot, ServerSlot server_slot, ReplicaState state) {
  EK_CHECK(mutable_replica(slot, server_slot) == nullptr);
  chunks_.add_replica(slot, PackedReplica(server_slot, state));
  if (loading_) return;  // all at once in the end
  Server& server = servers_[server_slot];
  server.chunks.insert(slot);
  server.used += chunks_.bytes(slot);
}

void ClusterView::settle(ChunkSlot chunk, ServerSlot from, ServerSlot to) {
  ++revision_;
  drop_replica(chunk, from);
  hold(chunk, to, ReplicaState::kValid);
  refresh(chunk);
}

void ClusterView::note_time(Instant now) {
  if (content_clock_.advance(now)) return;
  for (ChunkSlot slot = 0; slot < chunks_.size(); ++slot) {
    for (PackedReplica& replica : chunks_.replicas(slot)) {
      replica.set_content(ContentClock::kNever);
    }
  }
}

/// A part of all chunks at a time, so that all have been looked at within half a day of calls that
/// come every minute, and none holds up what else there is to do.
void ClusterView::forget_old_checks() {
  const std::size_t some = chunks_.size() / 720 + 1;
  for (std::size_t i = 0; i < some && chunks_.size() > 0; ++i) {
    if (checks_looked_at_ >= chunks_.size()) checks_looked_at_ = 0;
    for (PackedReplica& replica : chunks_.replicas(checks_looked_at_)) {
      if (content_clock_.is_old(replica.content())) replica.set_content(ContentClock::kNever);
    }
    ++checks_looked_at_;
  }
}

void ClusterView::set_standing(ServerSlot slot, Standing standing) {
  if (servers_[slot].standing == standing) return;
  servers_[slot].standing = standing;
  if (standing != Standing::kReported) servers_[slot].inventory.reset();
  derive(slot);
}

void ClusterView::update_server(const Member& member) {
  const ServerSlot slot = server_by_id_.at(member.server);
  Server& server = servers_[slot];
  const bool counted = server.counts();
  const bool another_run = member.incarnation != server.member.incarnation;
  const bool moved = member.location != server.member.location;
  const bool relabelled = policies_.set_labels(slot, member.labels);
  server.member = member;
  if (another_run) server.inventory_number = InventoryNumber(0);  // numbered anew
  if (member.liveness == Liveness::kDead) {
    if (!EK_MUTANT(returned_agent_trusted)) set_standing(slot, Standing::kRegistering);
    server.inventory_asked.reset();
  }
  derive(slot);
  if (counted != server.counts() || moved || relabelled) refresh_chunks_of(slot);
  if (relabelled) resume_live_chunks();
}

void ClusterView::on_command(const CommandRecord& command, bool opened) {
  Server& server = at(command.server);
  const int step = opened ? 1 : -1;
  opened ? void(server.orders.insert(command.id)) : void(server.orders.erase(command.id));
  if (command.kind != CommandKind::kReplicate) {
    server.checks += step;
    return;
  }
  server.copies_in += step;
  opened ? server.incoming += command.size : server.incoming -= command.size;
  if (!command.source) return;
  if (opened) meter(command);
  Server& source = at(*command.source);
  source.copies_out += step;
  opened ? source.bytes_out += command.size : source.bytes_out -= command.size;
}

void ClusterView::meter(const CommandRecord& command) {
  if (!metering_.any() || !command.issued) return;
  const ServerSlot source = *slot_of(*command.source), target = *slot_of(command.server);
  const bool repair = command.reason == Reason::kRepair;
  metering_.spend({.source = source,
                   .target = target,
                   .source_rack = place(source).rack,
                   .target_rack = place(target).rack,
                   .size = command.size,
                   .urgency = repair ? Urgency::kRepair : Urgency::kBackground},
                  *command.issued);
}

void ClusterView::remember_version(ChunkSlot chunk, ServerSlot server, ReplicaState state,
                                   ChunkVersion version) {
  if (state == ReplicaState::kStale) {
    stale_versions_.insert_or_assign(key(chunk, server), version);
  } else if (!stale_versions_.empty()) {
    stale_versions_.erase(key(chunk, server));
  }
}

void ClusterView::on(const EpochRaised& c) {
  EK_CHECK(c.epoch > epoch_);
  epoch_ = c.epoch;
  if (EK_MUTANT(no_verify_in_epoch)) return;
  presence_.clear();
  for (ServerSlot s = 0; s < servers_.size(); ++s) {
    const bool back = servers_[s].standing == Standing::kRegistering;
    set_standing(s, back ? Standing::kRegistering : Standing::kPresumed);
  }
}

void ClusterView::on(const CommandFloorRaised& c) {
  if (EK_MUTANT(command_id_reused_after_restore)) return;
  next_command_ = std::max(next_command_, c.floor);
}

void ClusterView::on(const DeletesHeld& c) {
  deletes_held_ = c.why;
}

void ClusterView::on(const MembershipHeard& c) {
  stream_ = c.stream;
  stream_number_ = c.number;
}

void ClusterView::on(const SyncChanged& c) {
  synced_ = c.synced;
}

void ClusterView::on(const SafeModeLeft&) {
  in_safe_mode_ = false;
}

void ClusterView::on(const ServerAdded& c) {
  Server server{.member = c.member};
  server.standing = Standing::kRegistering;
  load_server(std::move(server));
}

void ClusterView::on(const ServerUpdated& c) {
  update_server(c.member);
}

void ClusterView::on(const ServerReplaced& c) {
  const ServerSlot slot = server_by_id_.at(c.member.server);
  const auto& chunks = servers_[slot].chunks;
  for (const ChunkSlot chunk : std::vector<ChunkSlot>(chunks.begin(), chunks.end())) {
    drop_replica(chunk, slot);
    refresh(chunk);
  }
  Server& server = servers_[slot];
  server.effects.clear();
  want_inventory(slot, std::nullopt);
  server.fenced = Epoch(0);
  server.acked_journal = server.report_journal = server.report_floor = JournalNumber(0);
  server.inventory_number = InventoryNumber(0);
  end_absence(server);
  set_standing(slot, Standing::kRegistering);
  server_by_storage_.erase(server.member.storage);
  server_by_storage_.emplace(c.member.storage, slot);
  server.member = c.member;
  if (policies_.set_labels(slot, c.member.labels)) resume_live_chunks();
  derive(slot);
}

void ClusterView::on(const ServerFenced& c) {
  at(c.server).fenced = c.epoch;
}

void ClusterView::on(const ServerAcked& c) {
  Server& server = at(c.server);
  server.acked_journal = std::max(server.acked_journal, c.journal);
}

void ClusterView::on(const ServerReported& c) {
  const ServerSlot slot = server_by_id_.at(c.server);
  Server& server = servers_[slot];
  const bool counted = server.counts();
  server.inventory_number = c.number;
  server.report_journal = c.journal;
  std::erase_if(server.effects, [&](const auto& e) { return e.second <= c.journal; });
  set_standing(slot, Standing::kReported);
  want_inventory(slot, std::nullopt);
  server.inventory_asked.reset();
  server.inventory = Voucher{Holder::VouchedBy::kInventory, c.number.value(), c.asked};
  end_absence(server);
  derive(slot);
  if (counted != server.counts()) refresh_chunks_of(slot);
  resume_live_chunks();
}

void ClusterView::on(const InventoryTaken& c) {
  at(c.server).inventory_number = c.number;
}

void ClusterView::on(const InventoryAsked& c) {
  at(c.server).inventory_asked = c.at;
}

void ClusterView::on(const InventoryWanted& c) {
  want_inventory(server_by_id_.at(c.server), c.after);
}

void ClusterView::want_inventory(ServerSlot slot, std::optional<Instant> after) {
  auto& wanted = servers_[slot].inventory_wanted;
  if (wanted) inventories_wanted_.erase({*wanted, slot});
  wanted = after;
  if (wanted) inventories_wanted_.emplace(*wanted, slot);
}

/// Effects are forgotten with the next full inventory. On a server that nothing befalls there is
/// none for months: then it is wanted once they are many, beside what it would list.
void ClusterView::remember_effect(ServerSlot slot, ChunkId chunk, JournalNumber journal) {
  constexpr std::size_t kFew = 500;
  Server& server = servers_[slot];
  if (journal <= server.report_journal) return;
  server.effects.insert_or_assign(chunk, journal);
  const bool many = server.effects.size() > kFew + server.chunks.size() / 2;
  if (many && !server.inventory_wanted) want_inventory(slot, Instant::min());
}

void ClusterView::on(const ServerFull& c) {
  at(c.server).full_until = c.until;
}

void ClusterView::on(const ChunkAdded& c) {
  const ChunkSlot slot = chunks_.add(c.content, c.goal, c.life);
  chunks_.set_policy(slot, c.policy);
  refresh(slot);
}

void ClusterView::on(const ChunkRaised& c) {
  const ChunkSlot slot = slot_at(c.content.chunk);
  const ChunkContent before = chunks_.content(slot);
  EK_CHECK(c.content.version > before.version);
  keep_promise(slot, std::nullopt);
  resize(slot, before.size, c.content.size);
  for (PackedReplica& replica : chunks_.replicas(slot)) {
    if (replica.state() != ReplicaState::kStale) {
      remember_version(slot, replica.server(), ReplicaState::kStale, before.version);
    }
    replica.set_state(ReplicaState::kStale);
  }
  chunks_.set_content(slot, c.content);
  refresh(slot);
}

void ClusterView::on(const ChunkResized& c) {
  const ChunkSlot slot = slot_at(c.chunk);
  ChunkContent content = chunks_.content(slot);
  keep_promise(slot, std::nullopt);
  resize(slot, content.size, c.size);
  content.size = c.size;
  chunks_.set_content(slot, content);
  refresh(slot);
}

void ClusterView::resize(ChunkSlot slot, Bytes from, Bytes to) {
  for (const PackedReplica replica : chunks_.replicas(slot)) {
    Server& server = servers_[replica.server()];
    server.used = server.used - from + to;
    if (replica.leaving()) server.leaving = server.leaving - from + to;
  }
}

void ClusterView::on(const ChunkPromised& c) {
  const ChunkSlot slot = slot_at(c.chunk);
  keep_promise(slot, std::nullopt);
  for (const ServerId server : c.servers) {
    promises_[slot].push_back(server_by_id_.at(server));
    at(server).promised += chunks_.bytes(slot);
  }
}

void ClusterView::on(const ChunkPublished& c) {
  const ChunkSlot slot = slot_at(c.chunk);
  keep_promise(slot, std::nullopt);
  chunks_.set_life(slot, ChunkLife::kLive);
  refresh(slot);
}

void ClusterView::on(const ChunkRetired& c) {
  const ChunkSlot slot = slot_at(c.chunk);
  keep_promise(slot, std::nullopt);
  chunks_.set_life(slot, ChunkLife::kRetired);
  chunks_.set_policy(slot, kDefaultPolicy);
  refresh(slot);
}

void ClusterView::on(const ChunkSequence& c) {
  next_chunk_ = c.next;
}

void ClusterView::on(const ChunkSetAside& c) {
  const ChunkSlot slot = slot_at(c.chunk);
  unaside(slot);
  aside_.emplace(slot, Aside{c.until, count(slot).valid});
  aside_by_time_.emplace(c.until, slot);
  chunks_.set_aside(slot, true);
  refresh(slot);
}

void ClusterView::on(const ChunkResumed& c) {
  const ChunkSlot slot = slot_at(c.chunk);
  unaside(slot);
  refresh(slot);
}

void ClusterView::on(const ReplicaAdded& c) {
  const ChunkSlot slot = slot_at(c.chunk);
  const ServerSlot server_slot = server_by_id_.at(c.server);
  hold(slot, server_slot, c.state);
  remember_version(slot, server_slot, c.state, c.version);
  keep_promise(slot, server_slot);
  remember_effect(server_slot, c.chunk, c.journal);
  refresh(slot);
}

void ClusterView::on(const ReplicaChanged& c) {
  const ChunkSlot slot = slot_at(c.chunk);
  const ServerSlot server = server_by_id_.at(c.server);
  PackedReplica* replica = mutable_replica(slot, server);
  EK_CHECK(replica != nullptr);
  replica->set_state(c.state);
  remember_version(slot, server, c.state, c.version);
  remember_effect(server, c.chunk, c.journal);
  refresh(slot);
}

void ClusterView::on(const ReplicaLost& c) {
  const ChunkSlot slot = slot_at(c.chunk);
  const ServerSlot server = server_by_id_.at(c.server);
  if (mutable_replica(slot, server)) drop_replica(slot, server);
  remember_effect(server, c.chunk, c.journal);
  refresh(slot);
}

void ClusterView::on(const ReplicaVouched& c) {
  const ChunkSlot slot = slot_at(c.chunk);
  const ServerSlot server = server_by_id_.at(c.server);
  if (c.presence) {
    presence_.insert_or_assign(key(slot, server), *c.presence);
    note_time(c.presence->asked);
  }
  PackedReplica* replica = mutable_replica(slot, server);
  EK_CHECK(replica != nullptr);
  if (!c.content) return;
  note_time(*c.content);
  const auto known = content_clock_.time(replica->content());
  if (!known || *known < *c.content) replica->set_content(content_clock_.code(*c.content));
}

void ClusterView::on(const VouchersExpired& c) {
  std::erase_if(presence_, [&](const auto& e) { return e.second.asked < c.before; });
  note_time(c.before);
  forget_old_checks();
}

void ClusterView::on(const CommandIssued& c) {
  next_command_ = std::max(next_command_, CommandId(c.command.id.value() + 1));
  EK_CHECK(in_flight_.emplace(c.command.id, c.command).second);
  on_command(c.command, true);
  if (!c.command.chunk) return;
  const ChunkSlot slot = slot_at(*c.command.chunk);
  in_flight_of_[slot].push_back(c.command.id);
  chunks_.set_busy(slot, true);
  refresh(slot);
}

void ClusterView::on(const CommandClosed& c) {
  const auto found = in_flight_.find(c.command);
  EK_CHECK(found != in_flight_.end());
  const CommandRecord command = std::move(found->second);
  in_flight_.erase(found);
  on_command(command, false);
  if (!command.chunk) return;
  const ChunkSlot slot = slot_at(*command.chunk);
  auto& of_chunk = in_flight_of_.at(slot);
  std::erase(of_chunk, c.command);
  if (of_chunk.empty()) {
    in_flight_of_.erase(slot);
    chunks_.set_busy(slot, false);
  }
  refresh(slot);
}

void ClusterView::on(const FileOpened& c) {
  next_file_ = FileId(c.file.value() + 1);
}

void ClusterView::on(const FilePlaced&) {}

void ClusterView::on(const FileCompleted&) {}

void ClusterView::on(const FileRemoved&) {}

void ClusterView::on(const Noted&) {
  last_event_ = last_event_.next();
}

void ClusterView::on(const TurnBegun& c) {
  may_sort_ = c.sort_at_most;
  sort_some();
}

void ClusterView::end_absence(Server& server) {
  server.awaited_until.reset();
  server.gone_since.reset();
  server.gone_excused = false;
  gone_.erase(server.id());
}

void ClusterView::on(const ServerAwaited& c) {
  const ServerSlot slot = server_by_id_.at(c.server);
  const bool before = servers_[slot].awaited_until.has_value();
  servers_[slot].awaited_until = c.until;
  derive(slot);
  if (before != c.until.has_value() && !counts(slot)) refresh_chunks_of(slot);
}

void ClusterView::on(const ServerGone& c) {
  Server& server = at(c.server);
  server.gone_since = c.since;
  server.gone_excused = c.excused;
  if (c.since) {
    gone_.insert(c.server);
  } else {
    gone_.erase(c.server);
  }
}

void ClusterView::on(const BrakeSet& c) {
  braked_ = c.why;
}

void ClusterView::on(const ServerAdminSet& c) {
  const ServerSlot slot = server_by_id_.at(c.server);
  Server& server = servers_[slot];
  server.admin = c.admin;
  server.after_drain = c.after;
  server.maintenance_until = c.maintenance_until;
  derive(slot);
  refresh_chunks_of(slot);
  resume_live_chunks();
}

void ClusterView::on(const PassPaused& c) {
  const std::uint32_t bit = 1u << static_cast<unsigned>(c.pass);
  paused_ = c.paused ? paused_ | bit : paused_ & ~bit;
}

void ClusterView::on(const PolicySet& c) {
  const Policy* before = policies_.find(c.policy.id);
  const bool as_before = before && before->spread == c.policy.spread &&
                         before->required == c.policy.required &&
                         before->preferred == c.policy.preferred;
  policies_.set(c.policy);
  if (as_before || loading_) return;
  refresh_chunks_under(c.policy.id);
  resume_live_chunks();
}

void ClusterView::on(const PolicyRemoved& c) {
  policies_.remove(c.policy);
}

void ClusterView::on(const ChunkPolicySet& c) {
  const ChunkSlot slot = slot_at(c.chunk);
  chunks_.set_policy(slot, c.policy);
  chunks_.set_goal(slot, c.goal);
  if (chunks_.life(slot) == ChunkLife::kLive) unaside(slot);
  refresh(slot);
}

void ClusterView::on(const FileGoalSet&) {}

void ClusterView::on(const ProposalMade&) {}

void ClusterView::on(const ProposalDecided&) {}

void ClusterView::on(const FilePolicySet&) {}

void ClusterView::on(const ServerPaced& c) {
  at(c.server).window = c.window;
}

void ClusterView::on(const LogHeld& c) {
  log_held_ = c.why;
}

void ClusterView::on(const BudgetsSet& c) {
  metering_ = Metering(c.budgets);
}

}  // namespace evenkeel
