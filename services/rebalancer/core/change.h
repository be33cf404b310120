#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/time.h"
#include "common/model/admin.h"
#include "common/model/command.h"
#include "common/model/control.h"
#include "common/model/member.h"
#include "services/rebalancer/core/budgets.h"
#include "services/rebalancer/core/policy.h"

namespace evenkeel {

/// What becomes of a server once it is drained. The numbers are those of the table `server`.
enum class AfterDrain : std::uint8_t {
  kStay,
  kRemove,         ///< decommission
  kRemoveEvenDead  ///< the same, of one that will not come back to be drained
};

/// What one replica is held to be. Surplus: valid, and chosen to go once the goal is met without
/// it. Suspect: blamed as a source, to be verified. The numbers are those of the table `replica`.
enum class ReplicaState : std::uint8_t { kValid, kSurplus, kSuspect, kCorrupt, kStale };

/// Numbers as in the table `chunk`. Retired chunks stay as tombstones.
enum class ChunkLife : std::uint8_t { kCreating, kLive, kRetired };

/// Numbers as in the table `command`.
enum class CommandEnd : std::uint8_t { kDone = 1, kFailed, kRefused, kSuperseded };

/// A command as the rebalancer keeps it while it is open. Sources and tokens are added when it is
/// sent: they may change between two sendings, what is to be done may not.
struct CommandRecord {
  CommandId id;
  Epoch epoch;
  CommandKind kind;
  Reason reason;
  std::optional<ChunkId> chunk;  ///< all kinds but report
  ChunkVersion version{0};
  Bytes size;
  ServerId server;  ///< who is to do it
  StorageId storage;
  std::optional<ServerId> source;  ///< of a copy: the first to try
  std::optional<ServerId> drop;    ///< of a move: the replica that is surplus afterwards
  VerifyLevel level = VerifyLevel::kPresence;
  bool retired = false;
  std::vector<Holder> evidence;   ///< of a delete
  std::string because;            ///< what the decision rested on, for people
  std::string candidates;         ///< who else there was: as the column `candidates` has it
  std::optional<Instant> issued;  ///< none: by an earlier run of this process, infinitely old
};

// The closed list of ways in which what we know can change. The store turns each into rows and the
// view turns each into memory, from the same value, so that the two cannot drift apart.

struct EpochRaised {
  Epoch epoch;
};
/// No command below it is given out any more: some agent has seen ids that our database has not.
struct CommandFloorRaised {
  CommandId floor;
};
/// With a reason: no destructive command is issued until it is released (S12).
struct DeletesHeld {
  std::optional<std::string> why;
};
/// Up to which event of which stream membership has been heard.
struct MembershipHeard {
  StorageId stream;
  EventNumber number;
};
/// In memory only: whether what is known of liveness is up to date (S16).
struct SyncChanged {
  bool synced = false;
};
/// In memory only.
struct SafeModeLeft {};

struct ServerAdded {
  Member member;
};
/// Everything that membership says of it, storage excepted.
struct ServerUpdated {
  Member member;
};
/// Another storage under the same name: what the old one held is no longer there.
struct ServerReplaced {
  Member member;
};
struct ServerFenced {
  ServerId server;
  Epoch epoch;
};
struct ServerAcked {
  ServerId server;
  JournalNumber journal;
};
/// A full inventory has been taken in whole. `asked`: when it was asked for, from which its
/// freshness counts.
struct ServerReported {
  ServerId server;
  InventoryNumber number;
  JournalNumber journal;
  Instant asked;
};
/// A report of what changed since the last one has been taken in whole.
struct InventoryTaken {
  ServerId server;
  InventoryNumber number;
};
/// In memory only: a full inventory has been asked for.
struct InventoryAsked {
  ServerId server;
  Instant at;
};
/// In memory only: it is to be asked for a full inventory, though it has reported, since what is
/// known of it may be wrong or has grown long. Not before `after`.
struct InventoryWanted {
  ServerId server;
  Instant after;
};
/// In memory only: it has answered that it is full.
struct ServerFull {
  ServerId server;
  Instant until;
};

struct ChunkAdded {
  ChunkContent content;
  int goal;
  ChunkLife life;
  PolicyId policy = kDefaultPolicy;
};
/// A newer version was reported: replicas of the old one become stale.
struct ChunkRaised {
  ChunkContent content;
};
/// Its content is what it was, and was never as large as had been reported.
struct ChunkResized {
  ChunkId chunk;
  Bytes size;
};
/// In memory only: clients were told to store it there.
struct ChunkPromised {
  ChunkId chunk;
  std::vector<ServerId> servers;
};
struct ChunkPublished {
  ChunkId chunk;
};
/// Its policy is the default one from then on: none need be kept for it.
struct ChunkRetired {
  ChunkId chunk;
};
struct ChunkSequence {
  ChunkId next;
};
struct ChunkSetAside {
  ChunkId chunk;
  std::string why;
  Instant until;
};
/// In memory only.
struct ChunkResumed {
  ChunkId chunk;
};

/// Presence and content as vouched for; in memory only.
struct Voucher {
  Holder::VouchedBy by;
  std::uint64_t id;
  Instant asked;
};
struct ReplicaAdded {
  ChunkId chunk;
  ServerId server;
  ReplicaState state;
  ChunkVersion version;
  JournalNumber journal;  ///< 0: an inventory told of it
};
struct ReplicaChanged {
  ChunkId chunk;
  ServerId server;
  ReplicaState state;
  ChunkVersion version;
  JournalNumber journal{0};  ///< of the inventory that found it damaged
};
/// The map need not have it: that it was not there at `journal` counts against what older news say.
struct ReplicaLost {
  ChunkId chunk;
  ServerId server;
  JournalNumber journal;  ///< of the delete that removed it, or of the inventory without it
};
struct ReplicaVouched {
  ChunkId chunk;
  ServerId server;
  std::optional<Voucher> presence;
  std::optional<Instant> content;  ///< when every block was last read and matched
};
struct VouchersExpired {
  Instant before;
};

struct CommandIssued {
  CommandRecord command;
};
struct CommandClosed {
  CommandId command;
  CommandEnd end;
  std::string why;
};

/// Stored only: names for lists of chunks.
struct FileOpened {
  FileId file;
  std::string name;
  Bytes size;
  int goal;
  PolicyId policy = kDefaultPolicy;
};
struct FilePlaced {
  FileId file;
  std::uint64_t place;
  ChunkId chunk;
};
struct FileCompleted {
  FileId file;
};
struct FileRemoved {
  FileId file;
};

/// Something that operators should hear of; stored and published.
struct Noted {
  std::string kind;
  std::string subject;
  std::string text;
};

/// What operators want of a server.
struct ServerAdminSet {
  ServerId server;
  AdminState admin;
  AfterDrain after = AfterDrain::kStay;
  std::optional<Instant> maintenance_until;  ///< with maintenance, and only then
};
/// It is away and expected back by then. What it holds counts as projected for chunks that keep at
/// least two valid replicas in two failure domains without it. None: no more.
struct ServerAwaited {
  ServerId server;
  std::optional<Instant> until;
};
struct PassPaused {
  Reason pass;  ///< one of kPasses
  bool paused = true;
};
/// New, or with another name, goal or rules.
struct PolicySet {
  Policy policy;
};
/// No chunk has it any more.
struct PolicyRemoved {
  PolicyId policy;
};
struct ChunkPolicySet {
  ChunkId chunk;
  PolicyId policy;
  int goal;
};
/// Stored only; its chunks have policies and goals of their own.
struct FileGoalSet {
  FileId file;
  int goal;
};
struct FilePolicySet {
  FileId file;
  PolicyId policy;
  int goal;
};

/// In memory only: from now until the next one, at most so many chunks are sorted into queues anew;
/// where a server that is lost has held more, the rest waits its turn. Without any there is no
/// bound.
struct TurnBegun {
  std::size_t sort_at_most;
};

/// When it went away without having come back since, which ends with its report. `excused`: an
/// operator has said that it is no reason to brake.
struct ServerGone {
  ServerId server;
  std::optional<Instant> since;
  bool excused = false;
};

/// In memory only: how many bytes may be in flight to it, as its acknowledgements have it.
struct ServerPaced {
  ServerId server;
  Bytes window;
};
/// In memory only, from the settings.
struct BudgetsSet {
  Budgets budgets;
};

/// In memory only, since it follows from who is gone. With a reason: the brake holds.
struct BrakeSet {
  std::optional<std::string> why;
};

/// In memory only. With a reason: the log of the database is as long as it may become.
struct LogHeld {
  std::optional<std::string> why;
};

/// What one operator has asked for, and what it took when he did.
struct Proposed {
  ProposalId id;
  Operation operation;
  Request request;
  std::string what;  ///< the request in words, of which no two are the same
  /// What is meant by the names in it: the number of a file, the storage of a server. What has
  /// another one by now is not what was proposed.
  std::string meant;
  std::string by;
  Forecast estimate;
  std::uint64_t at_risk = 0;
  ProposalState state = ProposalState::kPending;
  std::string decided_by;
  Duration left{};  ///< until it expires
};
/// Stored only, as is what becomes of it.
struct ProposalMade {
  Proposed proposed;
};
struct ProposalDecided {
  ProposalId proposal;
  ProposalState state;
  std::string by;  ///< empty: its time is over
};

using Change =
    std::variant<EpochRaised, CommandFloorRaised, DeletesHeld, MembershipHeard, SyncChanged,
                 SafeModeLeft, ServerAdded, ServerUpdated, ServerReplaced, ServerFenced,
                 ServerAcked, ServerReported, InventoryTaken, InventoryAsked, InventoryWanted,
                 ServerFull, ChunkAdded, ChunkRaised, ChunkResized, ChunkPromised, ChunkPublished,
                 ChunkRetired, ChunkSequence, ChunkSetAside, ChunkResumed, ReplicaAdded,
                 ReplicaChanged, ReplicaLost, ReplicaVouched, VouchersExpired, CommandIssued,
                 CommandClosed, FileOpened, FilePlaced, FileCompleted, FileRemoved, Noted,
                 TurnBegun, ServerAwaited, ServerAdminSet, PassPaused, ChunkPolicySet, FileGoalSet,
                 ServerGone, BrakeSet, PolicySet, PolicyRemoved, FilePolicySet, ServerPaced,
                 BudgetsSet, LogHeld, ProposalMade, ProposalDecided>;
using Changes = std::vector<Change>;

}  // namespace evenkeel
