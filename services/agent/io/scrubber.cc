#include "services/agent/io/scrubber.h"

#include "common/base/mutant.h"

#include <algorithm>

namespace evenkeel::agent {
namespace {

constexpr Duration kTick{20};
constexpr Duration kRoundPause{10'000};
constexpr std::size_t kRoundMax = 10'000;

}  // namespace

Scrubber::Scrubber(Loop& loop, Storage& storage, const ScrubSettings& settings)
    : storage_(storage),
      settings_(settings),
      limit_(settings.rate, storage.now()),
      work_(loop),
      timer_(loop, [this] { step(); }) {
  for (const auto& [key, replica] : storage.table().all()) {
    if (replica.finding != ReplicaFinding::kOk) bad_before_.insert(key);
  }
  if (settings.rate > Bytes()) timer_.start(kTick, kTick);
}

void Scrubber::step() {
  if (reading_ || limit_.wait(storage_.now()) > Duration::zero()) return;
  if (content_ || find_next()) read_on();
}

/// What a disk could not give may be given the next time, and may be the last there is of a chunk.
/// What was given and did not match stays what it is; but what an earlier run remembers may be of a
/// file that was replaced by a whole one, and it ended before it could write that down.
bool Scrubber::worth_reading(const ReplicaKey& key, const Replica& replica) const {
  if (replica.finding == ReplicaFinding::kOk) return true;
  if (EK_MUTANT(unreadable_for_ever)) return false;
  return replica.finding == ReplicaFinding::kUnreadable || bad_before_.contains(key);
}

bool Scrubber::find_next() {
  if (round_.empty() && storage_.now() >= next_round_) make_round();
  while (!round_.empty()) {
    const ReplicaKey key = round_.front();
    round_.pop_front();
    const Replica* replica = storage_.table().find(key);
    if (!replica || !worth_reading(key, *replica)) continue;
    content_ = content_of(key, *replica);
    since_ = storage_.age_now();
    reader_.reset();
    block_ = 0;
    return true;
  }
  return false;
}

/// What is due now, longest unread first. A look at the whole table, so not often.
void Scrubber::make_round() {
  const Instant now = storage_.now();
  next_round_ = now + kRoundPause;
  std::vector<std::pair<AgeReading, ReplicaKey>> due;
  for (const auto& [key, replica] : storage_.table().all()) {
    if (!worth_reading(key, replica)) continue;
    const auto age = replica.checked ? storage_.ages().age(*replica.checked, now) : std::nullopt;
    const bool readable = replica.finding == ReplicaFinding::kOk;
    if (readable && age && *age < settings_.pause) continue;
    due.emplace_back(age ? *replica.checked : AgeReading::min(), key);
  }
  const std::size_t count = std::min(due.size(), kRoundMax);
  std::partial_sort(due.begin(), due.begin() + static_cast<std::ptrdiff_t>(count), due.end());
  for (std::size_t i = 0; i < count; ++i) round_.push_back(due[i].second);
}

/// One block at a time: the smallest step that can be verified.
void Scrubber::read_on() {
  struct Step {
    std::optional<DiskFault> fault;
    std::shared_ptr<const ChunkReader> reader;
    std::uint64_t bytes = 0;
  };
  reading_ = true;
  auto step = std::make_shared<Step>();
  step->reader = reader_;
  work_.run(
      [step, files = storage_.files(), content = *content_, block = block_] {
        if (!step->reader) {
          auto opened = ChunkReader::open(*files, content);
          if (!opened) {
            step->fault = opened.error();
            return;
          }
          step->reader = *opened;
        }
        if (block >= step->reader->manifest().blocks.size()) return;
        const auto bytes = step->reader->read(block, 1);
        if (!bytes) step->fault = bytes.error();
        if (bytes) step->bytes = bytes->size();
      },
      [this, step] {
        reader_ = step->reader;
        have(step->bytes, step->fault);
      });
}

void Scrubber::have(std::uint64_t bytes, const std::optional<DiskFault>& fault) {
  reading_ = false;
  counts_.read += Bytes(bytes);
  limit_.took(Bytes(std::max<std::uint64_t>(bytes, 1)), storage_.now());
  if (fault) return finish(fault);
  ++block_;
  if (block_ >= reader_->manifest().blocks.size()) return finish(std::nullopt);
  step();
}

void Scrubber::finish(const std::optional<DiskFault>& fault) {
  const ReplicaKey key = key_of(*content_);
  bad_before_.erase(key);
  if (!fault || EK_MUTANT(scrub_finds_nothing)) {
    reader_->drop_cache();
    storage_.found_whole(key, content_->checksum);
  } else if (fault->kind != DiskFault::Kind::kMissing) {
    ++counts_.faults;
    storage_.found_bad(key, content_->checksum, agent::finding_of(*fault), since_);
  }
  content_.reset();
  reader_.reset();
}

}  // namespace evenkeel::agent
