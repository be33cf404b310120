#pragma once
#include <deque>

#include "services/agent/core/block_plan.h"
#include "services/agent/io/connection.h"
#include "services/agent/store/chunk_reader.h"

namespace evenkeel::agent {

/// A chunk being read by another agent or a client. Every block that goes to a client is matched
/// with the manifest before: what is wrong here is found here, and said. To another agent a chunk
/// goes straight from the disk, if it is large or of one block, for the target matches every block
/// before it takes it, and says if one is wrong.
class ReadTransfer final : public Transfer, public std::enable_shared_from_this<ReadTransfer> {
 public:
  ReadTransfer(Connection& connection, std::uint64_t id, const TransferOpen& open);
  void start();
  void on_read(const TransferRead& read) override;
  void on_data(std::uint64_t offset, Buffer&& bytes) override;
  void on_doubted() override { connection_.look_at(*content_); }
  void on_room() override { all_at_once_ ? send_whole() : pump(); }

 private:
  void send_whole();
  void read_all();
  void have_all(DiskResult<WholeChunk>& chunk);
  void read_unlooked();
  void open_unlooked();
  void open();
  void opened(const DiskResult<std::shared_ptr<const ChunkReader>>& reader);
  void say_manifest(const Manifest& manifest);
  std::shared_ptr<ReadRoom::Share> room_for(std::uint64_t bytes);
  void pump();
  void send_straight();
  void have(BlockRange range, const DiskResult<Buffer>& bytes);
  void fail(const DiskFault& fault);

  Connection& connection_;
  const std::uint64_t id_;
  const TransferOpen open_;
  std::optional<ChunkContent> content_;
  AgeReading since_{};  // the file that is read was there then
  std::shared_ptr<const ChunkReader> reader_;
  bool told_ = false;  // the manifest, if it was wanted
  std::deque<BlockRange> wanted_;
  bool reading_ = false;
  bool all_at_once_ = false;  // it is small, and wanted whole: read in one go when there is room
  Work work_;
};

}  // namespace evenkeel::agent
