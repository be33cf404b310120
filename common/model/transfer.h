#pragma once
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/model/command.h"

namespace evenkeel {

/// Messages of the data port (schema/wire/README.md, section 7).
struct TransferOpen {
  enum class Mode { kCopy, kGet };
  Mode mode = Mode::kCopy;
  Epoch epoch;
  std::uint64_t command = 0;  ///< 0 for a client
  ChunkId chunk;
  ChunkVersion version;
  StorageId source;
  std::uint64_t target = 0;  ///< server; 0 for a client
  std::string token;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  /// Of a chunk of one block the bytes alone are wanted: its checksum tells whether they are right.
  bool without_manifest = false;
};
struct TransferManifest {
  Bytes size;
  Checksum checksum;
  std::uint64_t block_bytes = 0;
  std::vector<std::uint64_t> blocks;
};
struct TransferRead {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};
struct TransferDone {};
struct TransferError {
  std::string code;
  std::string what;
};
struct TransferStore {
  ChunkContent content;
  StorageId storage;
  Epoch epoch;
  std::string token;
  std::uint64_t block_bytes = 0;
  std::vector<std::uint64_t> blocks;
};
struct TransferStored {
  ChunkId chunk;
  ChunkVersion version;
  ServerId server;
  StorageId storage;
  JournalNumber journal;
  std::string receipt;
};

using TransferMessage = std::variant<TransferOpen, TransferManifest, TransferRead, TransferDone,
                                     TransferError, TransferStore, TransferStored>;

}  // namespace evenkeel
