#include "tools/cli/get.h"

#include <utility>

namespace evenkeel::cli {

Get::Get(Loop& loop, ControlClient& control, Settings settings, Named what, MakeOutput make_output,
         OnEnd on_end)
    : loop_(&loop),
      control_(&control),
      settings_(std::move(settings)),
      what_(std::move(what)),
      make_output_(std::move(make_output)),
      on_end_(std::move(on_end)),
      work_(loop),
      data_(loop, {settings_.cluster, settings_.stall}),
      window_(settings_.window_bytes) {}

void Get::start() {
  locate(0);
}

Moved Get::moved() const {
  return {outcome_.bytes, size_.count(), 0, 1};
}

void Get::locate(std::uint64_t first) {
  locating_ = true;
  control_->ask<Located>(Locate{what_, first}, [this](const Result<Located>& page) {
    locating_ = false;
    page ? located(*page) : end(Exit::kError, page.error().what);
  });
}

void Get::located(const Located& page) {
  const bool expected =
      page.first == chunks_.size() && (!page.chunks.empty() || page.total == chunks_.size());
  if (!expected || (output_ && page.total != total_)) {
    return end(Exit::kError, "it was changed while it was read");
  }
  if (!output_) {
    auto output = make_output_();
    if (!output) return end(Exit::kError, output.error().what);
    output_ = std::move(*output);
    total_ = page.total;
    size_ = page.size;
  }
  for (const Located::Item& chunk : page.chunks) chunks_.push_back({chunk, page.epoch});
  fetch_more();
  if (total_ == 0) commit();
}

/// One chunk at a time waits for room, so that they get it in the order in which they are written.
void Get::fetch_more() {
  while (on_end_ && !waiting_for_room_ && next_fetch_ < chunks_.size() &&
         fetching_ < settings_.chunks_at_once) {
    waiting_for_room_ = true;
    const std::size_t index = next_fetch_++;
    window_.take(chunks_[index].chunk.content.size.count(), [this, index](ByteWindow::Share share) {
      waiting_for_room_ = false;
      fetch(index, std::move(share));
    });
  }
  const bool soon = chunks_.size() - next_fetch_ < settings_.chunks_at_once;
  if (on_end_ && !locating_ && soon && chunks_.size() < total_) locate(chunks_.size());
}

void Get::fetch(std::size_t index, ByteWindow::Share share) {
  if (!on_end_) return;
  ++fetching_;
  std::make_shared<ChunkFetch>(ChunkFetch::Parts{control_, &data_, settings_.first_holder_only},
                               chunks_[index].chunk, chunks_[index].epoch,
                               [this, index, share](tl::expected<Buffer, std::string> bytes) {
                                 fetched(index, share, std::move(bytes));
                               })
      ->start();
}

void Get::fetched(std::size_t index, ByteWindow::Share share,
                  tl::expected<Buffer, std::string> bytes) {
  --fetching_;
  if (!bytes) return end(Exit::kUnreadable, bytes.error());
  come_.emplace(index, Come{std::move(*bytes), std::move(share)});
  write_more();
  fetch_more();
}

void Get::write_more() {
  const auto found = come_.find(next_write_);
  if (writing_ || found == come_.end() || !on_end_) return;
  writing_ = true;
  ++next_write_;
  const auto chunk = std::make_shared<Come>(std::move(found->second));
  come_.erase(found);
  const auto outcome = std::make_shared<Result<void>>();
  work_.run([output = output_, chunk, outcome] { *outcome = output->append(chunk->bytes); },
            [this, chunk, outcome] {
              outcome_.bytes += chunk->bytes.size();
              written(*outcome);
            });
}

void Get::written(const Result<void>& outcome) {
  writing_ = false;
  if (!outcome) return end(Exit::kError, outcome.error().what);
  ++outcome_.chunks;
  if (outcome_.chunks == total_) return commit();
  write_more();
  fetch_more();
}

void Get::commit() {
  if (outcome_.bytes != size_.count()) {
    return end(Exit::kUnreadable, "its chunks add up to " + std::to_string(outcome_.bytes) +
                                      " bytes and not to " + std::to_string(size_.count()));
  }
  const auto outcome = std::make_shared<Result<void>>();
  work_.run([output = output_, outcome] { *outcome = output->commit(); },
            [this, outcome] {
              *outcome ? end(Exit::kOk, "") : end(Exit::kError, outcome->error().what);
            });
}

void Get::end(Exit exit, const std::string& what) {
  if (!on_end_) return;
  outcome_.exit = exit;
  outcome_.what = what;
  std::exchange(on_end_, nullptr)(outcome_);
}

}  // namespace evenkeel::cli
