#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/base/checksum_value.h"

/// How the bytes of a chunk are summed up. One pass suffices for both levels, and each block can be
/// verified alone, so a copy is checked as it comes and a scrub can tell which block is bad.
namespace evenkeel {

inline constexpr std::uint64_t kBlockBytes = 256 * 1024;

/// XXH3-64, seed 0, of the bytes of one block.
using BlockChecksum = std::uint64_t;

/// A chunk's size and the checksums of its blocks in order. All blocks are of kBlockBytes, except
/// for the last one, which may be shorter and is never empty. A chunk of no bytes has no blocks.
struct Manifest {
  std::uint64_t size_bytes = 0;
  std::vector<BlockChecksum> blocks;
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

constexpr std::uint64_t block_count(std::uint64_t size_bytes) {
  return size_bytes / kBlockBytes + (size_bytes % kBlockBytes == 0 ? 0 : 1);
}
/// Of one block of a chunk: the last one may be shorter.
constexpr std::uint64_t block_size(std::uint64_t size_bytes, std::uint64_t block) {
  const std::uint64_t begin = block * kBlockBytes;
  return size_bytes - begin < kBlockBytes ? size_bytes - begin : kBlockBytes;
}

BlockChecksum block_checksum(std::span<const std::uint8_t> block);

/// The checksum of the whole chunk: XXH3-128, in its canonical order of bytes, of the size and then
/// each block's checksum, all as 8 bytes big-endian. The manifest must have block_count() blocks.
Checksum chunk_checksum(const Manifest& manifest);

/// Makes a manifest from bytes that come in pieces of any size.
class ChunkHasher {
 public:
  ChunkHasher();
  ~ChunkHasher();
  ChunkHasher(ChunkHasher&&) noexcept;
  ChunkHasher& operator=(ChunkHasher&&) noexcept;

  void update(std::span<const std::uint8_t> piece);
  /// Ends this chunk; the hasher can then begin another.
  Manifest finish();

 private:
  struct State;
  void end_block();

  std::unique_ptr<State> state_;
  std::uint64_t in_block_ = 0;  // bytes of the block that has begun
  Manifest manifest_;
};

}  // namespace evenkeel
