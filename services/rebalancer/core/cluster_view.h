#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "services/rebalancer/core/chunk.h"
#include "services/rebalancer/core/chunk_table.h"
#include "services/rebalancer/core/content_clock.h"
#include "services/rebalancer/core/copysets.h"
#include "services/rebalancer/core/metering.h"
#include "services/rebalancer/core/place.h"
#include "services/rebalancer/core/policy_book.h"
#include "services/rebalancer/core/slot_set.h"

namespace evenkeel {

/// How far the rows of a server can be believed in this epoch.
enum class Standing {
  kRegistering,  ///< came back from the dead: its rows do not count until it has reported
  kPresumed,     ///< was there before this start: its rows count, nothing rests on them
  kReported      ///< its full inventory was taken in
};

struct Server {
  Member member;
  AdminState admin = AdminState::kInService;
  Standing standing = Standing::kPresumed;
  Epoch fenced{0};
  InventoryNumber inventory_number{0};
  JournalNumber report_journal{0};
  JournalNumber acked_journal{0};
  /// No report from before it is taken in: it might undo what was acknowledged to an earlier run.
  JournalNumber report_floor{0};
  std::optional<Voucher> inventory;         ///< vouches for the presence of what it listed
  std::optional<Instant> inventory_asked;   ///< and not taken in since
  std::optional<Instant> inventory_wanted;  ///< though it has reported; not before this
  std::optional<Instant> full_until;
  std::optional<Bytes> window;  ///< of what may be in flight to it; none: that of the limits
  /// Away and expected back by then: what it holds counts as projected for chunks that keep two
  /// valid replicas in two failure domains without it.
  std::optional<Instant> awaited_until;
  AfterDrain after_drain = AfterDrain::kStay;
  std::optional<Instant> maintenance_until;
  std::optional<Instant> gone_since;  ///< it is away; until it has reported again
  bool gone_excused = false;          ///< and no reason to brake, as an operator says
  /// Chunks of which something was told since the last report, with the journal number of the
  /// effect, or that of the inventory without it: what was before that number is no news (S9).
  std::map<ChunkId, JournalNumber> effects;
  /// The agent has told of that chunk, as it was at that number or after it.
  bool has_told_since(ChunkId chunk, JournalNumber journal) const {
    const auto effect = effects.find(chunk);
    return journal <= report_journal || (effect != effects.end() && effect->second >= journal);
  }

  // Derived.
  Bytes used;      ///< of replicas in any state
  Bytes incoming;  ///< of copies in flight to it
  Bytes promised;  ///< of chunks that clients were told to store on it
  Bytes leaving;   ///< of replicas on it that are to go
  int copies_in = 0;
  int copies_out = 0;
  int checks = 0;  ///< verifies and deletes in flight
  Bytes bytes_out;
  SlotSet chunks;
  std::set<CommandId> orders;  ///< in flight, for it to do

  ServerId id() const { return member.server; }
  bool counts() const {  ///< its valid replicas are replicas
    return member.liveness != Liveness::kDead && standing != Standing::kRegistering &&
           admin != AdminState::kRemoved;
  }
  bool works() const {  ///< may be given work
    return member.liveness == Liveness::kAlive && standing == Standing::kReported &&
           admin != AdminState::kRemoved;
  }
  /// Bytes it will hold when everything in flight is done.
  Bytes projected() const { return used + incoming + promised - leaving; }
};

/// What the rebalancer holds true of the cluster, in memory.
///
/// Written by apply() only; everything else asks. Rebuilt from the store at start. Whatever walks
/// it does so in an order that follows from the changes applied alone, so that equal histories give
/// equal decisions.
class ClusterView {
 public:
  explicit ClusterView(Instant started = Instant{}) : started_(started) {
    content_clock_.advance(started);
  }

  void apply(const Change& change);
  void reserve(std::size_t chunks);  ///< for loading: avoids growing

  // Servers.
  std::size_t server_slots() const { return servers_.size(); }
  const Server& server(ServerSlot slot) const { return servers_[slot]; }
  const Server* find(ServerId id) const;
  const Server* find_storage(const StorageId& storage) const;
  std::optional<ServerSlot> slot_of(ServerId id) const;
  const std::map<ServerId, ServerSlot>& servers() const { return server_by_id_; }

