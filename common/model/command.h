#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/checksum_value.h"
#include "common/base/storage_id.h"
#include "common/base/time.h"
#include "common/model/ids.h"

namespace evenkeel {

/// The pass, or the circumstance, that a command is owed to.
enum class Reason { kRepair, kDrain, kSpread, kTrim, kBalance, kRetire, kVerify, kReport };

enum class CommandKind { kReplicate, kDelete, kVerify, kReport };

/// One chunk's content, by name and by what it must be.
struct ChunkContent {
  ChunkId chunk;
  ChunkVersion version;
  Bytes size;
  Checksum checksum;

  friend bool operator==(const ChunkContent&, const ChunkContent&) = default;
};

/// Where a copy can be had, and the right to have it there.
struct Source {
  ServerId server;
  StorageId storage;
  std::string address;
  std::string token;  ///< 32 bytes
};

struct Replicate {
  ChunkContent content;
  std::vector<Source> sources;  ///< in the order to try
  Bytes rate;                   ///< a second; 0: no limit
};

/// A replica elsewhere that a delete leans on.
struct Holder {
  ServerId server;
  StorageId storage;
  std::string location;
  ChunkVersion version;
  Checksum checksum;
  Duration presence_age{};  ///< at the moment when the command was issued
  Duration content_age{};
  enum class VouchedBy { kCommand, kInventory };
  VouchedBy vouched_by = VouchedBy::kCommand;
  std::uint64_t vouched = 0;  ///< id of the command, or number of the inventory
};

/// What counts as one failure domain: which part of a location.
enum class SpreadLevel {
  kHost,  ///< the whole location
  kRack,  ///< without its last part
  kZone   ///< its first part
};

struct Delete {
  ChunkContent content;  ///< the exact replica to delete
  int goal = 0;
  int domains = 0;  ///< how many different failure domains the evidence spans
  SpreadLevel spread = SpreadLevel::kHost;  ///< of what size these are
  bool retired = false;                     ///< its owner deleted the chunk: no evidence is needed
  std::vector<Holder> evidence;
};

enum class VerifyLevel {
  kPresence,  ///< file, size, version and manifest
  kContent    ///< every block read and matched
};
struct Verify {
  ChunkContent content;
  VerifyLevel level = VerifyLevel::kPresence;
};

/// Asks for a full inventory.
struct Report {};

using Order = std::variant<Replicate, Delete, Verify, Report>;

struct Command {
  CommandId id;
  Reason reason = Reason::kRepair;
  StorageId storage;   ///< of the one who is to do it
  Duration allowed{};  ///< counted on the agent's clock from receipt; a delete has none
  Order order;
};

/// Published on a server's topic, and the answer to a pull.
struct Commands {
  Epoch epoch;
  ServerId server;
  std::optional<CommandId> previous;  ///< issued to this server before the first of the items
  bool more = false;
  std::vector<Command> items;
  /// Received only: ids of items of a kind that this program does not know. They are owed an
  /// answer too (refused, Why::kUnknown).
  std::vector<CommandId> unknown;
};

/// Once a second and server: what should have arrived by now.
struct Beacon {
  Epoch epoch;
  ServerId server;
  std::optional<CommandId> last;
  std::uint64_t open = 0;
};

/// Superseded: nobody wants these done any more. A hint, published and forgotten: who has not begun
/// to make them effective stops, and says that they are cancelled.
struct Withdraw {
  Epoch epoch;
  ServerId server;
  std::vector<CommandId> commands;
};

enum class Outcome {
  kDone,
  kFailed,  ///< tried and could not
  kRefused  ///< not tried; nothing changed
};

/// Why a command was not done. kNone goes with Outcome::kDone only.
enum class Why {
  kNone,
  kNoSpace,
  kNoSource,
  kCorrupt,
  kMissing,
  kVersion,
  kStaleEpoch,
  kWrongStorage,
  kEvidence,
  kExpired,
  kIo,
  kCancelled,
  kUnknown
};

enum class Fault { kCorrupt, kUnreachable, kMissing, kRefused };

/// A source that could not serve a copy, and how it failed.
struct Blame {
  ServerId server;
  Fault fault;
};

/// An agent's last word on a command.
struct CommandResult {
  CommandId command;
  Outcome outcome = Outcome::kDone;
  Why why = Why::kNone;
  std::string detail;     ///< for people, at most 300 characters
  JournalNumber journal;  ///< under which the agent keeps it
  std::vector<Blame> blamed;
  Bytes bytes_done;
  Bytes free;
};

}  // namespace evenkeel
