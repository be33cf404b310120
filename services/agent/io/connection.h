#pragma once
#include <deque>
#include <map>
#include <memory>
#include <string>

#include "common/reactor/work.h"
#include "services/agent/io/data_port.h"
#include "services/agent/io/frame_reader.h"

namespace evenkeel::agent {

/// A transfer on a connection that somebody made to us: a chunk being read, or one being stored.
class Transfer {
 public:
  virtual ~Transfer() = default;
  virtual void on_read(const TransferRead& read) = 0;
  virtual void on_data(std::uint64_t offset, Buffer&& bytes) = 0;
  /// The connection has room again.
  virtual void on_room() = 0;
  /// The other side says that the bytes are not what they should be; the transfer ends with that.
  virtual void on_doubted() {}
};

/// One connection to the data port. Never has more than a few MiB waiting to be sent or written:
/// whoever does not read does not get more, whoever sends too fast is read from more slowly.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  static constexpr std::size_t kQueuedMax = 4 << 20;
  static constexpr std::size_t kTransfersMax = 4096;  // on one connection

  Connection(DataPort& port, std::unique_ptr<TcpStream> stream);
  void start();

  /// For its transfers.
  Storage& storage() { return port_.storage_; }
  Committer& committer() { return port_.committer_; }
  Loop& loop() { return port_.loop_; }
  const std::shared_ptr<ReadRoom>& read_room() { return port_.read_room_; }
  bool has_room() const { return stream_ && stream_->queued_bytes() < kQueuedMax; }
  /// Its on_room() is called when there is.
  void wait_for_room(std::uint64_t transfer) { waiting_.push_back(transfer); }
  void send(std::uint64_t transfer, wire::FrameType type, const wire::Message& message);
  void send_data(std::uint64_t transfer, std::uint64_t offset, std::span<const std::uint8_t> bytes);
  /// A chunk that has room for the head of a frame ahead of its bytes.
  void send_whole(std::uint64_t transfer, Buffer&& frame);
  /// A data frame straight from the disk: nobody looks at its bytes here.
  void send_file(std::uint64_t transfer, FilePiece piece);
  /// Somebody doubts that this replica is what its name says.
  void look_at(const ChunkContent& content) { port_.look_at(content); }
  /// Ends the transfer, which may be the caller: it is destroyed a turn later.
  void fail(std::uint64_t transfer, const std::string& code, const std::string& what);
  void end(std::uint64_t transfer);
  /// `more` bytes came that are not on the disk yet, or (negative) got there.
  void unwritten(std::int64_t more);

  std::string peer() const { return stream_ ? stream_->peer() : "gone"; }
  bool idle_since(Instant then) const { return last_ < then; }
  void close();

 private:
  struct Held {
    std::shared_ptr<Transfer> transfer;
    std::string token;
  };
  bool on_frame(const wire::FrameHeader& header, Buffer&& payload);
  bool on_message(const wire::FrameHeader& header, const Buffer& payload);
  void open(std::uint64_t transfer, const TransferOpen& open);
  void store(std::uint64_t transfer, const TransferStore& store);
  bool enter(std::uint64_t transfer, const std::string& token, bool alone,
             std::optional<TransferError> fault);
  bool garbage(const std::string& why);
  void written();

  DataPort& port_;
  std::unique_ptr<TcpStream> stream_;
  FrameReader frames_;
  std::map<std::uint64_t, Held> transfers_;
  std::deque<std::uint64_t> waiting_;  // for room; some may have ended
  std::int64_t unwritten_ = 0;
  bool paused_ = false;
  Instant last_;
};

}  // namespace evenkeel::agent