  const Place& place(ServerSlot slot) const { return places_[slot]; }
  bool counts(ServerSlot slot) const { return (bits_[slot] & kCounts) != 0; }
  bool works(ServerSlot slot) const { return (bits_[slot] & kWorks) != 0; }
  bool in_service(ServerSlot slot) const { return (bits_[slot] & kInService) != 0; }
  /// What it holds is there to stay: in service, or in maintenance.
  bool stays(ServerSlot slot) const { return (bits_[slot] & kStays) != 0; }
  bool awaited(ServerSlot slot) const { return (bits_[slot] & kAwaited) != 0; }
  /// Its location has more than one level (nearness.h).
  bool says_where(ServerSlot slot) const { return (bits_[slot] & kSaysWhere) != 0; }
  bool in_maintenance(ServerSlot slot) const { return (bits_[slot] & kMaintained) != 0; }
  /// Live servers that have not reported to this epoch.
  std::size_t unreported() const { return unreported_; }
  /// Servers that are to be asked for a full inventory though they have reported, and from when on.
  const std::set<std::pair<Instant, ServerSlot>>& inventories_wanted() const {
    return inventories_wanted_;
  }

  // Chunks.
  std::size_t chunk_count() const { return chunks_.size(); }
  Chunk chunk(ChunkSlot slot) const;
  std::optional<Chunk> find(ChunkId id) const;
  std::optional<ChunkSlot> slot_of(ChunkId id) const { return chunks_.find(id); }
  std::optional<Replica> replica(const Chunk& chunk, ServerId server) const;
  std::span<const ChunkSlot> queue(Queue queue) const {
    return queues_[static_cast<std::size_t>(queue)].slots();
  }
  /// Chunks whose queues may be out of date: see TurnBegun.
  std::size_t unsorted() const { return unsorted_.size(); }
  ReplicaCount count(ChunkSlot slot) const;
  ReplicaCount count(const Chunk& chunk) const { return count(chunk.slot); }
  /// The same without decoding the whole chunk, for whoever looks at very many.
  const ChunkTable& table() const { return chunks_; }
  /// The chunk's version, but for stale replicas, whose own is kept.
  ChunkVersion version_of(const Chunk& chunk, const Replica& replica) const;
  /// When it was last confirmed that this replica is there, by whom; the latest of both kinds.
  std::optional<Voucher> presence(const Chunk& chunk, const Replica& replica) const;
  /// The level at which no two replicas of a chunk under this policy may share a domain.
  SpreadLevel spread(PolicyId policy) const { return policies_.spread(policy); }
  /// Whether a replica of such a chunk may be on that server, by its labels, and would better be.
  bool allows(PolicyId policy, ServerSlot server) const { return policies_.allows(policy, server); }
  bool prefers(PolicyId policy, ServerSlot server) const {
    return policies_.prefers(policy, server);
  }
  const PolicyBook& policies() const { return policies_; }

  /// Servers that a client was told to store the chunk on, and of which it has not been heard yet.
  std::vector<ServerId> promised(ChunkId chunk) const;

  // Commands in flight.
  const std::map<CommandId, CommandRecord>& in_flight() const { return in_flight_; }
  const CommandRecord* find(CommandId id) const;
  std::span<const CommandId> in_flight_of(ChunkSlot slot) const;
  std::span<const CommandId> in_flight_of(const Chunk& chunk) const;  ///< none if it is not known
  bool busy(ChunkSlot slot) const { return chunks_.busy(slot); }
  CommandId next_command() const { return next_command_; }
  std::set<std::pair<Instant, ChunkSlot>> const& aside() const { return aside_by_time_; }
  /// Until when it is set aside; none: it is not.
  std::optional<Instant> aside_until(ChunkSlot slot) const;
  /// The queue in which it would stand if it were not set aside.
  Queue due(ChunkSlot slot) const;

