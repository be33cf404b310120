#include "services/agent/io/copy_job.h"

#include <algorithm>

#include "common/base/mutant.h"
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
      files_(storage.files()),
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
  abandon();
}

void CopyJob::abandon() {
  if (!on_end_) return;
  leave_source(true);
  on_end_ = nullptr;
  abandoned_ = true;
  hold_.reset();
  if (made_) drop_cut_off();
}

/// What it stands on may be gone by now.
void CopyJob::drop_cut_off() {
  // Cut off by the end of the process: what there is of a large one is for the next run.
  if (whole_ || !abandoned_) files_->drop_aside(aside_);
}

Bytes CopyJob::memory_for(const Replicate& order) {
  return Bytes(std::min(order.content.size.count(), kBlocksUnderWay * kBlockBytes));
}

void CopyJob::start() {
  hold_ = storage_.hold(order_.content.size);
  if (!hold_)
    return end(Refusal{Why::kNoSpace, "it would not leave the reserve"}, Outcome::kRefused);
  if (whole_) return try_source();
  resumed_ = storage_.claim_leftover(aside_);
  struct Made {
    std::optional<DiskFault> fault;
    std::shared_ptr<const AsideFile> file;
  };
  auto made = std::make_shared<Made>();
  work_.run(
      [made, path = aside_, size = order_.content.size, resumed = resumed_] {
        auto file = resumed ? AsideFile::reopen(path, size) : AsideFile::create(path, size);
        if (!file) made->fault = file.error();
        if (file) made->file = std::make_shared<const AsideFile>(std::move(*file));
      },
      // As there: what is made for a job that has ended meanwhile is cleaned up.
      [this, keep = shared_from_this(), made] {
        file_ = made->file;
        made_ = true;
        if (!on_end_) return drop_cut_off();
        if (made->fault) return end(refusal_of_write(*made->fault));
        if (resumed_) return try_source();
        for (auto& [offset, bytes] : std::exchange(early_, {})) write(offset, std::move(bytes));
      });
  // The first bytes may be on their way meanwhile; of a file that is there it has yet to be seen
  // which are needed.
  if (!resumed_) try_source();
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
  const bool fresh = plan_.had() == 0 && !resumed_;
  if (fresh && order_.rate == Bytes() && plan_.ask(kBlocksAtOnce)) {
    open.length = std::min<std::uint64_t>(content.size.count(), kBlocksAtOnce * kBlockBytes);
    open.without_manifest = is_one_block();
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
  const bool matches = manifest_matches(*manifest, content.size.count(), content.checksum) ||
                       EK_MUTANT(copy_without_checksum);
  if (answer.block_bytes != kBlockBytes || answer.checksum != content.checksum || !matches) {
    return blame(Fault::kCorrupt, "its manifest is not that of the chunk");
  }
  manifest_ = std::move(manifest);
  opened_ = true;
  if (plan_.complete() && whole_) return write_whole({});
  std::exchange(resumed_, false) ? look_at_leftover() : go_on();
}

/// What an earlier run of this process had written counts as far as it matches: nobody needs to
/// have noted how far that was.
void CopyJob::look_at_leftover() {
  looking_ = true;
  auto good = std::make_shared<std::vector<std::uint64_t>>();
  work_.run([good, file = file_, manifest = manifest_] { *good = file->matching(*manifest); },
            [this, good] {
              looking_ = false;
              if (!on_end_) return;
              for (const std::uint64_t block : *good) {
                if (plan_.had_before(block)) count(Bytes(block_size(manifest_->size_bytes, block)));
              }
              go_on();
            });
}

void CopyJob::count(Bytes size) {
  bytes_done_ += size;
  hold_->wrote(size);
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
  if (is_one_block()) opened_ = true;
  const bool fits = opened_ && !bytes.empty() && offset % kBlockBytes == 0 && offset < size &&
                    bytes.size() <= size - offset &&
                    (bytes.size() % kBlockBytes == 0 || offset + bytes.size() == size);
  if (!fits) return blame(Fault::kCorrupt, "bytes that are not whole blocks of the chunk");
  if (whole_) {
    if (bytes.size() == size) return write_whole(std::move(bytes));
    return gather(offset, bytes);
  }
  if (file_) return write(offset, std::move(bytes));
  early_.emplace_back(offset, std::move(bytes));
}

void CopyJob::write(std::uint64_t offset, Buffer&& bytes) {
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
  if (std::exchange(writing_whole_, true)) return;  // sent twice: the first counts
  const Bytes size(bytes.size());
  made_ = true;
  auto fault = std::make_shared<std::optional<DiskFault>>();
  storage_.small_work().run(
      work_,
      [fault, files = storage_.files(), aside = aside_, manifest = manifest_,
       checksum = order_.content.checksum, lone = is_one_block(),
       piece = std::make_shared<Buffer>(std::move(bytes))] {
        const auto file = AsideFile::create(aside, Bytes(piece->size()));
        if (!file) {
          *fault = file.error();
        } else if (lone) {
          *fault = take_one_block(*file, checksum, *piece);
        } else if (!(*fault = take_blocks(*file, *manifest, 0, *piece))) {
          const auto written = files->write_manifest(aside, *manifest);
          if (!written) *fault = written.error();
        }
      },
      // Keeps this object until then: a job that has ended meanwhile has a file to clean up.
      [this, keep = shared_from_this(), fault, size] {
        writing_whole_ = false;
        if (!on_end_) return drop_cut_off();
        wrote_whole(size, *fault);
      });
}

void CopyJob::wrote_whole(Bytes size, const std::optional<DiskFault>& fault) {
  const bool full = fault && fault->kind == DiskFault::Kind::kNoSpace;
  if (!fault || (full && EK_MUTANT(enospc_acked_ok))) {
    count(size);
    return end(std::nullopt, Outcome::kDone);
  }
  if (fault->kind != DiskFault::Kind::kCorrupt) return end(refusal_of_write(*fault));
  if (peer_) return blame(Fault::kCorrupt, fault->what);
  sources_.blame(Fault::kCorrupt);  // it has gone meanwhile
  try_source();
}

void CopyJob::on_written(BlockRange range, Bytes size, const std::optional<DiskFault>& fault) {
  writing_ -= range.count;
  if (!on_end_) return;
  if (fault && fault->kind != DiskFault::Kind::kCorrupt) return end(refusal_of_write(*fault));
  if (fault) return blame(Fault::kCorrupt, fault->what);
  bool news = false;
  for (std::uint64_t i = 0; i < range.count; ++i) news |= plan_.have(range.first + i);
  if (news) count(size);
  go_on();
}

/// A copy takes as long as its rate says, its last piece included.
void CopyJob::go_on() {
  if (!on_end_ || looking_ || !manifest_) return;
  if (!plan_.complete()) return ask_more();
  const Duration wait = limit_.wait(storage_.now());
  if (wait > Duration::zero()) return wake_after(wait);
  if (!std::exchange(completing_, true)) complete();
}

void CopyJob::wake_after(Duration wait) {
  if (!wake_) wake_.emplace(loop_, [this] { go_on(); });
  wake_->start(wait);
}

void CopyJob::ask_more() {
  if (!opened_) return;
  const bool slow = order_.rate != Bytes() && order_.rate < kSlowRate;
  const Instant now = storage_.now();
  while (plan_.outstanding() < kBlocksUnderWay) {
    const Duration wait = limit_.wait(now);
    if (wait > Duration::zero()) return wake_after(wait);
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
  if (auto refusal = storage_.book().fence(id_, now)) {
    // Cut off while it waited for a word: those after it are not to wait on the same connection.
    if (peer_ && !opened_) peers_.avoid(peer_);
    return end(std::move(refusal));
  }
  if (next_round_ && now >= *next_round_) return try_source();
  if (stalled(now)) {
    peers_.avoid(peer_);
    return blame(Fault::kUnreachable, "nothing came for 5 s");
  }
  if (peer_) go_on();
}

bool CopyJob::stalled(Instant now) const {
  if (!peer_ || now - heard_ < kStalled) return false;
  return !opened_ || (file_ && plan_.outstanding() > writing_);
}

void CopyJob::blame(Fault fault, const std::string& why) {
  const Source* source = sources_.current();
  if (!source || !peer_) return;
  // All of it is here, whatever befalls the source now.
  const bool here = writing_whole_ || (plan_.blocks() > 0 && plan_.complete());
  if (here) return leave_source(true);
  log::warn(
      "source",
      {{"command", id_}, {"server", source->server}, {"fault", to_text(fault)}, {"why", why}});
  // It sent them straight from its disk, without a look: now it looks.
  if (fault == Fault::kCorrupt) peer_->fail(transfer_, "corrupt", why);
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
  early_.clear();
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
