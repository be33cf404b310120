#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"

/// The two files in which a cluster is handed to the offline planner; README.md beside this file
/// says what is in them. All of this is pure: bytes in, rows out. Faults are kMalformed and name
/// the file and the line, row or offset.
namespace evenkeel::offline {

enum class ServerState : std::uint8_t {
  kUp,
  kNew,       ///< empty and usable
  kDraining,  ///< is read from, and has to be emptied
  kDown       ///< neither read nor written
};

/// Whether replicas may be put there.
constexpr bool usable(ServerState state) {
  return state == ServerState::kUp || state == ServerState::kNew;
}

/// A row of servers.csv; its id is its place.
struct ServerRow {
  std::string location;  ///< "zone/rack/host"
  Bytes capacity;
  Bytes used;  ///< by what chunks.bin holds of it
  ServerState state = ServerState::kUp;
};

/// Where bytes stop being counted: sums of as much as this still fit into 64 bits.
inline constexpr std::uint64_t kServersMax = std::uint64_t{1} << 20, kReplicasMax = 16,
                               kChunksMax = std::uint64_t{1} << 31,
                               kCapacityMax = std::uint64_t{1} << 56,
                               kTotalKibMax = std::uint64_t{1} << 52;

/// All of servers.csv. `name` is what faults call it.
Result<std::vector<ServerRow>> parse_servers(const std::string& name, std::string_view text);

/// What chunks.bin begins with.
struct ChunksHeader {
  static constexpr std::size_t kBytes = 24;
  std::uint64_t chunks = 0;
  std::uint32_t replicas = 0;  ///< of each chunk
  std::uint32_t servers = 0;
};

/// `bytes` are the first ones of a file of `file_bytes`, as many as there are of kBytes; `servers`
/// is the number of rows in servers.csv. What the header claims is in the file.
Result<ChunksHeader> parse_header(const std::string& name, std::span<const std::byte> bytes,
                                  std::uint64_t file_bytes, std::size_t servers);

/// Fills `into` with what stands at `offset`. Not all of it there: false.
using ReadAt = std::function<bool(std::uint64_t offset, std::span<std::byte> into)>;
/// Takes a chunk; its id is its place. Holders are different servers, and they exist.
using TakeChunk = std::function<void(Bytes size, std::span<const std::uint32_t> holders)>;

/// Hands on all chunks in order, read in blocks of a few hundred kilobytes.
Result<void> read_chunks(const std::string& name, const ChunksHeader& header, const ReadAt& read,
                         const TakeChunk& take);

}  // namespace evenkeel::offline
