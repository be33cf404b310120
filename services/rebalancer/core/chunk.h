#pragma once
#include <cstdint>
#include <optional>

#include "common/base/small_list.h"
#include "common/base/time.h"
#include "common/model/command.h"
#include "services/rebalancer/core/change.h"

namespace evenkeel {

/// Places in the view's arrays; they mean nothing outside of it.
using ServerSlot = std::uint32_t;
using ChunkSlot = std::uint32_t;
inline constexpr ServerSlot kNoServer = UINT32_MAX;
inline constexpr ChunkSlot kNoChunk = UINT32_MAX;

/// In which of the planner's queues a chunk stands, the most urgent first. Risk by what is valid
/// now; the fewer, the more urgent.
enum class Queue : std::uint8_t {
  kNone,
  kRisk1,       ///< one valid replica left
  kRiskDomain,  ///< more, but all of them in one failure domain
  kRisk2,
  kRisk3,
  kRiskMore,
  kDrain,     ///< enough are valid, but some are on servers that leave
  kSpread,    ///< enough, but against the policy's spread or label rule
  kVerify,    ///< has a suspect replica
  kTrim,      ///< has more than it needs, or stale and corrupt ones beside what it needs
  kRetired,   ///< deleted by its owner, replicas left
  kLost,      ///< no valid replica: nothing can be done, and nothing of it may be deleted
  kAside,     ///< could not be helped; looked at again later
  kNeedless,  ///< has what it needs, and a copy that was to make up for something is under way
};
inline constexpr std::size_t kQueues = 14;

struct Replica {
  ServerSlot server = 0;
  ReplicaState state = ReplicaState::kValid;
  bool leaving = false;  ///< derived: surplus, being deleted, or dropped by a move in flight
  std::optional<Instant> content;

  bool valid() const { return state == ReplicaState::kValid || state == ReplicaState::kSurplus; }
  /// As of now minus this, every block was last known to match; none: never.
  std::optional<Instant> content_checked() const { return content; }
};

using ReplicaList = SmallList<Replica, 5>;

/// A chunk as the view has it, at the moment of asking.
struct Chunk {
  ChunkId id;
  ChunkVersion version;
  Bytes size;
  Checksum checksum;
  ReplicaList replicas;
  std::uint8_t goal = 1;
  ChunkLife life = ChunkLife::kLive;
  Queue queue = Queue::kNone;
  PolicyId policy = kDefaultPolicy;
  ChunkSlot slot = kNoChunk;  ///< none: not known to the view

  ChunkContent content() const { return {id, version, size, checksum}; }
};

/// What the number of replicas of a chunk is and will be.
struct ReplicaCount {
  int valid = 0;      ///< now, on servers that count, without those being deleted
  int domains = 0;    ///< failure domains that these are in
  int projected = 0;  ///< when all commands in flight are done, and who is awaited is back
  int suspect = 0;
  int surplus = 0;    ///< of the valid ones, those chosen to go
  int garbage = 0;    ///< stale or corrupt, on servers that count
  int departing = 0;  ///< of the valid ones, those on servers that leave
  int awaited = 0;    ///< of the projected ones, those on servers that are away
  bool busy = false;  ///< some command about this chunk is in flight
  bool verifying = false;
  int refused = 0;       ///< of those that stay, those on servers that the policy's labels refuse
  bool crowded = false;  ///< two of those that stay share a domain that the policy keeps apart
};

}  // namespace evenkeel
