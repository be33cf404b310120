#include "services/agent/store/manifest_file.h"

#include <algorithm>
#include <string_view>

namespace evenkeel::agent {
namespace {

constexpr std::string_view kMagic = "EKM1";
constexpr std::size_t kNumberBytes = 8;

void put(std::vector<std::uint8_t>& bytes, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<std::uint8_t>(number >> shift));
  }
}

std::uint64_t take(std::span<const std::uint8_t> bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < kNumberBytes; ++i) number = number << 8 | bytes[i];
  return number;
}

}  // namespace

std::vector<std::uint8_t> manifest_bytes(const Manifest& manifest) {
  std::vector<std::uint8_t> bytes(kMagic.begin(), kMagic.end());
  bytes.reserve(kMagic.size() + kNumberBytes * (1 + manifest.blocks.size()));
  put(bytes, manifest.size_bytes);
  for (const BlockChecksum block : manifest.blocks) put(bytes, block);
  return bytes;
}

std::optional<Manifest> parse_manifest(std::span<const std::uint8_t> bytes) {
  const std::size_t head = kMagic.size() + kNumberBytes;
  if (bytes.size() < head || (bytes.size() - head) % kNumberBytes != 0) return std::nullopt;
  if (!std::equal(kMagic.begin(), kMagic.end(), bytes.begin())) return std::nullopt;
  Manifest manifest{take(bytes.subspan(kMagic.size())), {}};
  for (std::size_t at = head; at < bytes.size(); at += kNumberBytes) {
    manifest.blocks.push_back(take(bytes.subspan(at)));
  }
  if (manifest.blocks.size() != block_count(manifest.size_bytes)) return std::nullopt;
  return manifest;
}

bool manifest_matches(const Manifest& manifest, std::uint64_t size_bytes,
                      const Checksum& checksum) {
  return manifest.size_bytes == size_bytes && manifest.blocks.size() == block_count(size_bytes) &&
         chunk_checksum(manifest) == checksum;
}

}  // namespace evenkeel::agent
