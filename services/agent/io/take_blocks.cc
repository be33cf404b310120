#include "services/agent/io/take_blocks.h"

#include "common/base/mutant.h"

#include <algorithm>

namespace evenkeel::agent {

std::optional<DiskFault> take_blocks(const AsideFile& file, const Manifest& manifest,
                                     std::uint64_t offset, const Buffer& bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += kBlockBytes) {
    const std::span<const std::uint8_t> block(
        bytes.data() + at, std::min<std::size_t>(kBlockBytes, bytes.size() - at));
    const std::uint64_t number = (offset + at) / kBlockBytes;
    EK_CHECK(number < manifest.blocks.size());
    if (block_checksum(block) != manifest.blocks[number] && !EK_MUTANT(copy_without_checksum)) {
      return DiskFault{DiskFault::Kind::kCorrupt, "block " + std::to_string(number)};
    }
  }
  const auto written = file.write(offset, bytes);
  return written ? std::nullopt : std::optional(written.error());
}

std::optional<DiskFault> take_one_block(const AsideFile& file, const Checksum& checksum,
                                        const Buffer& bytes) {
  EK_CHECK(block_count(bytes.size()) == 1);
  const bool right = chunk_checksum({bytes.size(), {block_checksum(bytes)}}) == checksum;
  if (!right && !EK_MUTANT(copy_without_checksum)) {
    return DiskFault{DiskFault::Kind::kCorrupt, "its only block"};
  }
  const auto written = file.write(0, bytes);
  return written ? std::nullopt : std::optional(written.error());
}

}  // namespace evenkeel::agent
