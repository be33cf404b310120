#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/model/command.h"

namespace evenkeel {

struct Ping {};
struct Pong {
  std::string version;
  Epoch epoch;
  std::string mode;  ///< running, safe_mode, unsynced
  std::string why;
  Duration uptime{};
};

struct PutOpen {
  std::string name;
  int goal = 0;  ///< 0: the default of the settings
  Bytes size;
};
struct PutOpened {
  FileId file;
  Bytes chunk_size;
  int goal = 0;  ///< that the file will have
};

struct PutPlace {
  struct Item {
    std::uint64_t index = 0;
    Bytes size;
    Checksum checksum;
    std::vector<ServerId> avoid;
  };
  FileId file;
  std::vector<Item> items;
};
struct PutPlaced {
  struct Item {
    std::uint64_t index = 0;
    ChunkId chunk;
    ChunkVersion version;
    std::vector<Source> targets;  ///< where to store it, with the right to do so
  };
  FileId file;
  Epoch epoch;  ///< of the tokens
  std::vector<Item> items;
};

/// Proof by an agent that it holds a chunk, durable.
struct Receipt {
  ChunkId chunk;
  ServerId server;
  StorageId storage;
  JournalNumber journal;
  std::string receipt;  ///< 32 bytes
};
struct PutClose {
  FileId file;
  std::vector<Receipt> stored;
  bool done = false;
};
struct PutClosed {
  FileId file;
  std::uint64_t chunks = 0;
};

/// A file by its name, or one chunk.
using Named = std::variant<std::string, ChunkId>;

struct Locate {
  Named what;
  std::uint64_t first = 0;  ///< index of the chunk to begin with
};
struct Located {
  struct Item {
    ChunkContent content;
    std::vector<Source> holders;
  };
  std::string name;
  Bytes size;
  std::uint64_t total = 0;  ///< chunks in all
  std::uint64_t first = 0;
  Epoch epoch{0};  ///< of the tokens
  std::vector<Item> chunks;
};

struct DeleteNamed {
  Named what;
};
struct Deleted {
  std::uint64_t chunks = 0;
};

/// "No", and why. The code is one of those in schema/wire/README.md, section 5.
struct Refused {
  std::string code;
  std::string what;
};

using Request = std::variant<Ping, PutOpen, PutPlace, PutClose, Locate, DeleteNamed>;
using Answer = std::variant<Pong, PutOpened, PutPlaced, PutClosed, Located, Deleted, Refused>;

struct ControlRequest {
  std::uint64_t request = 0;
  Request what;
};
struct ControlAnswer {
  std::uint64_t request = 0;
  Answer what;
};

/// What the rebalancer tells anyone who listens.
struct RebalancerEvent {
  EventNumber number;
  Timestamp at{};
  std::string kind;  ///< server, chunk, command, mode, file
  std::string subject;
  std::string text;
};

}  // namespace evenkeel
