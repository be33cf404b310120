#include "services/agent/io/store_transfer.h"

#include <algorithm>

#include "common/model/tokens.h"
#include "common/token/token.h"
#include "services/agent/io/take_blocks.h"
#include "services/agent/store/chunk_reader.h"
#include "services/agent/store/manifest_file.h"

namespace evenkeel::agent {
namespace {

std::string code_of(const Refusal& refusal) {
  if (refusal.why == Why::kNoSpace) return "no_space";
  return refusal.why == Why::kVersion ? "version" : "io";
}

}  // namespace

StoreTransfer::StoreTransfer(Connection& connection, std::uint64_t id, const TransferStore& store)
    : connection_(connection),
      id_(id),
      content_(store.content),
      manifest_(
          std::make_shared<const Manifest>(Manifest{store.content.size.count(), store.blocks})),
      aside_(connection.storage().files()->aside(store.content, connection.storage().next_put())),
      matches_(store.block_bytes == kBlockBytes &&
               manifest_matches(*manifest_, store.content.size.count(), store.content.checksum)),
      work_(connection.loop()) {}

StoreTransfer::~StoreTransfer() {
  connection_.unwritten(-unwritten_);
  if (file_ && !handed_on_) connection_.storage().files()->drop_aside(aside_);
}

void StoreTransfer::start() {
  if (!matches_) {
    return connection_.fail(id_, "corrupt", "the manifest does not add up to the checksum");
  }
  Storage& storage = connection_.storage();
  if (const auto newest = storage.table().newest(content_.chunk)) {
    const Replica& replica = *storage.table().find(*newest);
    if (newest->version > content_.version) {
      return connection_.fail(id_, "version", to_string(*newest) + " is here");
    }
    const bool same = newest->version == content_.version;
    if (same && replica.finding == ReplicaFinding::kOk) {
      return replica.checksum == content_.checksum
                 ? already_here()
                 : connection_.fail(id_, "exists", "other bytes are here under this version");
    }
  }
  hold_ = storage.hold(content_.size);
  if (!hold_) return connection_.fail(id_, "no_space", "it would not leave the reserve");
  struct Made {
    std::optional<DiskFault> fault;
    std::shared_ptr<const AsideFile> file;
  };
  auto made = std::make_shared<Made>();
  work_.run(
      [made, path = aside_, size = content_.size] {
        auto file = AsideFile::create(path, size);
        if (!file) made->fault = file.error();
        if (file) made->file = std::make_shared<const AsideFile>(std::move(*file));
      },
      [this, made] { have_file(made->file, made->fault); });
}

void StoreTransfer::have_file(const std::shared_ptr<const AsideFile>& file,
                              const std::optional<DiskFault>& fault) {
  const auto keep = shared_from_this();
  file_ = file;
  if (fault) return fail(*fault);
  for (auto& [offset, bytes] : std::exchange(early_, {})) write(offset, std::move(bytes));
  if (content_.size == Bytes()) complete();
}

void StoreTransfer::on_read(const TransferRead&) {
  connection_.fail(id_, "malformed", "a transfer that stores cannot read");
}

void StoreTransfer::on_data(std::uint64_t offset, Buffer&& bytes) {
  if (here_) return;
  const std::uint64_t size = content_.size.count();
  const bool fits = offset == next_ && !bytes.empty() && bytes.size() <= size - next_ &&
                    (bytes.size() % kBlockBytes == 0 || offset + bytes.size() == size);
  if (!fits) return connection_.fail(id_, "malformed", "not the next whole blocks of the chunk");
  next_ += bytes.size();
  count_unwritten(static_cast<std::int64_t>(bytes.size()));
  if (file_) return write(offset, std::move(bytes));
  early_.emplace_back(offset, std::move(bytes));
}

void StoreTransfer::write(std::uint64_t offset, Buffer&& bytes) {
  auto fault = std::make_shared<std::optional<DiskFault>>();
  const std::size_t count = bytes.size();
  work_.run([fault, file = file_, manifest = manifest_, offset,
             piece = std::make_shared<Buffer>(
                 std::move(bytes))] { *fault = take_blocks(*file, *manifest, offset, *piece); },
            [this, fault, count] { written(count, *fault); });
}

void StoreTransfer::written(std::size_t count, const std::optional<DiskFault>& fault) {
  const auto keep = shared_from_this();
  count_unwritten(-static_cast<std::int64_t>(count));
  if (fault) return fail(*fault);
  hold_->wrote(Bytes(count));
  written_ += count;
  if (written_ == content_.size.count()) complete();
}

void StoreTransfer::complete() {
  auto fault = std::make_shared<std::optional<DiskFault>>();
  work_.run(
      [fault, files = connection_.storage().files(), aside = aside_, manifest = manifest_] {
        const auto done = files->write_manifest(aside, *manifest);
        if (!done) *fault = done.error();
      },
      [this, fault] {
        const auto keep = shared_from_this();
        *fault ? fail(**fault) : place();
      });
}

void StoreTransfer::place() {
  handed_on_ = true;
  Effect effect{Effect::Files::kPlace, content_, aside_};
  effect.hold = std::move(hold_);
  effect.then = [weak = weak_from_this()](const Effect::Ended& ended) {
    if (const auto transfer = weak.lock()) transfer->placed(ended);
  };
  connection_.committer().add(std::move(effect));
}

void StoreTransfer::placed(const Effect::Ended& ended) {
  if (ended.refusal) return connection_.fail(id_, code_of(*ended.refusal), ended.refusal->detail);
  const Identity& own = connection_.storage().journal().identity();
  const std::string text = receipt_text(own.cluster, content_, own.storage, ended.journal);
  connection_.send(id_, wire::FrameType::kStored,
                   TransferStored{content_.chunk, content_.version, own.server, own.storage,
                                  ended.journal, hmac_sha256(own.copy_key, text)});
  connection_.end(id_);
}

/// Looked at once more before it is vouched for; what the client still sends is let go by.
void StoreTransfer::already_here() {
  here_ = true;
  auto fault = std::make_shared<std::optional<DiskFault>>();
  work_.run(
      [fault, files = connection_.storage().files(), content = content_] {
        const auto checked = check_presence(*files, content);
        if (!checked) *fault = checked.error();
      },
      [this, fault, since = connection_.storage().age_now()] {
        const auto keep = shared_from_this();
        if (!*fault) {
          Effect effect{Effect::Files::kNone, content_};
          effect.then = [weak = weak_from_this()](const Effect::Ended& ended) {
            if (const auto transfer = weak.lock()) transfer->placed(ended);
          };
          return connection_.committer().add(std::move(effect));
        }
        connection_.storage().found_bad(key_of(content_), content_.checksum, finding_of(**fault),
                                        since);
        connection_.fail(id_, "io", "what is here is bad, try again: " + (*fault)->what);
      });
}

void StoreTransfer::count_unwritten(std::int64_t more) {
  unwritten_ += more;
  connection_.unwritten(more);
}

void StoreTransfer::fail(const DiskFault& fault) {
  const bool full = fault.kind == DiskFault::Kind::kNoSpace;
  const bool corrupt = fault.kind == DiskFault::Kind::kCorrupt;
  connection_.fail(id_, full ? "no_space" : corrupt ? "corrupt" : "io", fault.what);
}

}  // namespace evenkeel::agent
