#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/model/admin.h"
#include "common/model/approval.h"
#include "common/model/command.h"
#include "common/model/explanation.h"

namespace evenkeel {

struct Ping {};
struct Pong {
  std::string version;
  Epoch epoch;
  std::string mode;  ///< running, braked, log_full, safe_mode, unsynced
  std::string why;
  Duration uptime{};
};

struct PutOpen {
  std::string name;
  int goal = 0;  ///< 0: that of the policy
  Bytes size;
  std::string policy = {};  ///< empty: the default one
};
struct PutOpened {
  FileId file;
  Bytes chunk_size;
  int goal = 0;  ///< that the file will have
};

struct PutPlace {
  struct Item {
    std::uint64_t index = 0;
    Bytes size;
    Checksum checksum;
    std::vector<ServerId> avoid;
  };
  FileId file;
  std::vector<Item> items;
};
struct PutPlaced {
  struct Item {
    std::uint64_t index = 0;
    ChunkId chunk;
    ChunkVersion version;
    std::vector<Source> targets;  ///< where to store it, with the right to do so
  };
  FileId file;
  Epoch epoch;  ///< of the tokens
  std::vector<Item> items;
};

/// Proof by an agent that it holds a chunk, durable.
struct Receipt {
  ChunkId chunk;
  ServerId server;
  StorageId storage;
  JournalNumber journal;
  std::string receipt;  ///< 32 bytes
};
struct PutClose {
  FileId file;
  std::vector<Receipt> stored;
  bool done = false;
};
struct PutClosed {
  FileId file;
  std::uint64_t chunks = 0;
};

/// A file by its name, or one chunk.
using Named = std::variant<std::string, ChunkId>;

struct Locate {
  Named what;
  std::uint64_t first = 0;  ///< index of the chunk to begin with
};
struct Located {
  struct Item {
    ChunkContent content;
    std::vector<Source> holders;
  };
  std::string name;
  Bytes size;
  std::uint64_t total = 0;  ///< chunks in all
  std::uint64_t first = 0;
  Epoch epoch{0};  ///< of the tokens
  std::vector<Item> chunks;
};

struct DeleteNamed {
  Named what;
};
struct Deleted {
  std::uint64_t chunks = 0;
};

// What operators ask. Each may come again, and then changes nothing.

/// Whether it is to be done, or only asked what would come of it.
struct Intent {
  bool dry_run = false;
  bool force = false;  ///< also if the estimate says that it cannot be brought to its end
};
/// What an operation would take, as far as that is known.
struct Forecast {
  std::optional<bool> feasible;
  std::optional<std::uint64_t> chunks;  ///< that would have to be copied
  std::optional<Bytes> bytes;
  std::optional<Duration> duration;
  std::vector<std::string> rules;  ///< that make it impossible: none can be left out
};

struct DrainServer {
  ServerId server;
  bool forget = false;  ///< decommission: once it is drained it is removed
  Intent intent;
};
struct UndrainServer {
  ServerId server;
};
struct MaintainServer {
  ServerId server;
  Duration length{};  ///< 0: ends it now
  Intent intent;
};
/// The answer to the three above.
struct ServerAdmin {
  ServerId server;
  AdminState admin = AdminState::kInService;  ///< as it is now
  bool done = false;  ///< false: it was so already, only asked, or impossible
  bool forget = false;
  std::optional<Duration> maintenance_left;
  Forecast estimate;
};

struct PausePass {
  std::optional<Reason> pass;  ///< none: all of kPasses
  bool paused = true;
};
struct PausedPasses {
  std::vector<Reason> passes;  ///< all that are paused now
};

struct CancelCommand {
  CommandId command;
};
struct Cancelled {
  CommandId command;
};

/// Bounded: a file of many chunks takes several requests, each from where the last one ended.
struct SetGoal {
  Named what;
  int goal = 0;
  std::uint64_t first = 0;  ///< index of the chunk to begin with
  Intent intent;
};
struct GoalSet {
  bool done = false;
  std::uint64_t total = 0;    ///< chunks in all
  std::uint64_t next = 0;     ///< where to go on; total: that was all
  std::uint64_t changed = 0;  ///< of those looked at, the ones that had another goal
  Forecast estimate;
};

/// A policy as operators write it: what is absent stays as it is, or as a new policy begins.
struct SetPolicy {
  std::string name;
  std::optional<int> goal;
  std::optional<SpreadLevel> spread;
  std::optional<std::string> require, prefer;
};
struct RemovePolicy {
  std::string name;
};
/// The answer to both: as it is now, or was.
struct PolicyTold {
  std::string name;
  int goal = 0;
  SpreadLevel spread = SpreadLevel::kHost;
  std::string require, prefer;
};

/// Gives a file or a chunk another policy, and its goal. Bounded: a file of many chunks takes
/// several requests, each from where the last one ended.
struct ApplyPolicy {
  std::string policy;
  Named what;
  std::uint64_t first = 0;  ///< index of the chunk to begin with
};
struct PolicyApplied {
  std::uint64_t total = 0;    ///< chunks in all
  std::uint64_t next = 0;     ///< where to go on; total: that was all
  std::uint64_t changed = 0;  ///< of those looked at, the ones that had another policy or goal
};

/// "No", and why. The code is one of those in schema/wire/README.md, section 5.
struct Refused {
  std::string code;
  std::string what;
};

/// An operator says that the servers that are away are no reason for the brake to hold.
struct ReleaseBrake {};
struct BrakeReleased {
  std::uint64_t servers = 0;  ///< that are away, and do not count for the brake any more
};

/// Another person's yes to what is proposed, upon which it is done.
struct ApproveProposal {
  ProposalId proposal;
  bool dry_run = false;  ///< only asked whether it could be approved, and what it takes now
};
/// Nothing comes of it. Whoever has proposed it may say so too.
struct RejectProposal {
  ProposalId proposal;
};
/// The answer to both, and to any request that is left for a second person to approve.
struct ProposalTold {
  ProposalId proposal;
  ProposalState state = ProposalState::kPending;
  std::string what;  ///< in the words of the command line: "drain s7"
  std::string proposed_by;
  std::string decided_by;              ///< empty: nobody
  std::optional<Duration> expires_in;  ///< while it is pending
  /// Chunks that have fewer replicas without what it takes away than a chunk that is whole has, of
  /// its goal, when one server fails.
  std::uint64_t at_risk = 0;
  Forecast estimate;
};

using Request =
    std::variant<Ping, PutOpen, PutPlace, PutClose, Locate, DeleteNamed, DrainServer, UndrainServer,
                 MaintainServer, PausePass, CancelCommand, SetGoal, ReleaseBrake, Explain,
                 SetPolicy, RemovePolicy, ApplyPolicy, ApproveProposal, RejectProposal>;
using Answer = std::variant<Pong, PutOpened, PutPlaced, PutClosed, Located, Deleted, Refused,
                            ServerAdmin, PausedPasses, Cancelled, GoalSet, BrakeReleased, Explained,
                            PolicyTold, PolicyApplied, ProposalTold>;

struct ControlRequest {
  std::uint64_t request = 0;
  Request what;
  std::string token = {};  ///< 32 bytes that say which operator asks; empty: nobody says so
};
struct ControlAnswer {
  std::uint64_t request = 0;
  Answer what;
};

/// What the rebalancer tells anyone who listens.
struct RebalancerEvent {
  EventNumber number;
  Timestamp at{};
  std::string kind;  ///< server, chunk, command, mode, file
  std::string subject;
  std::string text;
};

}  // namespace evenkeel
