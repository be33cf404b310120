#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/model/report.h"
#include "common/reactor/tcp.h"
#include "services/agent/core/evidence.h"
#include "services/agent/core/replica_table.h"

namespace evenkeel::rogue {

/// What a delete was made to rest on. Whoever makes it up knows; nobody has to judge it afterwards.
enum class Ground {
  kNone,      ///< not a delete
  kTrue,      ///< enough holders, each of which has said that it holds, and is never told to delete
  kWanting,   ///< one thing about its evidence is wrong, and an agent can see that
  kInvented,  ///< well made and untrue: no agent can see that
  kRetired    ///< its owner has deleted the chunk
};

/// A command as it was sent, once or often.
struct Order {
  Command command;
  Ground ground = Ground::kNone;
  std::string wanting;     ///< what is wrong with its evidence
  std::set<Epoch> epochs;  ///< in which it was sent
};

/// One content of a chunk. Two of the same version are a mistake of somebody's, which agents must
/// live with.
struct Kind {
  ChunkContent content;
  Buffer bytes;
};

/// What there is in a town, and all that was ever ordered there.
struct Ledger {
  agent::EvidenceLimits limits;  ///< that agents are to go by
  std::vector<Kind> kinds;
  std::map<ChunkId, ChunkVersion> newest;
  std::set<ChunkId> ambiguous;  ///< two contents of one version
  /// Lied about, or retired: nobody promises that anything is left of these.
  std::set<ChunkId> forsaken;
  std::map<std::pair<ServerId, CommandId>, std::vector<Order>> orders;
  std::map<ServerId, StorageId> storages;

  std::map<std::string, std::uint64_t> counts;  ///< of what has happened, by kind
  std::vector<std::string> faults;
  void fault(std::string what) {
    if (faults.size() < 20) faults.push_back(std::move(what));
  }
};

}  // namespace evenkeel::rogue
