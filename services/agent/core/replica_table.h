#pragma once
#include <array>
#include <compare>
#include <map>
#include <optional>

#include "common/model/report.h"
#include "services/agent/core/age_clock.h"

namespace evenkeel::agent {

struct ReplicaKey {
  ChunkId chunk;
  ChunkVersion version;
  friend auto operator<=>(const ReplicaKey&, const ReplicaKey&) = default;
};
inline std::string to_string(const ReplicaKey& key) {
  return evenkeel::to_string(key.chunk) + "." + evenkeel::to_string(key.version);
}

/// A file in live/, and what is known of it.
struct Replica {
  Bytes size;
  Checksum checksum;  ///< as its name says
  ReplicaFinding finding = ReplicaFinding::kOk;
  std::optional<AgeReading> checked;  ///< when every block was last read and matched
};

inline ReplicaKey key_of(const ChunkContent& content) {
  return {content.chunk, content.version};
}
inline ChunkContent content_of(const ReplicaKey& key, const Replica& replica) {
  return {key.chunk, key.version, replica.size, replica.checksum};
}

/// What this storage holds, by chunk and version; at most one file for each. An index of the
/// directory: what is renamed on disk is put here in the same turn in which the journal is
/// committed.
class ReplicaTable {
 public:
  const Replica* find(const ReplicaKey& key) const;
  /// The highest version that is held of a chunk.
  std::optional<ReplicaKey> newest(ChunkId chunk) const;
  void put(const ReplicaKey& key, const Replica& replica);
  /// False if there was no such replica.
  bool erase(const ReplicaKey& key);
  /// Changes what was found; the replica must be there.
  void set_finding(const ReplicaKey& key, ReplicaFinding finding);
  void set_checked(const ReplicaKey& key, AgeReading when);

  Bytes used() const { return used_; }
  /// How many replicas were found to be so.
  std::size_t count(ReplicaFinding finding) const { return found_[index_of(finding)]; }
  const std::map<ReplicaKey, Replica>& all() const { return replicas_; }

 private:
  static std::size_t index_of(ReplicaFinding finding) { return static_cast<std::size_t>(finding); }

  std::map<ReplicaKey, Replica> replicas_;
  Bytes used_;
  std::array<std::size_t, 4> found_{};  // by finding
};

}  // namespace evenkeel::agent
