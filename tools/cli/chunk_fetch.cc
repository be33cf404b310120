#include "tools/cli/chunk_fetch.h"

#include <utility>

namespace evenkeel::cli {

ChunkFetch::ChunkFetch(Parts parts, Located::Item where, Epoch epoch, OnEnd on_end)
    : parts_(parts),
      holders_(std::move(where.holders)),
      epoch_(epoch),
      on_end_(std::move(on_end)),
      chunk_(std::make_shared<PartialChunk>(where.content)) {
  if (parts_.first_holder_only && holders_.size() > 1) holders_.resize(1, holders_.front());
}

void ChunkFetch::try_next() {
  if (next_ == holders_.size()) {
    const bool may_ask = !located_again_ && !parts_.first_holder_only;
    return may_ask ? locate_again() : give_up();
  }
  const Source holder = holders_[next_++];
  const ChunkContent& content = chunk_->content();
  TransferOpen open{.mode = TransferOpen::Mode::kGet,
                    .epoch = epoch_,
                    .chunk = content.chunk,
                    .version = content.version,
                    .source = holder.storage,
                    .token = holder.token};
  parts_.data->fetch({holder.address, std::move(open), chunk_},
                     [self = shared_from_this(), holder](tl::expected<void, DataFault> outcome) {
                       self->tried(holder, outcome);
                     });
}

void ChunkFetch::tried(const Source& holder, const tl::expected<void, DataFault>& outcome) {
  if (outcome) return end(chunk_->release());
  faults_.push_back(to_string(holder.server) + " " + holder.address + ": " +
                    to_string(outcome.error()));
  try_next();
}

/// Tokens of an older epoch, or replicas that have moved since: both are cured by a new answer.
void ChunkFetch::locate_again() {
  located_again_ = true;
  parts_.control->ask<Located>(
      Locate{chunk_->content().chunk, 0},
      [self = shared_from_this()](const Result<Located>& answer) { self->located(answer); });
}

void ChunkFetch::located(const Result<Located>& answer) {
  if (!answer) faults_.push_back(answer.error().what);
  const bool same =
      answer && answer->chunks.size() == 1 && answer->chunks.front().content == chunk_->content();
  if (!same) return give_up();
  next_ = 0;
  holders_ = answer->chunks.front().holders;
  epoch_ = answer->epoch;
  try_next();
}

void ChunkFetch::give_up() {
  std::string what = to_string(chunk_->content().chunk) + " cannot be read: ";
  if (faults_.empty()) what += "no server that is alive holds it";
  for (std::size_t i = 0; i < faults_.size(); ++i) what += (i > 0 ? "; " : "") + faults_[i];
  end(tl::unexpected(what));
}

void ChunkFetch::end(tl::expected<Buffer, std::string> outcome) {
  std::exchange(on_end_, nullptr)(std::move(outcome));
}

}  // namespace evenkeel::cli
