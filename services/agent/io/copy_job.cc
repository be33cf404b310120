#include "services/agent/io/copy_job.h"

#include <algorithm>

#include "common/log/log.h"
#include "common/model/text.h"
#include "services/agent/io/take_blocks.h"
#include "services/agent/store/manifest_file.h"

namespace evenkeel::agent {
namespace {

constexpr Duration kStalled{5'000};
constexpr Duration kBusyPause{300};
constexpr std::uint64_t kBlocksAtOnce = 4;     // in one read, and so in one frame: 1 MiB
constexpr std::uint64_t kBlocksUnderWay = 16;  // asked for and not yet on the disk
constexpr Bytes kSlowRate{8ULL << 20};         // below it, single blocks make a smoother flow

Fault fault_of_code(const std::string& code) {
  if (code == "missing" || code == "version") return Fault::kMissing;
  if (code == "corrupt") return Fault::kCorrupt;
  if (code == "io") return Fault::kUnreachable;
  return Fault::kRefused;
}

Refusal refusal_of_write(const DiskFault& fault) {
  const bool full = fault.kind == DiskFault::Kind::kNoSpace;
  return {full ? Why::kNoSpace : Why::kIo, fault.what};
}

}  // namespace

CopyJob::CopyJob(Loop& loop, Storage& storage, Peers& peers, CommandId id, Replicate order,
                 OnEnd on_end)
    : loop_(loop),
      storage_(storage),
      peers_(peers),
      id_(id),
      order_(std::move(order)),
      on_end_(std::move(on_end)),
      sources_(order_.sources),
      plan_(block_count(order_.content.size.count())),
      limit_(order_.rate, storage.now()),
      aside_(storage.files()->aside(order_.content, id.value())),
      whole_(order_.content.size.count() <= kBlocksAtOnce * kBlockBytes && order_.rate == Bytes()),
      work_(loop) {}

CopyJob::~CopyJob() {
  leave_source(true);
  if (made_ && on_end_) storage_.files()->drop_aside(aside_);
}

Bytes CopyJob::memory_for(const Replicate& order) {
  return Bytes(std::min(order.content.size.count(), kBlocksUnderWay * kBlockBytes));
}

void CopyJob::start() {
  hold_ = storage_.hold(order_.content.size);
  if (!hold_)
    return end(Refusal{Why::kNoSpace, "it would not leave the reserve"}, Outcome::kRefused);
  if (whole_) return try_source();
  struct Made {
    std::optional<DiskFault> fault;
    std::shared_ptr<const File> file;
  };
  auto made = std::make_shared<Made>();
  work_.run(
      [made, path = aside_, size = order_.content.size] {
        auto file = File::create(path);
        const auto reserved = file ? file->reserve(size) : tl::unexpected(file.error());
        if (!reserved) made->fault = reserved.error();
        if (file) made->file = std::make_shared<const File>(std::move(*file));
      },
      [this, made] {
        file_ = made->file;
        made_ = file_ != nullptr;
        if (!on_end_) return storage_.files()->drop_aside(aside_);
        if (made->fault) return end(refusal_of_write(*made->fault));
        try_source();
      });
}

void CopyJob::endorsed(std::vector<Source> sources) {
  if (!on_end_) return;
  sources_.renew(std::move(sources), peer_ != nullptr);
  if (next_round_) try_source();
}

void CopyJob::try_source() {
  next_round_.reset();
  if (!storage_.book().endorsed(id_)) {  // the tokens that it has are of an epoch that is over
    next_round_ = storage_.now() + kBusyPause;
    return;
  }
  const Source* source = sources_.current();
  if (source) return say_open(*source);
  if (!sources_.next_round()) return end(Refusal{Why::kNoSource, "no source could serve it"});
  next_round_ = storage_.now() + kBusyPause;
}

void CopyJob::say_open(const Source& source) {
  heard_ = storage_.now();
  opened_ = false;
  peer_ = peers_.at(source.address);
  // A late word to a job that has gone is for nobody.
  const std::weak_ptr<CopyJob> weak = weak_from_this();
  transfer_ = peer_->begin({
      [weak](const wire::Message& message) {
        if (const auto job = weak.lock()) job->on_message(message);
      },
      [weak](std::uint64_t offset, Buffer&& bytes) {
        if (const auto job = weak.lock()) job->on_data(offset, std::move(bytes));
      },
      [weak](const std::string& why) {
        if (const auto job = weak.lock()) job->blame(Fault::kUnreachable, why);
      },
  });
  const ChunkContent& content = order_.content;
  TransferOpen open{TransferOpen::Mode::kCopy,
                    storage_.identity().epoch,
                    id_.value(),
                    content.chunk,
                    content.version,
                    source.storage,
                    storage_.identity().server.value(),
                    source.token,
                    0,
                    0};
  // The first bytes come with the manifest, which saves small chunks a round trip.
  if (plan_.had() == 0 && order_.rate == Bytes() && plan_.ask(kBlocksAtOnce)) {
    open.length = std::min<std::uint64_t>(content.size.count(), kBlocksAtOnce * kBlockBytes);
  }
  peer_->say(transfer_, wire::FrameType::kOpen, open);
}

void CopyJob::on_message(const wire::Message& message) {
  heard_ = storage_.now();
  if (const auto* manifest = std::get_if<TransferManifest>(&message)) return on_manifest(*manifest);
  if (const auto* error = std::get_if<TransferError>(&message)) return on_error(*error);
  blame(Fault::kRefused, "an answer that makes no sense");
}

void CopyJob::on_manifest(const TransferManifest& answer) {
  const ChunkContent& content = order_.content;
  auto manifest = std::make_shared<Manifest>(Manifest{answer.size.count(), answer.blocks});
  if (answer.block_bytes != kBlockBytes || answer.checksum != content.checksum ||
      !manifest_matches(*manifest, content.size.count(), content.checksum)) {
    return blame(Fault::kCorrupt, "its manifest is not that of the chunk");
  }
  manifest_ = std::move(manifest);
  opened_ = true;
  if (plan_.complete()) return whole_ ? write_whole({}) : complete();
  ask_more();
}

void CopyJob::on_error(const TransferError& error) {
  // Another epoch there: of a rebalancer that will soon speak to us too, or to the source.
  const bool later = error.code == "busy" || error.code == "epoch";
  if (!later) return blame(fault_of_code(error.code), error.code + ": " + error.what);
  leave_source(false);
  sources_.skip_busy();
  try_source();
}

void CopyJob::on_data(std::uint64_t offset, Buffer&& bytes) {
  heard_ = storage_.now();
  const std::uint64_t size = order_.content.size.count();
  const bool fits = opened_ && !bytes.empty() && offset % kBlockBytes == 0 && offset < size &&
                    bytes.size() <= size - offset &&
                    (bytes.size() % kBlockBytes == 0 || offset + bytes.size() == size);
  if (!fits) return blame(Fault::kCorrupt, "bytes that are not whole blocks of the chunk");
  if (whole_) {
    if (bytes.size() == size) return write_whole(std::move(bytes));
    return gather(offset, bytes);
  }
  const BlockRange range{offset / kBlockBytes, block_count(bytes.size())};
  writing_ += range.count;
  const Bytes count(bytes.size());
  auto fault = std::make_shared<std::optional<DiskFault>>();
  work_.run([fault, file = file_, manifest = manifest_, offset,
             piece = std::make_shared<Buffer>(
                 std::move(bytes))] { *fault = take_blocks(*file, *manifest, offset, *piece); },
            [this, fault, range, count] { on_written(range, count, *fault); });
}

/// A source may send a small chunk block by block, too.
void CopyJob::gather(std::uint64_t offset, const Buffer& bytes) {
  if (offset != gathered_.size()) return blame(Fault::kRefused, "bytes out of their order");
  gathered_.insert(gathered_.end(), bytes.begin(), bytes.end());
  if (gathered_.size() == order_.content.size.count()) write_whole(std::exchange(gathered_, {}));
}

/// Made, matched and written in one turn of a thread. Nobody waits for the disk: many such files
/// share a sync.
void CopyJob::write_whole(Buffer&& bytes) {
  const Bytes size(bytes.size());
  const BlockRange range{0, plan_.blocks()};
  writing_ += range.count;
  made_ = true;
  auto fault = std::make_shared<std::optional<DiskFault>>();
  work_.run(
      [fault, files = storage_.files(), aside = aside_, manifest = manifest_,
       piece = std::make_shared<Buffer>(std::move(bytes))] {
        const auto file = File::create(aside);
        if (!file) {
          *fault = file.error();
        } else if (!(*fault = take_blocks(*file, *manifest, 0, *piece))) {
          const auto written = files->write_manifest(aside, *manifest);
          if (!written) *fault = written.error();
        }
      },
      // Keeps this object until then: a job that has ended meanwhile has a file to clean up.
      [this, keep = shared_from_this(), fault, range, size] {
        if (!on_end_) return storage_.files()->drop_aside(aside_);
        if (!*fault && range.count == 0) return end(std::nullopt, Outcome::kDone);
        on_written(range, size, *fault);
      });
}

void CopyJob::on_written(BlockRange range, Bytes size, const std::optional<DiskFault>& fault) {
  writing_ -= range.count;
  if (!on_end_) return;
  if (fault && fault->kind != DiskFault::Kind::kCorrupt) return end(refusal_of_write(*fault));
  if (fault) return blame(Fault::kCorrupt, fault->what);
  bool news = false;
  for (std::uint64_t i = 0; i < range.count; ++i) news |= plan_.have(range.first + i);
  if (news) {
    bytes_done_ += size;
    hold_->wrote(size);
  }
  if (plan_.complete()) return complete();
  ask_more();
}

void CopyJob::ask_more() {
  if (!opened_) return;
  const bool slow = order_.rate != Bytes() && order_.rate < kSlowRate;
  const Instant now = storage_.now();
  while (plan_.outstanding() < kBlocksUnderWay && limit_.wait(now) == Duration::zero()) {
    const auto range = plan_.ask(slow ? 1 : kBlocksAtOnce);
    if (!range) return;
    const std::uint64_t offset = range->first * kBlockBytes;
    const std::uint64_t length =
        std::min(order_.content.size.count() - offset, range->count * kBlockBytes);
    limit_.took(Bytes(length), now);
    peer_->say(transfer_, wire::FrameType::kRead, TransferRead{offset, length});
  }
}

void CopyJob::complete() {
  leave_source(true);
  if (whole_) return end(std::nullopt, Outcome::kDone);
  auto fault = std::make_shared<std::optional<DiskFault>>();
  work_.run(
      [fault, files = storage_.files(), aside = aside_, manifest = manifest_] {
        const auto written = files->write_manifest(aside, *manifest);
        if (!written) *fault = written.error();
        if (written) files->sync_asides({aside});
      },
      [this, fault] {
        if (*fault) return end(refusal_of_write(**fault));
        end(std::nullopt, Outcome::kDone);
      });
}

void CopyJob::tick() {
  if (!on_end_) return;
  const Instant now = storage_.now();
  if (auto refusal = storage_.book().fence(id_, now)) return end(std::move(refusal));
  if (next_round_ && now >= *next_round_) return try_source();
  if (stalled(now)) return blame(Fault::kUnreachable, "nothing came for 5 s");
  if (peer_) ask_more();
}

bool CopyJob::stalled(Instant now) const {
  if (!peer_ || now - heard_ < kStalled) return false;
  return !opened_ || plan_.outstanding() > writing_;
}

void CopyJob::blame(Fault fault, const std::string& why) {
  const Source* source = sources_.current();
  if (!source || !peer_) return;
  log::warn(
      "source",
      {{"command", id_}, {"server", source->server}, {"fault", to_text(fault)}, {"why", why}});
  leave_source(true);
  sources_.blame(fault);
  try_source();
}

void CopyJob::leave_source(bool tell) {
  if (!peer_) return;
  peer_->end(transfer_, tell);
  peer_.reset();
  opened_ = false;
  gathered_.clear();
  if (!plan_.complete()) plan_.source_gone();
}

void CopyJob::end(std::optional<Refusal> refusal, Outcome outcome) {
  if (!on_end_) return;
  leave_source(true);
  if (refusal && made_) storage_.files()->drop_aside(aside_);
  const auto on_end = std::exchange(on_end_, nullptr);
  on_end({std::move(refusal), outcome, aside_, !whole_, std::move(hold_), sources_.blamed(),
          bytes_done_});
}

}  // namespace evenkeel::agent
