#include "common/checksum/checksum.h"

#include <gtest/gtest.h>

#include "common/base/random.h"

namespace evenkeel {
namespace {

struct Vector {
  std::uint64_t size;
  std::vector<BlockChecksum> blocks;
  const char* chunk;
};

// Made by check_vectors.py with another implementation, which CTest repeats.
const Vector kVectors[] = {
#include "vectors.inc"
};

std::vector<std::uint8_t> content(std::uint64_t size) {
  std::vector<std::uint8_t> bytes(size);
  for (std::uint64_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 31 + i / 256);
  return bytes;
}

Manifest manifest_of(std::span<const std::uint8_t> bytes) {
  ChunkHasher hasher;
  hasher.update(bytes);
  return hasher.finish();
}

TEST(Checksum, IsAsAnotherImplementationHasIt) {
  for (const Vector& vector : kVectors) {
    const Manifest manifest = manifest_of(content(vector.size));
    EXPECT_EQ(manifest.size_bytes, vector.size);
    EXPECT_EQ(manifest.blocks, vector.blocks) << vector.size;
    EXPECT_EQ(to_string(chunk_checksum(manifest)), vector.chunk) << vector.size;
  }
}

TEST(Checksum, DoesNotDependOnThePieces) {
  const auto bytes = content(3 * kBlockBytes + 777);
  const Manifest whole = manifest_of(bytes);
  Rng rng(5);
  ChunkHasher hasher;  // one for all rounds: finish() begins anew
  for (int round = 0; round < 20; ++round) {
    std::span<const std::uint8_t> rest = bytes;
    while (!rest.empty()) {
      const auto limit = std::min<std::uint64_t>(rest.size(), round < 10 ? 5000 : 600'000);
      const auto take = rng.between(0, limit);
      hasher.update(rest.first(take));
      rest = rest.subspan(take);
    }
    EXPECT_EQ(hasher.finish(), whole);
  }
}

TEST(Checksum, EachBlockIsVerifiedAlone) {
  auto bytes = content(2 * kBlockBytes + 5);
  const Manifest manifest = manifest_of(bytes);
  bytes[kBlockBytes + 100] ^= 1;
  const std::span<const std::uint8_t> all = bytes;
  EXPECT_EQ(block_checksum(all.first(kBlockBytes)), manifest.blocks[0]);
  EXPECT_NE(block_checksum(all.subspan(kBlockBytes, kBlockBytes)), manifest.blocks[1]);
  EXPECT_EQ(block_checksum(all.subspan(2 * kBlockBytes)), manifest.blocks[2]);
}

TEST(Checksum, AnyOneBitCounts) {
  auto bytes = content(kBlockBytes + 3);
  const Checksum before = chunk_checksum(manifest_of(bytes));
  for (const std::size_t at : {std::size_t{0}, std::size_t{kBlockBytes}, bytes.size() - 1}) {
    bytes[at] ^= 0x80;
    EXPECT_NE(chunk_checksum(manifest_of(bytes)), before) << at;
    bytes[at] ^= 0x80;
  }
  EXPECT_EQ(chunk_checksum(manifest_of(bytes)), before);
}

TEST(Checksum, CountsBlocks) {
  EXPECT_EQ(block_count(0), 0u);
  EXPECT_EQ(block_count(1), 1u);
  EXPECT_EQ(block_count(kBlockBytes), 1u);
  EXPECT_EQ(block_count(kBlockBytes + 1), 2u);
  EXPECT_EQ(block_count(UINT64_MAX), UINT64_MAX / kBlockBytes + 1);
  EXPECT_DEATH(chunk_checksum({.size_bytes = 1, .blocks = {}}), "check failed");
}

}  // namespace
}  // namespace evenkeel
