#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/model/control.h"
#include "common/model/transfer.h"
#include "common/reactor/tcp.h"
#include "common/wire/frame.h"

namespace evenkeel::cli {

/// A chunk for tests: `size` bytes that depend on `seed`, and what they add up to.
struct MadeChunk {
  MadeChunk(std::uint64_t id, std::size_t size, unsigned seed);
  std::shared_ptr<Buffer> bytes;
  TransferManifest manifest;
  ChunkContent content;
};

/// The data port of an agent that behaves as it is told.
class FakeDataPort {
 public:
  enum class Does {
    kGood,
    kCorruptBlock,   // serves one byte that is not what it was; accepts stores
    kOtherManifest,  // serves the manifest of another chunk
    kStops,          // serves one block and then nothing; never answers a store
    kRefuses,        // answers every open and store with an error of `code`
    kGarbage,        // answers with what is no frame
    kHangsUp,        // closes the connection at the first frame
    kBytesFirst,     // sends bytes before the manifest
    kOtherReceipt,   // answers a store with a receipt for another chunk
  };

  FakeDataPort(Loop& loop, ServerId server, Does does, std::string code = "no_space");

  std::string address() const;
  Source source() const { return {server_, storage_, address(), std::string(32, 't')}; }
  ServerId server() const { return server_; }
  void hold(const MadeChunk& chunk) { chunks_.push_back(chunk); }
  void now(Does does) { does_ = does; }

  std::size_t connections_made = 0;
  std::size_t opens = 0;
  std::vector<std::uint64_t> open_offsets;
  std::vector<TransferStore> stores;  ///< begun
  std::vector<Buffer> stored;         ///< whole, in the order in which they were completed
  std::size_t dones = 0;

 private:
  struct Storing {
    TransferStore message;
    Buffer bytes;
  };
  struct Connection {
    std::unique_ptr<TcpStream> stream;
    Buffer received;
    std::map<std::uint64_t, Storing> storing;
    std::map<std::uint64_t, ChunkId> reading;
  };
  void accept(std::unique_ptr<TcpStream> stream);
  void take(Connection& connection, std::span<const std::uint8_t> bytes);
  void handle(Connection& connection, const wire::FrameHeader& header, std::string_view payload);
  void opened(Connection& connection, std::uint64_t transfer, const TransferOpen& open);
  void serve(Connection& connection, std::uint64_t transfer, std::uint64_t offset,
             std::uint64_t length);
  void finish_store(Connection& connection, std::uint64_t transfer);
  void say(Connection& connection, wire::FrameType type, std::uint64_t transfer,
           const TransferMessage& message);
  const MadeChunk& chunk(ChunkId id) const;

  ServerId server_;
  StorageId storage_;
  Does does_;
  std::string code_;
  std::vector<MadeChunk> chunks_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::unique_ptr<TcpListener> listener_;
};

}  // namespace evenkeel::cli
