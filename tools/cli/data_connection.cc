#include "tools/cli/data_connection.h"

#include <algorithm>
#include <utility>

namespace evenkeel::cli {
namespace {

/// Enough to keep the network busy; what waits beyond it only takes memory.
constexpr std::size_t kQueuedMax = std::size_t{2} << 20;

}  // namespace

std::string to_string(const DataFault& fault) {
  return fault.what.empty() ? fault.code : fault.code + ": " + fault.what;
}

Buffer frame_of(wire::FrameType type, std::uint64_t transfer, std::string_view payload,
                std::uint64_t offset) {
  const auto header =
      wire::encode({type, static_cast<std::uint32_t>(payload.size()), transfer, offset});
  Buffer frame(header.size() + payload.size());
  const auto rest = std::copy(header.begin(), header.end(), frame.begin());
  std::copy(payload.begin(), payload.end(), rest);
  return frame;
}

DataConnection::DataConnection(Loop& loop, std::string address)
    : loop_(&loop), address_(std::move(address)) {}

void DataConnection::connect() {
  connected_ = false;
  ++connections_;
  stream_ = TcpStream::connect(
      *loop_, address_,
      {.on_connected = [this] { connected_ = true; },
       .on_data = [this](std::span<const std::uint8_t> bytes) { take(bytes); },
       .on_close =
           [this](const std::string& why) {
             break_off({"unreachable", why.empty() ? "the connection was closed" : why});
           }});
}

std::uint64_t DataConnection::begin(Handlers handlers) {
  if (!stream_) connect();
  transfers_.emplace(++last_transfer_, std::make_shared<Handlers>(std::move(handlers)));
  return last_transfer_;
}

void DataConnection::send(Buffer frame) {
  if (stream_) stream_->write(std::move(frame));
}

void DataConnection::more(std::uint64_t transfer) {
  with_frames_.push_back(transfer);
  pump();
}

void DataConnection::end(std::uint64_t transfer) {
  transfers_.erase(transfer);
}

void DataConnection::give_up_connecting() {
  if (stream_ && !connected_) break_off({"unreachable", "no connection in the time allowed"});
}

void DataConnection::pump() {
  while (stream_ && !with_frames_.empty() && stream_->queued_bytes() < kQueuedMax) {
    const std::uint64_t transfer = with_frames_.front();
    with_frames_.pop_front();
    const auto found = transfers_.find(transfer);
    if (found == transfers_.end()) continue;
    const auto handlers = found->second;
    std::optional<Buffer> frame = handlers->next_frame();
    if (!frame) continue;
    with_frames_.push_back(transfer);
    stream_->write(std::move(*frame), [this] { pump(); });
  }
}

void DataConnection::take(std::span<const std::uint8_t> bytes) {
  received_.insert(received_.end(), bytes.begin(), bytes.end());
  Buffer frames = std::exchange(received_, {});
  std::size_t at = 0;
  const std::uint64_t connection = connections_;
  while (frames.size() - at >= wire::kFrameHeaderBytes) {
    const auto* begin = reinterpret_cast<const char*>(frames.data()) + at;
    const auto header = wire::decode_frame_header(
        std::span<const char, wire::kFrameHeaderBytes>(begin, wire::kFrameHeaderBytes));
    if (!header) return break_off({"malformed", header.error().what});
    if (frames.size() - at < wire::kFrameHeaderBytes + header->length) break;
    deliver(*header, std::span<const std::uint8_t>(frames).subspan(at + wire::kFrameHeaderBytes,
                                                                   header->length));
    if (!stream_ || connections_ != connection) return;  // a transfer's fault was its end
    at += wire::kFrameHeaderBytes + header->length;
  }
  frames.erase(frames.begin(), frames.begin() + static_cast<std::ptrdiff_t>(at));
  received_ = std::move(frames);
}

/// Frames of transfers that have ended may still be under way; they are nobody's.
void DataConnection::deliver(const wire::FrameHeader& header,
                             std::span<const std::uint8_t> payload) {
  const auto found = transfers_.find(header.transfer);
  if (found == transfers_.end()) return;
  const auto handlers = found->second;  // may end its transfer, and with it itself
  handlers->on_frame(header, payload);
}

void DataConnection::break_off(const DataFault& fault) {
  stream_.reset();
  received_.clear();
  with_frames_.clear();
  for (const auto& [transfer, handlers] : std::exchange(transfers_, {})) handlers->on_fault(fault);
}

}  // namespace evenkeel::cli