  Epoch epoch() const { return epoch_; }
  ChunkId next_chunk() const { return next_chunk_; }
  FileId next_file() const { return next_file_; }
  EventNumber last_event() const { return last_event_; }
  const std::optional<std::string>& deletes_held() const { return deletes_held_; }
  bool synced() const { return synced_; }
  /// Whether operators want nothing of this pass for now.
  bool paused(Reason pass) const { return (paused_ >> static_cast<unsigned>(pass) & 1) != 0; }
  bool in_safe_mode() const { return in_safe_mode_; }
  /// Why everything is held but the most urgent; none: it is not.
  const std::optional<std::string>& braked() const { return braked_; }
  /// Why as little as possible is written, if that is so.
  const std::optional<std::string>& log_held() const { return log_held_; }
  /// Servers that are away, or back without having reported.
  const std::set<ServerId>& gone() const { return gone_; }
  /// The sets that chunks of this goal are to be held by, of the servers that stay, dead ones with
  /// them; none are to be had if the width is 0.
  const Copysets* copysets(int goal, int scatter_width) const;
  /// What was ordered lately, against the budgets.
  const Metering& metering() const { return metering_; }
  Instant started() const { return started_; }
  const std::optional<StorageId>& membership_stream() const { return stream_; }
  EventNumber membership_number() const { return stream_number_; }
  std::uint64_t revision() const { return revision_; }  ///< changes applied so far

  /// Aborts if what is derived no longer follows from what is stored. Called by tests and, with
  /// every turn, by the simulator.
  void check() const;

  /// Only for who loads it: loading(), servers, chunks, then replicas, commands, then loaded().
  /// Until then a chunk that came by load_chunk() is not found by its id, and no server's chunks
  /// are known.
  void loading() { loading_ = true; }
  void load_counters(Epoch epoch, ChunkId next_chunk, FileId next_file, EventNumber last_event);
  void load_server(Server server);
  ChunkSlot load_chunk(const ChunkContent& content, int goal, ChunkLife life) {
    return chunks_.append(content, goal, life);
  }
  void load_replica(ChunkSlot chunk, ServerSlot server, ReplicaState state) {
    hold(chunk, server, state);
  }
  /// Derives what follows from all that was loaded. To be called once, before anything is applied.
  void loaded();
  void set_default_spread(SpreadLevel level);

  /// Counts a copy as made, at once: the replica on `from` is on `to` from now on. For those who
  /// look at where plans lead to without playing what commands do in between.
  void settle(ChunkSlot chunk, ServerSlot from, ServerSlot to);

  /// Bytes of memory that chunks, replicas and their indexes take.
  std::size_t memory() const;

 private:
  struct Aside {
    Instant until;
    int valid;  ///< how many valid replicas it had; with another number it is looked at anew
  };

  /// Names one replica in the sparse tables below.
  static constexpr std::uint64_t key(ChunkSlot chunk, ServerSlot server) {
    return (std::uint64_t{chunk} << 32) | server;
  }

  void on(const EpochRaised& change);
  void on(const CommandFloorRaised& change);
  void on(const DeletesHeld& change);
  void on(const MembershipHeard& change);
  void on(const SyncChanged& change);
  void on(const SafeModeLeft& change);
  void on(const ServerAdded& change);
  void on(const ServerUpdated& change);
  void on(const ServerReplaced& change);
  void on(const ServerFenced& change);
  void on(const ServerAcked& change);
  void on(const ServerReported& change);
  void on(const InventoryTaken& change);
  void on(const InventoryAsked& change);
  void on(const InventoryWanted& change);
  void on(const ServerFull& change);
  void on(const ChunkAdded& change);
  void on(const ChunkRaised& change);
  void on(const ChunkResized& change);
  void on(const ChunkPromised& change);
  void on(const ChunkPublished& change);
  void on(const ChunkRetired& change);
  void on(const ChunkSequence& change);
  void on(const ChunkSetAside& change);
  void on(const ChunkResumed& change);
  void on(const ReplicaAdded& change);
  void on(const ReplicaChanged& change);
  void on(const ReplicaLost& change);
  void on(const ReplicaVouched& change);
  void on(const VouchersExpired& change);
  void on(const CommandIssued& change);
  void on(const CommandClosed& change);
  void on(const FileOpened& change);
  void on(const FilePlaced& change);
  void on(const FileCompleted& change);
  void on(const FileRemoved& change);
  void on(const Noted& change);
  void on(const ServerAdminSet& change);
  void on(const ServerAwaited& change);
  void on(const TurnBegun& change);
  void on(const PassPaused& change);
  void on(const ChunkPolicySet& change);
  void on(const FileGoalSet& change);
  void on(const ServerGone& change);
  void on(const BrakeSet& change);
  void on(const PolicySet& change);
  void on(const PolicyRemoved& change);
  void on(const FilePolicySet& change);
  void on(const ServerPaced& change);
  void on(const BudgetsSet& change);
  void on(const LogHeld& change);
  void on(const ProposalMade& change);
  void on(const ProposalDecided& change);

