#include "tools/cli/file_put.h"

#include <algorithm>
#include <utility>

#include "tools/cli/text.h"

namespace evenkeel::cli {
namespace {

constexpr std::size_t kPlacesAtOnce = 64;
/// A receipt is some 150 bytes on the wire, and a message holds 1 MiB.
constexpr std::size_t kReceiptsAtOnce = 512;

/// Calls a member of `self` if it is still there by then.
template <class T, class F>
auto if_there(const std::shared_ptr<T>& self, F call) {
  return [weak = std::weak_ptr<T>(self), call = std::move(call)](auto&&... args) {
    if (const auto there = weak.lock()) call(*there, std::forward<decltype(args)>(args)...);
  };
}

}  // namespace

FilePut::FilePut(Parts parts, std::string name, InputFile file, OnEnd on_end)
    : parts_(std::move(parts)),
      file_(std::move(file)),
      on_end_(std::move(on_end)),
      without_place_(*parts_.loop, {.max_items = kPlacesAtOnce},
                     [this](std::vector<std::uint64_t>&& indexes) { ask_places(indexes); }) {
  outcome_.name = std::move(name);
  outcome_.size = file_.size;
}

void FilePut::start() {
  parts_.control->ask<PutOpened>(
      PutOpen{outcome_.name, parts_.goal, Bytes(file_.size), parts_.policy},
      if_there(shared_from_this(), [](FilePut& self, const Result<PutOpened>& answer) {
        answer ? self.opened(*answer) : self.fail_with(answer.error().what);
      }));
}

void FilePut::opened(const PutOpened& answer) {
  if (answer.chunk_size.count() == 0) return fail_with("the rebalancer gave chunks of 0 bytes");
  opened_ = answer;
  const std::uint64_t chunk_size = answer.chunk_size.count();
  // An empty file is one empty chunk: what is put is always somewhere on a disk.
  unread_ = std::max<std::uint64_t>(1, (file_.size + chunk_size - 1) / chunk_size);
  read_next();
}

void FilePut::read_next() {
  if (reading_ || outcome_.failure || unread_ == 0) return;
  reading_ = true;
  --unread_;
  const std::uint64_t offset = offset_;
  const std::uint64_t size = std::min(opened_->chunk_size.count(), file_.size - offset);
  const std::uint64_t index = offset / opened_->chunk_size.count();
  offset_ += size;
  const auto read = [index, offset, size](FilePut& self, ByteWindow::Share share) {
    auto part = std::make_shared<std::optional<Result<FilePart>>>();
    self.parts_.work->run(
        [part, file = self.file_, offset, size] { *part = read_part(file, offset, size); },
        if_there(self.shared_from_this(), [index, part, share](FilePut& there) {
          there.part_read(index, share, std::move(**part));
        }));
  };
  parts_.window->take(size, if_there(shared_from_this(), read));
}

void FilePut::part_read(std::uint64_t index, ByteWindow::Share share, Result<FilePart> part) {
  reading_ = false;
  if (outcome_.failure) return;
  if (!part) return fail_with(part.error().what);
  const Checksum checksum = chunk_checksum(part->manifest);
  ChunkToPut chunk{index, std::move(part->manifest), checksum, std::move(part->bytes),
                   std::move(share)};
  const auto self = shared_from_this();
  chunks_[index] = std::make_shared<ChunkPut>(
      ChunkPut::Parts{parts_.loop, parts_.data, parts_.chunk_settings}, std::move(chunk),
      if_there(self, [index](FilePut& file) { file.without_place_.add(index); }),
      if_there(self, [index](FilePut& file, const ChunkOutcome& outcome) {
        file.chunk_ended(index, outcome);
      }));
  without_place_.add(index);
  read_next();
}

void FilePut::ask_places(const std::vector<std::uint64_t>& indexes) {
  if (outcome_.failure) return;
  PutPlace request{opened_->file, {}};
  for (const std::uint64_t index : indexes) request.items.push_back(chunks_.at(index)->item());
  parts_.control->ask<PutPlaced>(
      std::move(request),
      if_there(shared_from_this(), [indexes](FilePut& self, const Result<PutPlaced>& answer) {
        self.places_given(indexes, answer);
      }));
}

void FilePut::places_given(const std::vector<std::uint64_t>& indexes,
                           const Result<PutPlaced>& answer) {
  if (!answer && indexes.size() > 1) {  // one that has no place must not take it from the others
    for (const std::uint64_t index : indexes) ask_places({index});
    return;
  }
  for (const std::uint64_t index : indexes) {
    if (outcome_.failure) return;
    const auto chunk = chunks_.at(index);
    if (!answer) {
      chunk->not_placed(answer.error());
      continue;
    }
    const auto item = std::ranges::find(answer->items, index, &PutPlaced::Item::index);
    item != answer->items.end()
        ? chunk->placed(*item, answer->epoch)
        : chunk->not_placed({ErrorCode::kMalformed, "the rebalancer gave it no place"});
  }
}

void FilePut::chunk_ended(std::uint64_t index, const ChunkOutcome& outcome) {
  const auto keep = chunks_.at(index);  // who calls
  chunks_.erase(index);
  if (outcome_.failure) return;
  if (outcome.receipts.empty()) {
    return fail_with("part " + std::to_string(index) + " was not stored: " +
                     (outcome.faults.empty() ? "no server can take it" : outcome.faults.back()));
  }
  note_shortfall(index, outcome);
  ++outcome_.chunks;
  outcome_.replicas += outcome.receipts.size();
  receipts_.insert(receipts_.end(), outcome.receipts.begin(), outcome.receipts.end());
  const std::uint64_t begin = index * opened_->chunk_size.count();
  parts_.on_bytes(std::min(opened_->chunk_size.count(), file_.size - begin));
  if (receipts_.size() >= kReceiptsAtOnce) register_receipts(false);
  maybe_close();
}

void FilePut::note_shortfall(std::uint64_t index, const ChunkOutcome& outcome) {
  const std::size_t wanted =
      std::max<std::size_t>(outcome.wanted, static_cast<std::size_t>(opened_->goal));
  if (outcome.receipts.size() >= wanted) return;
  outcome_.warnings.push_back(outcome_.name + ": " + to_string(*outcome.chunk) + " (part " +
                              std::to_string(index) + ") has " +
                              std::to_string(outcome.receipts.size()) + " of " +
                              std::to_string(wanted) + " replicas; the rebalancer makes the rest" +
                              (outcome.faults.empty() ? "" : " (" + outcome.faults.back() + ")"));
}

void FilePut::register_receipts(bool last) {
  const std::size_t count = std::min(receipts_.size(), kReceiptsAtOnce);
  const auto middle = receipts_.begin() + static_cast<std::ptrdiff_t>(count);
  PutClose request{opened_->file, {receipts_.begin(), middle}, last};
  receipts_.erase(receipts_.begin(), middle);
  ++registering_;
  parts_.control->ask<PutClosed>(
      std::move(request),
      if_there(shared_from_this(), [last](FilePut& self, const Result<PutClosed>& answer) {
        --self.registering_;
        if (!answer) return self.fail_with(answer.error().what);
        last ? self.end() : self.maybe_close();
      }));
}

/// The last message says that the file is whole, so it waits for all others.
void FilePut::maybe_close() {
  const bool stored = unread_ == 0 && !reading_ && chunks_.empty();
  if (!stored || registering_ > 0 || outcome_.failure || !on_end_) return;
  register_receipts(receipts_.size() <= kReceiptsAtOnce);
}

void FilePut::fail_with(const std::string& what) {
  if (outcome_.failure) return;
  outcome_.failure = outcome_.name + ": " + what;
  end();
}

void FilePut::end() {
  if (on_end_) std::exchange(on_end_, nullptr)(outcome_);
}

}  // namespace evenkeel::cli
