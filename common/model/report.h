#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/model/command.h"

namespace evenkeel {

/// Who speaks: what every message of an agent carries.
struct AgentIdentity {
  ServerId server;
  Incarnation incarnation;
  StorageId storage;
  Epoch epoch;  ///< the highest that its journal knows

  friend bool operator==(const AgentIdentity&, const AgentIdentity&) = default;
};

struct Hello {
  AgentIdentity from;
  JournalNumber journal;                  ///< last number of its journal
  std::optional<CommandId> last_command;  ///< highest id seen
};
struct Welcome {
  Epoch epoch;
  ServerId server;
  StorageId storage;
  std::string copy_key;  ///< 32 bytes; tokens for this storage are made with it
  bool inventory = true;
};
/// "I do not know you yet; say hello again after a while."
struct Retry {
  std::string reason;
  Duration after{};
};

/// What an agent finds a local replica to be.
enum class ReplicaFinding { kOk, kCorrupt, kShort, kUnreadable };

struct ReportedReplica {
  ChunkContent content;
  ReplicaFinding finding = ReplicaFinding::kOk;
  std::optional<Duration> content_age;  ///< since every block was read and matched; none: never
};

/// What a storage holds; or, with a basis, what changed there since.
struct Inventory {
  AgentIdentity from;
  InventoryNumber number;
  std::optional<InventoryNumber> basis;  ///< none: a full one
  JournalNumber journal;                 ///< last effect on disk when it was begun
  std::uint64_t part = 1;
  std::uint64_t parts = 1;
  std::vector<ReportedReplica> rows;
  std::vector<std::pair<ChunkId, ChunkVersion>> gone;
};
struct InventoryReply {
  enum class Status { kOk, kAgain };
  InventoryNumber number;
  std::uint64_t part = 1;
  Status status = Status::kOk;
};

struct Ack {
  AgentIdentity from;
  std::vector<CommandResult> results;
};
struct AckReply {
  std::vector<CommandId> commands;
};
struct Progress {
  AgentIdentity from;
  std::vector<std::pair<CommandId, Bytes>> items;
};
struct Pull {
  AgentIdentity from;
  std::optional<CommandId> after;
};

}  // namespace evenkeel
