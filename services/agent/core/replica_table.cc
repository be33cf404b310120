#include "services/agent/core/replica_table.h"

namespace evenkeel::agent {

const Replica* ReplicaTable::find(const ReplicaKey& key) const {
  const auto found = replicas_.find(key);
  return found == replicas_.end() ? nullptr : &found->second;
}

std::optional<ReplicaKey> ReplicaTable::newest(ChunkId chunk) const {
  auto after = replicas_.upper_bound({chunk, ChunkVersion(UINT64_MAX)});
  if (after == replicas_.begin()) return std::nullopt;
  --after;
  return after->first.chunk == chunk ? std::optional(after->first) : std::nullopt;
}

void ReplicaTable::put(const ReplicaKey& key, const Replica& replica) {
  erase(key);
  replicas_.emplace(key, replica);
  used_ += replica.size;
  ++found_[index_of(replica.finding)];
}

bool ReplicaTable::erase(const ReplicaKey& key) {
  const auto found = replicas_.find(key);
  if (found == replicas_.end()) return false;
  used_ -= found->second.size;
  --found_[index_of(found->second.finding)];
  replicas_.erase(found);
  return true;
}

void ReplicaTable::set_finding(const ReplicaKey& key, ReplicaFinding finding) {
  Replica& replica = replicas_.at(key);
  --found_[index_of(replica.finding)];
  replica.finding = finding;
  ++found_[index_of(finding)];
}

void ReplicaTable::set_checked(const ReplicaKey& key, AgeReading when) {
  replicas_.at(key).checked = when;
}

}  // namespace evenkeel::agent
