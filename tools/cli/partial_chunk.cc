#include "tools/cli/partial_chunk.h"

#include <algorithm>

#include "common/base/check.h"

namespace evenkeel::cli {

std::optional<std::string> PartialChunk::take_manifest(const TransferManifest& manifest) {
  const std::uint64_t size = content_.size.count();
  if (manifest.size != content_.size) {
    return "its size is " + std::to_string(manifest.size.count()) + " and not " +
           std::to_string(size);
  }
  if (manifest.block_bytes != kBlockBytes || manifest.blocks.size() != block_count(size)) {
    return "its manifest is not one of blocks of 256 KiB";
  }
  Manifest claimed{size, manifest.blocks};
  if (chunk_checksum(claimed) != content_.checksum) return "its manifest is of another content";
  if (known_) return std::nullopt;
  known_ = true;
  manifest_ = std::move(claimed);
  missing_ = manifest_.blocks.size();
  have_.assign(missing_, false);
  bytes_.resize(size);
  return std::nullopt;
}

std::optional<std::string> PartialChunk::take_bytes(std::uint64_t offset,
                                                    std::span<const std::uint8_t> bytes) {
  EK_CHECK(known_);
  const std::uint64_t size = content_.size.count();
  if (offset % kBlockBytes != 0 || offset > size || bytes.size() > size - offset) {
    return "bytes at " + std::to_string(offset) + ", where no block begins";
  }
  while (!bytes.empty()) {
    const std::size_t index = offset / kBlockBytes;
    const std::uint64_t length = std::min(kBlockBytes, size - offset);
    if (bytes.size() < length) return "a part of block " + std::to_string(index);
    const auto block = bytes.first(length);
    if (block_checksum(block) != manifest_.blocks[index]) {
      return "block " + std::to_string(index) + " does not match its checksum";
    }
    if (!have_[index]) {
      std::copy(block.begin(), block.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
      have_[index] = true;
      --missing_;
    }
    bytes = bytes.subspan(length);
    offset += length;
  }
  return std::nullopt;
}

std::uint64_t PartialChunk::first_missing() const {
  const auto found = std::find(have_.begin(), have_.end(), false);
  const auto index = static_cast<std::uint64_t>(found - have_.begin());
  return std::min(index * kBlockBytes, content_.size.count());
}

}  // namespace evenkeel::cli
