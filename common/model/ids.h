#pragma once
#include "common/base/strong_id.h"

namespace evenkeel {

struct ChunkTag {
  static constexpr char prefix = 'c';
};
struct ServerTag {
  static constexpr char prefix = 's';
};
struct CommandTag {
  static constexpr char prefix = 'k';
};
struct FileTag {
  static constexpr char prefix = 'f';
};
struct PolicyTag {
  static constexpr char prefix = 'p';
};

/// Names a chunk for ever; never used again. GFS calls it the chunk handle.
using ChunkId = StrongId<ChunkTag>;
/// A chunk server: one agent with one chunk directory. Chosen by the operator, from 1.
using ServerId = StrongId<ServerTag>;
/// An order to one agent. Given out once, persisted with the epoch, never used again.
using CommandId = StrongId<CommandTag>;
/// A file that was put through the CLI: a name for a list of chunks.
using FileId = StrongId<FileTag>;
/// A named set of rules for where replicas may be; 0 to 255.
using PolicyId = StrongId<PolicyTag>;
inline constexpr PolicyId kDefaultPolicy(0);

using ChunkVersion = StrongCounter<struct ChunkVersionTag>;
using Incarnation = StrongCounter<struct IncarnationTag>;  ///< grows at each start of an agent
using Epoch = StrongCounter<struct EpochTag>;              ///< grows at each start of a rebalancer
using EventNumber = StrongCounter<struct EventNumberTag>;  ///< in one publisher's stream, no gaps
using InventoryNumber = StrongCounter<struct InventoryNumberTag>;
using JournalNumber = StrongCounter<struct JournalNumberTag>;  ///< order of effects on one storage

}  // namespace evenkeel
