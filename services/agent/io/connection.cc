#include "services/agent/io/connection.h"

#include "services/agent/io/read_transfer.h"
#include "services/agent/io/store_transfer.h"

namespace evenkeel::agent {

Connection::Connection(DataPort& port, std::unique_ptr<TcpStream> stream)
    : port_(port), stream_(std::move(stream)), last_(port.storage_.now()) {}

void Connection::start() {
  TcpStream::Handlers handlers;
  handlers.on_data = [this](std::span<const std::uint8_t> bytes) {
    const auto keep = shared_from_this();
    last_ = storage().now();
    const auto fault =
        frames_.feed(bytes, [this](const wire::FrameHeader& header, Buffer&& payload) {
          return on_frame(header, std::move(payload));
        });
    if (fault) garbage(*fault);
  };
  handlers.place = [this] { return frames_.place(); };
  handlers.on_close = [this](const std::string&) { port_.close(*this); };
  stream_->start(std::move(handlers));
}

bool Connection::on_frame(const wire::FrameHeader& header, Buffer&& payload) {
  if (header.type != wire::FrameType::kData) return on_message(header, payload);
  const auto held = transfers_.find(header.transfer);
  if (held == transfers_.end()) return true;  // it has ended; the rest was on its way
  const auto transfer = held->second.transfer;
  transfer->on_data(header.offset, std::move(payload));
  return stream_ != nullptr;
}

bool Connection::on_message(const wire::FrameHeader& header, const Buffer& payload) {
  const auto message = wire::decode(port_.storage_.journal().identity().cluster, text_of(payload));
  if (!message) return garbage(message.error().what);
  const std::uint64_t id = header.transfer;
  const auto held = transfers_.find(id);
  if (header.type == wire::FrameType::kOpen && std::holds_alternative<TransferOpen>(*message)) {
    open(id, std::get<TransferOpen>(*message));
  } else if (header.type == wire::FrameType::kStore &&
             std::holds_alternative<TransferStore>(*message)) {
    store(id, std::get<TransferStore>(*message));
  } else if (header.type == wire::FrameType::kRead &&
             std::holds_alternative<TransferRead>(*message)) {
    const auto transfer = held == transfers_.end() ? nullptr : held->second.transfer;
    if (transfer) transfer->on_read(std::get<TransferRead>(*message));
  } else if ((header.type == wire::FrameType::kDone &&
              std::holds_alternative<TransferDone>(*message)) ||
             (header.type == wire::FrameType::kError &&
              std::holds_alternative<TransferError>(*message))) {
    const auto* error = std::get_if<TransferError>(&*message);
    const auto transfer = held == transfers_.end() ? nullptr : held->second.transfer;
    if (transfer && error && error->code == "corrupt") transfer->on_doubted();
    end(id);
  } else {
    return garbage("a frame that is not for a holder");
  }
  return stream_ != nullptr;
}

bool Connection::enter(std::uint64_t transfer, const std::string& token, bool alone,
                       std::optional<TransferError> fault) {
  if (transfers_.contains(transfer)) {
    garbage("a transfer that was begun before");
    return false;
  }
  if (!fault && transfers_.size() >= kTransfersMax) fault = {"busy", "too many on one connection"};
  if (!fault && !port_.enter(token, alone, *this, transfer)) fault = {"busy", "too many transfers"};
  if (fault) send(transfer, wire::FrameType::kError, *fault);
  return !fault;
}

void Connection::open(std::uint64_t transfer, const TransferOpen& open) {
  // What a client reads may be read by many: a client that retries, or several that share a
  // look-up.
  const bool alone = open.mode == TransferOpen::Mode::kCopy;
  if (!enter(transfer, open.token, alone, port_.token_fault(open))) return;
  const auto reading = std::make_shared<ReadTransfer>(*this, transfer, open);
  transfers_.emplace(transfer, Held{reading, open.token});
  reading->start();
}

void Connection::store(std::uint64_t transfer, const TransferStore& store) {
  if (!enter(transfer, store.token, true, port_.token_fault(store))) return;
  const auto storing = std::make_shared<StoreTransfer>(*this, transfer, store);
  transfers_.emplace(transfer, Held{storing, store.token});
  storing->start();
}

void Connection::send(std::uint64_t transfer, wire::FrameType type, const wire::Message& message) {
  if (!stream_) return;
  const std::string& cluster = port_.storage_.journal().identity().cluster;
  stream_->write(frame_of(type, transfer, wire::encode(cluster, message)));
}

void Connection::send_data(std::uint64_t transfer, std::uint64_t offset,
                           std::span<const std::uint8_t> bytes) {
  if (!stream_) return;
  port_.counts_.bytes_out += bytes.size();
  // The callback ends with the stream, and the stream with this object.
  stream_->write(data_frame(transfer, offset, bytes), [this] { written(); });
}

void Connection::send_whole(std::uint64_t transfer, Buffer&& frame) {
  if (!stream_) return;
  const std::size_t length = frame.size() - wire::kFrameHeaderBytes;
  port_.counts_.bytes_out += length;
  write_data_head(frame, transfer, 0, length);
  stream_->write(std::move(frame), [this] { written(); });
}

void Connection::send_file(std::uint64_t transfer, FilePiece piece) {
  if (!stream_) return;
  port_.counts_.bytes_out += piece.length;
  Buffer head = data_head(transfer, piece.offset, piece.length);
  stream_->write_file(std::move(head), std::move(piece), [this] { written(); });
}

void Connection::written() {
  last_ = storage().now();
  const auto keep = shared_from_this();
  for (std::size_t left = waiting_.size(); left > 0 && has_room(); --left) {
    const auto held = transfers_.find(waiting_.front());
    waiting_.pop_front();
    if (held == transfers_.end()) continue;
    const auto transfer = held->second.transfer;
    transfer->on_room();
  }
}

void Connection::fail(std::uint64_t transfer, const std::string& code, const std::string& what) {
  send(transfer, wire::FrameType::kError, TransferError{code, what});
  end(transfer);
}

void Connection::end(std::uint64_t transfer) {
  const auto held = transfers_.extract(transfer);
  if (held.empty()) return;
  port_.leave(held.mapped().token, *this, transfer);
}

void Connection::unwritten(std::int64_t more) {
  unwritten_ += more;
  if (!stream_) return;
  const bool full = unwritten_ >= static_cast<std::int64_t>(kQueuedMax);
  if (full == paused_) return;
  paused_ = full;
  full ? stream_->pause() : stream_->resume();
}

bool Connection::garbage(const std::string& why) {
  port_.garbage(*this, why);
  port_.close(*this);
  return false;
}

void Connection::close() {
  stream_.reset();
  while (!transfers_.empty()) end(transfers_.begin()->first);
}

}  // namespace evenkeel::agent
