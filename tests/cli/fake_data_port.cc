#include "tests/cli/fake_data_port.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/base/overloaded.h"
#include "common/checksum/checksum.h"
#include "common/wire/codec.h"
#include "tools/cli/data_connection.h"

namespace evenkeel::cli {
namespace {

constexpr const char* kCluster = "test";

wire::Message any(const TransferMessage& message) {
  return std::visit([](const auto& one) { return wire::Message(one); }, message);
}

StorageId storage_of(ServerId server) {
  StorageId::Array bytes{};
  bytes[15] = static_cast<std::uint8_t>(server.value());
  return StorageId(bytes);
}

}  // namespace

MadeChunk::MadeChunk(std::uint64_t id, std::size_t size, unsigned seed)
    : bytes(std::make_shared<Buffer>(size)),
      manifest{Bytes(size), Checksum(Checksum::Array{}), kBlockBytes, {}},
      content{ChunkId(id), ChunkVersion(1), Bytes(size), Checksum(Checksum::Array{})} {
  for (std::size_t i = 0; i < size; ++i) {
    (*bytes)[i] = static_cast<std::uint8_t>(i * 7 + i / 251 + seed);
  }
  ChunkHasher hasher;
  hasher.update(*bytes);
  const Manifest made = hasher.finish();
  manifest.blocks = made.blocks;
  manifest.checksum = content.checksum = chunk_checksum(made);
}

FakeDataPort::FakeDataPort(Loop& loop, ServerId server, Does does, std::string code)
    : server_(server),
      storage_(storage_of(server)),
      does_(does),
      code_(std::move(code)),
      listener_(std::make_unique<TcpListener>(
          loop, TcpListener::Settings{.host_port = "127.0.0.1:0"},
          [this](std::unique_ptr<TcpStream> stream) { accept(std::move(stream)); })) {}

std::string FakeDataPort::address() const {
  return "127.0.0.1:" + std::to_string(listener_->port());
}

const MadeChunk& FakeDataPort::chunk(ChunkId id) const {
  const auto found =
      std::ranges::find(chunks_, id, [](const MadeChunk& c) { return c.content.chunk; });
  EK_CHECK(found != chunks_.end());
  return *found;
}

void FakeDataPort::accept(std::unique_ptr<TcpStream> stream) {
  ++connections_made;
  connections_.push_back(std::make_unique<Connection>());
  Connection& connection = *connections_.back();
  connection.stream = std::move(stream);
  connection.stream->start(
      {.on_data = [this, &connection](std::span<const std::uint8_t> b) { take(connection, b); }});
}

void FakeDataPort::take(Connection& connection, std::span<const std::uint8_t> bytes) {
  Buffer& received = connection.received;
  received.insert(received.end(), bytes.begin(), bytes.end());
  std::size_t at = 0;
  while (received.size() - at >= wire::kFrameHeaderBytes) {
    const auto* begin = reinterpret_cast<const char*>(received.data()) + at;
    const auto header = wire::decode_frame_header(
        std::span<const char, wire::kFrameHeaderBytes>(begin, wire::kFrameHeaderBytes));
    EK_CHECK(header.has_value());
    if (received.size() - at < wire::kFrameHeaderBytes + header->length) break;
    handle(connection, *header, {begin + wire::kFrameHeaderBytes, header->length});
    at += wire::kFrameHeaderBytes + header->length;
  }
  received.erase(received.begin(), received.begin() + static_cast<std::ptrdiff_t>(at));
}

void FakeDataPort::handle(Connection& connection, const wire::FrameHeader& header,
                          std::string_view payload) {
  const std::uint64_t transfer = header.transfer;
  if (header.type == wire::FrameType::kData) {
    const auto found = connection.storing.find(transfer);
    if (found == connection.storing.end()) return;  // refused meanwhile
    Buffer& bytes = found->second.bytes;
    EK_CHECK(header.offset == bytes.size());
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    return finish_store(connection, transfer);
  }
  const auto message = wire::decode(kCluster, payload);
  EK_CHECK(message.has_value());
  if (does_ == Does::kHangsUp) return connection.stream->close_when_written();
  if (does_ == Does::kGarbage) return connection.stream->write(Buffer(64, 'x'));
  if (const auto* open = std::get_if<TransferOpen>(&*message)) {
    opened(connection, transfer, *open);
  } else if (const auto* read = std::get_if<TransferRead>(&*message)) {
    if (connection.reading.contains(transfer) && does_ != Does::kStops) {
      serve(connection, transfer, read->offset, read->length);
    }
  } else if (const auto* store = std::get_if<TransferStore>(&*message)) {
    stores.push_back(*store);
    if (does_ == Does::kRefuses) {
      return say(connection, wire::FrameType::kError, transfer, TransferError{code_, "as told"});
    }
    connection.storing.emplace(transfer, Storing{*store, {}});
    finish_store(connection, transfer);
  } else {
    ++dones;
    connection.reading.erase(transfer);
  }
}

void FakeDataPort::opened(Connection& connection, std::uint64_t transfer,
                          const TransferOpen& open) {
  ++opens;
  open_offsets.push_back(open.offset);
  if (does_ == Does::kRefuses) {
    return say(connection, wire::FrameType::kError, transfer, TransferError{code_, "as told"});
  }
  connection.reading.emplace(transfer, open.chunk);
  if (does_ == Does::kBytesFirst) serve(connection, transfer, 0, open.length);
  const MadeChunk other(99, chunk(open.chunk).bytes->size(), 200);
  say(connection, wire::FrameType::kManifest, transfer,
      does_ == Does::kOtherManifest ? other.manifest : chunk(open.chunk).manifest);
  const std::uint64_t length = does_ == Does::kStops ? kBlockBytes : open.length;
  serve(connection, transfer, open.offset, length);
}

void FakeDataPort::serve(Connection& connection, std::uint64_t transfer, std::uint64_t offset,
                         std::uint64_t length) {
  Buffer bytes = *chunk(connection.reading.at(transfer)).bytes;
  if (does_ == Does::kCorruptBlock && !bytes.empty()) bytes.back() ^= 1;
  const std::uint64_t end = std::min<std::uint64_t>(offset + length, bytes.size());
  for (; offset < end; offset += kBlockBytes) {
    const std::uint64_t size = std::min(kBlockBytes, end - offset);
    const std::string_view payload(reinterpret_cast<const char*>(bytes.data()) + offset, size);
    connection.stream->write(frame_of(wire::FrameType::kData, transfer, payload, offset));
  }
}

void FakeDataPort::finish_store(Connection& connection, std::uint64_t transfer) {
  Storing& storing = connection.storing.at(transfer);
  if (storing.bytes.size() < storing.message.content.size.count()) return;
  if (does_ == Does::kStops) return;
  stored.push_back(storing.bytes);
  const ChunkContent content = storing.message.content;
  connection.storing.erase(transfer);
  const ChunkId named = does_ == Does::kOtherReceipt ? ChunkId(4711) : content.chunk;
  say(connection, wire::FrameType::kStored, transfer,
      TransferStored{named, content.version, server_, storage_, JournalNumber(stored.size()),
                     std::string(32, 'r')});
}

void FakeDataPort::say(Connection& connection, wire::FrameType type, std::uint64_t transfer,
                       const TransferMessage& message) {
  connection.stream->write(frame_of(type, transfer, wire::encode(kCluster, any(message))));
}

}  // namespace evenkeel::cli
