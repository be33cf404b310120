#include "common/checksum/checksum.h"

#include <algorithm>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/base/check.h"

namespace evenkeel {
namespace {

void append_big_endian(std::vector<std::uint8_t>& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    out.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}

}  // namespace

BlockChecksum block_checksum(std::span<const std::uint8_t> block) {
  EK_CHECK(block.size() <= kBlockBytes);
  return XXH3_64bits(block.data(), block.size());
}

Checksum chunk_checksum(const Manifest& manifest) {
  EK_CHECK(manifest.blocks.size() == block_count(manifest.size_bytes));
  std::vector<std::uint8_t> summed;
  summed.reserve(8 + 8 * manifest.blocks.size());
  append_big_endian(summed, manifest.size_bytes);
  for (const BlockChecksum block : manifest.blocks) append_big_endian(summed, block);

  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(summed.data(), summed.size()));
  Checksum::Array bytes{};
  std::copy(std::begin(canonical.digest), std::end(canonical.digest), bytes.begin());
  return Checksum(bytes);
}

struct ChunkHasher::State {
  XXH3_state_t xxh;
};

ChunkHasher::ChunkHasher() : state_(std::make_unique<State>()) {
  EK_CHECK(XXH3_64bits_reset(&state_->xxh) == XXH_OK);
}
ChunkHasher::~ChunkHasher() = default;
ChunkHasher::ChunkHasher(ChunkHasher&&) noexcept = default;
ChunkHasher& ChunkHasher::operator=(ChunkHasher&&) noexcept = default;

void ChunkHasher::update(std::span<const std::uint8_t> piece) {
  manifest_.size_bytes += piece.size();
  while (!piece.empty()) {
    const auto take = std::min<std::uint64_t>(piece.size(), kBlockBytes - in_block_);
    EK_CHECK(XXH3_64bits_update(&state_->xxh, piece.data(), take) == XXH_OK);
    piece = piece.subspan(take);
    in_block_ += take;
    if (in_block_ == kBlockBytes) end_block();
  }
}

void ChunkHasher::end_block() {
  manifest_.blocks.push_back(XXH3_64bits_digest(&state_->xxh));
  EK_CHECK(XXH3_64bits_reset(&state_->xxh) == XXH_OK);
  in_block_ = 0;
}

Manifest ChunkHasher::finish() {
  if (in_block_ > 0) end_block();
  return std::exchange(manifest_, {});
}

}  // namespace evenkeel