  static constexpr std::uint8_t kCounts = 1, kWorks = 2, kInService = 4, kStays = 8, kAwaited = 16,
                                kSilent = 32, kMaintained = 64, kSaysWhere = 128;

  Server& at(ServerId id);
  ChunkSlot slot_at(ChunkId id) const;
  Replica unpacked(PackedReplica replica) const;
  PackedReplica* mutable_replica(ChunkSlot chunk, ServerSlot server);
  void hold(ChunkSlot chunk, ServerSlot server, ReplicaState state);
  void note_time(Instant now);
  void forget_old_checks();
  void fill_servers();
  void derive(ServerSlot server);
  std::uint32_t domain(std::string_view name, int level);
  void refresh_all();
  void sort_some();
  void refresh_chunks_under(PolicyId policy);
  void meter(const CommandRecord& command);
  void on_command(const CommandRecord& command, bool opened);
  void update_server(const Member& member);
  void remember_version(ChunkSlot chunk, ServerSlot server, ReplicaState state,
                        ChunkVersion version);
  void drop_replica(ChunkSlot chunk, ServerSlot server);
  void set_standing(ServerSlot server, Standing standing);
  void refresh(ChunkSlot slot);
  void refresh_chunks_of(ServerSlot server);
  void set_queue(ChunkSlot slot, Queue queue);
  Queue queue_of(ChunkSlot slot) const;
  bool is_needless(ChunkSlot slot, const ReplicaCount& now) const;
  void end_absence(Server& server);
  void want_inventory(ServerSlot server, std::optional<Instant> after);
  void remember_effect(ServerSlot server, ChunkId chunk, JournalNumber journal);
  Queue risk_of(ChunkSlot slot, const ReplicaCount& now) const;
  void hold_back_maintained(ChunkSlot slot, int maintained, ReplicaCount& count) const;
  bool is_leaving(ChunkSlot slot, PackedReplica replica) const;
  void unaside(ChunkSlot slot);
  void resume_live_chunks();
  void resize(ChunkSlot chunk, Bytes from, Bytes to);
  void keep_promise(ChunkSlot chunk, std::optional<ServerSlot> server);

  std::vector<Server> servers_;
  std::map<ServerId, ServerSlot> server_by_id_;
  std::unordered_map<StorageId, ServerSlot> server_by_storage_;
  std::vector<std::uint8_t> bits_;  // by server slot; what is asked of servers most often
  std::vector<Place> places_;       // the same
  std::array<std::unordered_map<std::string, std::uint32_t>, 3> domains_;  // by level
  bool many_racks_ = false;
  std::size_t unreported_ = 0;
  std::set<std::pair<Instant, ServerSlot>> inventories_wanted_;
  PolicyBook policies_;
  ChunkTable chunks_;
  ContentClock content_clock_;
  ChunkSlot checks_looked_at_ = 0;
  bool loading_ = false;
  std::vector<ChunkSlot> unsorted_;  // their queues may be out of date
  std::size_t may_sort_ = SIZE_MAX;  // in this turn
  std::array<SlotQueue, kQueues> queues_;
  std::map<CommandId, CommandRecord> in_flight_;
  std::unordered_map<ChunkSlot, std::vector<CommandId>> in_flight_of_;
  std::unordered_map<std::uint64_t, Voucher> presence_;             // by key()
  std::unordered_map<std::uint64_t, ChunkVersion> stale_versions_;  // same key
  std::map<ChunkSlot, std::vector<ServerSlot>> promises_;
  std::map<ChunkSlot, Aside> aside_;
  std::set<std::pair<Instant, ChunkSlot>> aside_by_time_;

  Instant started_;
  Epoch epoch_{0};
  CommandId next_command_{1};
  ChunkId next_chunk_{1};
  FileId next_file_{1};
  EventNumber last_event_{0};
  std::optional<std::string> deletes_held_;
  std::optional<StorageId> stream_;
  EventNumber stream_number_{0};
  bool synced_ = false;
  std::uint32_t paused_ = 0;  // a bit for each Reason
  bool in_safe_mode_ = true;
  std::optional<std::string> braked_, log_held_;
  std::set<ServerId> gone_;
  Metering metering_;
  mutable std::map<std::pair<int, int>, Copysets> copysets_;  // made when first asked for
  std::uint64_t revision_ = 0;
};

}  // namespace evenkeel
