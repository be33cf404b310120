#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/checksum/checksum.h"
#include "common/model/command.h"
#include "common/model/transfer.h"
#include "common/reactor/tcp.h"

namespace evenkeel::cli {

/// A chunk that is being read: the blocks that have come and matched, whoever sent them. The
/// manifest must hash to the checksum that the rebalancer gave, so blocks of one holder fit to
/// those of another.
class PartialChunk {
 public:
  explicit PartialChunk(const ChunkContent& content) : content_(content) {}

  /// What is wrong with a holder's manifest; nothing if it is that of this chunk.
  std::optional<std::string> take_manifest(const TransferManifest& manifest);
  /// What is wrong with bytes that came; nothing if each of their blocks matched. Blocks that are
  /// there already are passed over. The manifest must have been taken.
  std::optional<std::string> take_bytes(std::uint64_t offset, std::span<const std::uint8_t> bytes);

  bool complete() const { return known_ && missing_ == 0; }
  /// Where to go on reading: the begin of the first missing block, or the size.
  std::uint64_t first_missing() const;
  const ChunkContent& content() const { return content_; }
  /// All bytes, once it is complete.
  Buffer release() { return std::move(bytes_); }

 private:
  ChunkContent content_;
  bool known_ = false;
  Manifest manifest_;
  Buffer bytes_;
  std::vector<bool> have_;  // of each block
  std::size_t missing_ = 0;
};

}  // namespace evenkeel::cli
