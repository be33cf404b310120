#include "tools/cli/chunk_put.h"

#include <algorithm>
#include <utility>

#include "common/wire/limits.h"

namespace evenkeel::cli {

ChunkPut::ChunkPut(Parts parts, ChunkToPut chunk, AskPlaces ask_places, OnEnd on_end)
    : parts_(parts),
      chunk_(std::move(chunk)),
      ask_places_(std::move(ask_places)),
      on_end_(std::move(on_end)) {}

PutPlace::Item ChunkPut::item() const {
  return {chunk_.index, Bytes(chunk_.manifest.size_bytes), chunk_.checksum, avoid_};
}

/// As many as are still missing; one that has stored it may be named again and need not.
std::vector<Source> ChunkPut::new_targets(const PutPlaced::Item& item) const {
  std::vector<Source> targets;
  for (const Source& target : item.targets) {
    const bool has_it = std::ranges::any_of(
        outcome_.receipts, [&](const Receipt& r) { return r.storage == target.storage; });
    const bool failed = std::ranges::find(avoid_, target.server) != avoid_.end();
    const bool enough = outcome_.receipts.size() + targets.size() >= outcome_.wanted;
    if (!has_it && !failed && !enough) targets.push_back(target);
  }
  return targets;
}

void ChunkPut::placed(const PutPlaced::Item& item, Epoch epoch) {
  epoch_ = epoch;
  outcome_.chunk = item.chunk;
  outcome_.wanted = std::max(outcome_.wanted, item.targets.size());
  ++rounds_;
  const std::vector<Source> targets = new_targets(item);
  if (targets.empty()) {
    if (outcome_.receipts.empty()) outcome_.faults.emplace_back("no server can take it");
    return end();
  }
  under_way_ = targets.size();
  for (const Source& target : targets) {
    store(item, target, parts_.settings.busy_tries, parts_.settings.busy_pause);
  }
}

void ChunkPut::not_placed(const Error& why) {
  if (!may_wait_for_places(why)) {
    outcome_.faults.push_back(why.what);
    return end();
  }
  pauses_.push_back(std::make_unique<Timer>(*parts_.loop, [self = weak_from_this()] {
    if (const auto chunk = self.lock()) chunk->ask_places_();
  }));
  pauses_.back()->start(parts_.settings.place_pause);
}

/// Only for the first place: a chunk that is somewhere does not have to wait.
bool ChunkPut::may_wait_for_places(const Error& why) {
  const bool nothing_yet = outcome_.receipts.empty() && outcome_.faults.empty();
  if (why.code != ErrorCode::kBusy || !nothing_yet) return false;
  if (!patience_) {
    patience_ = std::make_unique<Timer>(*parts_.loop, [] {});
    patience_->start(parts_.settings.patience);
  }
  return patience_->running();
}

void ChunkPut::store(const PutPlaced::Item& item, const Source& target, int tries_left,
                     Duration pause) {
  const ChunkContent content{item.chunk, item.version, Bytes(chunk_.manifest.size_bytes),
                             chunk_.checksum};
  StoreOrder order{target.address,
                   TransferStore{content, target.storage, epoch_, target.token, kBlockBytes,
                                 chunk_.manifest.blocks},
                   chunk_.bytes};
  parts_.data->store(std::move(order), [self = shared_from_this(), item, target, tries_left,
                                        pause](tl::expected<Receipt, DataFault> outcome) {
    self->stored(item, target, tries_left, pause, std::move(outcome));
  });
}

void ChunkPut::stored(const PutPlaced::Item& item, const Source& target, int tries_left,
                      Duration pause, tl::expected<Receipt, DataFault> outcome) {
  if (outcome) {
    outcome_.receipts.push_back(std::move(*outcome));
    return one_settled();
  }
  if (outcome.error().code == "busy" && tries_left > 0) {
    return store_later(item, target, tries_left - 1, pause);
  }
  failed(target, outcome.error());
  one_settled();
}

void ChunkPut::store_later(const PutPlaced::Item& item, const Source& target, int tries_left,
                           Duration pause) {
  const auto again = [self = weak_from_this(), item, target, tries_left, pause] {
    if (const auto chunk = self.lock()) chunk->store(item, target, tries_left, pause * 2);
  };
  pauses_.push_back(std::make_unique<Timer>(*parts_.loop, again));
  pauses_.back()->start(pause);
}

/// A token of another epoch is the rebalancer's doing and not the target's: it stays a candidate,
/// and the next places come with tokens of the epoch of then.
void ChunkPut::failed(const Source& target, const DataFault& fault) {
  outcome_.faults.push_back(to_string(target.server) + " " + target.address + ": " +
                            to_string(fault));
  const bool not_its_fault = fault.code == "token" || fault.code == "epoch";
  if (!not_its_fault && avoid_.size() < wire::kAvoidMax) avoid_.push_back(target.server);
}

void ChunkPut::one_settled() {
  if (--under_way_ > 0) return;
  const bool whole = outcome_.receipts.size() >= outcome_.wanted;
  whole || rounds_ >= parts_.settings.rounds ? end() : ask_places_();
}

void ChunkPut::end() {
  chunk_.bytes.reset();
  const auto on_end = std::exchange(on_end_, nullptr);
  ask_places_ = nullptr;
  on_end(outcome_);
  chunk_.share.reset();  // last: others may begin with the room
}

}  // namespace evenkeel::cli
