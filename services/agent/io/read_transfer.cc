#include "services/agent/io/read_transfer.h"

#include <algorithm>

namespace evenkeel::agent {
namespace {

constexpr std::uint64_t kBlocksAtOnce = 4;  // one frame: 1 MiB
constexpr std::uint64_t kBytesAtOnce = kBlocksAtOnce * kBlockBytes;
constexpr std::size_t kReadsWaitingMax = 256;
constexpr std::uint64_t kWorthAFile = 16 * 1024;  // less is copied as fast as handed over
constexpr std::uint64_t kFilesMax = 128;          // opened to be sent, and not sent

std::string code_of(const DiskFault& fault) {
  switch (fault.kind) {
    case DiskFault::Kind::kMissing:
      return "missing";
    case DiskFault::Kind::kShort:
    case DiskFault::Kind::kCorrupt:
      return "corrupt";
    case DiskFault::Kind::kNoSpace:
    case DiskFault::Kind::kIo:
      return "io";
  }
  return "io";
}

}  // namespace

ReadTransfer::ReadTransfer(Connection& connection, std::uint64_t id, const TransferOpen& open)
    : connection_(connection), id_(id), open_(open), work_(connection.loop()) {}

void ReadTransfer::start() {
  const ReplicaKey key{open_.chunk, open_.version};
  const ReplicaTable& table = connection_.storage().table();
  const Replica* replica = table.find(key);
  if (!replica) {
    const auto newest = table.newest(open_.chunk);
    return newest ? connection_.fail(id_, "version", to_string(*newest) + " is here")
                  : connection_.fail(id_, "missing", "no such replica here");
  }
  if (replica->finding != ReplicaFinding::kOk) {
    return connection_.fail(id_, "corrupt", "this replica is known to be bad");
  }
  content_ = content_of(key, *replica);
  since_ = connection_.storage().age_now();
  const std::uint64_t size = content_->size.count();
  all_at_once_ = size <= kBytesAtOnce && open_.offset == 0 && open_.length == size;
  all_at_once_ ? send_whole() : open();
}

/// A small chunk takes one turn of a thread.
void ReadTransfer::send_whole() {
  if (!connection_.has_room()) return connection_.wait_for_room(id_);
  const std::uint64_t size = content_->size.count();
  const bool alone = open_.mode == TransferOpen::Mode::kCopy && open_.without_manifest;
  if (!alone || block_count(size) != 1) return read_all();
  size > kWorthAFile ? open_unlooked() : read_unlooked();
}

/// One read and one look at its bytes.
void ReadTransfer::read_all() {
  auto room = room_for(content_->size.count());
  if (!room) return;
  all_at_once_ = false;
  reading_ = true;
  auto chunk = std::make_shared<DiskResult<WholeChunk>>();
  connection_.storage().small_work().run(
      work_,
      [chunk, files = connection_.storage().files(), content = *content_] {
        *chunk = read_whole(*files, content, wire::kFrameHeaderBytes);
      },
      [this, chunk, room] { have_all(*chunk); });
}

void ReadTransfer::have_all(DiskResult<WholeChunk>& chunk) {
  const auto keep = shared_from_this();
  reading_ = false;
  if (!chunk) return fail(chunk.error());
  say_manifest(chunk->manifest);
  if (content_->size > Bytes()) connection_.send_whole(id_, std::move(chunk->bytes));
  if (!wanted_.empty()) open();  // it was not enough, whatever for
}

void ReadTransfer::read_unlooked() {
  auto room = room_for(content_->size.count());
  if (!room) return;
  all_at_once_ = false;
  reading_ = true;
  auto bytes = std::make_shared<DiskResult<Buffer>>();
  connection_.storage().small_work().run(
      work_,
      [bytes, files = connection_.storage().files(), content = *content_] {
        *bytes = read_unseen(*files, content, wire::kFrameHeaderBytes);
      },
      [this, bytes, room] {
        const auto keep = shared_from_this();
        reading_ = false;
        if (!*bytes) return fail(bytes->error());
        told_ = true;
        connection_.send_whole(id_, std::move(**bytes));
        if (!wanted_.empty()) open();
      });
}

/// Its room is taken until it is sent, for there must not be too many open files.
void ReadTransfer::open_unlooked() {
  struct Open {
    DiskResult<File> file = tl::unexpected(DiskFault{DiskFault::Kind::kMissing, ""});
    std::shared_ptr<ReadRoom::Share> room;
  };
  auto open = std::make_shared<Open>();
  open->room = room_for(std::max(content_->size.count(), ReadRoom::kBytesMax / kFilesMax));
  if (!open->room) return;
  all_at_once_ = false;
  reading_ = true;
  connection_.storage().small_work().run(
      work_,
      [open, files = connection_.storage().files(), content = *content_] {
        open->file = open_unseen(*files, content);
      },
      [this, open] {
        const auto keep = shared_from_this();
        reading_ = false;
        if (!open->file) return fail(open->file.error());
        told_ = true;
        const int descriptor = open->file->descriptor();
        connection_.send_file(id_, {descriptor, open, 0, content_->size.count()});
        if (!wanted_.empty()) this->open();
      });
}

void ReadTransfer::say_manifest(const Manifest& manifest) {
  connection_.send(
      id_, wire::FrameType::kManifest,
      TransferManifest{content_->size, content_->checksum, kBlockBytes, manifest.blocks});
  told_ = true;
}

/// A late word of room to a transfer that has gone is for nobody.
std::shared_ptr<ReadRoom::Share> ReadTransfer::room_for(std::uint64_t bytes) {
  return ReadRoom::take(connection_.read_room(), bytes, [weak = weak_from_this()] {
    if (const auto transfer = weak.lock()) transfer->on_room();
  });
}

void ReadTransfer::open() {
  if (open_.length > 0 && !told_) on_read({open_.offset, open_.length});
  reading_ = true;
  using Opened = DiskResult<std::shared_ptr<const ChunkReader>>;
  auto reader = std::make_shared<Opened>();
  work_.run([reader, files = connection_.storage().files(),
             content = *content_] { *reader = ChunkReader::open(*files, content); },
            [this, reader] { opened(*reader); });
}

void ReadTransfer::opened(const DiskResult<std::shared_ptr<const ChunkReader>>& reader) {
  const auto keep = shared_from_this();
  reading_ = false;
  if (!reader) return fail(reader.error());
  reader_ = *reader;
  if (!told_) say_manifest(reader_->manifest());
  pump();
}

void ReadTransfer::on_read(const TransferRead& read) {
  const auto keep = shared_from_this();
  const std::uint64_t size = content_->size.count();
  const bool fits = read.offset % kBlockBytes == 0 && read.length > 0 && read.offset < size &&
                    read.length <= size - read.offset &&
                    (read.length % kBlockBytes == 0 || read.offset + read.length == size) &&
                    wanted_.size() < kReadsWaitingMax;
  if (!fits) return connection_.fail(id_, "malformed", "not a run of whole blocks of the chunk");
  wanted_.push_back({read.offset / kBlockBytes, block_count(read.length)});
  if (told_ && !reader_ && !reading_) return open();
  pump();
}

void ReadTransfer::on_data(std::uint64_t, Buffer&&) {
  connection_.fail(id_, "malformed", "bytes for a transfer that only reads");
}

void ReadTransfer::pump() {
  if (reading_ || !reader_ || wanted_.empty()) return;
  if (open_.mode == TransferOpen::Mode::kCopy) return send_straight();
  if (!connection_.has_room()) return connection_.wait_for_room(id_);
  BlockRange& front = wanted_.front();
  const BlockRange range{front.first, std::min(front.count, kBlocksAtOnce)};
  auto room = room_for(range.count * kBlockBytes);
  if (!room) return;
  front.first += range.count;
  front.count -= range.count;
  if (front.count == 0) wanted_.pop_front();
  reading_ = true;
  auto bytes = std::make_shared<DiskResult<Buffer>>();
  work_.run([bytes, reader = reader_, range] { *bytes = reader->read(range.first, range.count); },
            [this, bytes, range, room] { have(range, *bytes); });
}

void ReadTransfer::send_straight() {
  while (!wanted_.empty()) {
    if (!connection_.has_room()) return connection_.wait_for_room(id_);
    BlockRange& front = wanted_.front();
    const std::uint64_t blocks = std::min(front.count, kBlocksAtOnce);
    const std::uint64_t offset = front.first * kBlockBytes;
    const std::uint64_t length = std::min(content_->size.count() - offset, blocks * kBlockBytes);
    front.first += blocks;
    front.count -= blocks;
    if (front.count == 0) wanted_.pop_front();
    connection_.send_file(id_, {reader_->descriptor(), reader_, offset, length});
  }
}

void ReadTransfer::have(BlockRange range, const DiskResult<Buffer>& bytes) {
  const auto keep = shared_from_this();
  reading_ = false;
  if (!bytes) return fail(bytes.error());
  connection_.send_data(id_, range.first * kBlockBytes, *bytes);
  pump();
}

void ReadTransfer::fail(const DiskFault& fault) {
  const ReplicaKey key = key_of(*content_);
  Storage& storage = connection_.storage();
  if (fault.kind == DiskFault::Kind::kMissing) {
    if (!storage.files()->exists(*content_)) storage.lost(key, content_->checksum);
  } else {
    storage.found_bad(key, content_->checksum, finding_of(fault), since_);
  }
  connection_.fail(id_, code_of(fault), fault.what);
}

}  // namespace evenkeel::agent
