#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "common/model/command.h"
#include "services/agent/core/replica_table.h"

namespace evenkeel::agent {

/// What the name of a file in live/ says (schema/disk/README.md). No checksum: a file to adopt.
struct ChunkName {
  ReplicaKey key;
  std::optional<Checksum> checksum;
};

inline constexpr std::string_view kManifestEnding = ".manifest";

/// "00000000000000c7.3.<32 hex digits>".
std::string file_name(const ReplicaKey& key, const Checksum& checksum);
inline std::string file_name(const ChunkContent& content) {
  return file_name(key_of(content), content.checksum);
}

/// Nothing: not the name of a chunk, in the one spelling that we write.
std::optional<ChunkName> parse_name(std::string_view name);

}  // namespace evenkeel::agent
