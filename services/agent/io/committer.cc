#include "services/agent/io/committer.h"

#include "common/base/mutant.h"

#include <set>

namespace evenkeel::agent {

struct Committer::Job {
  Effect effect;
  std::optional<ChunkContent> bad;  // of the same version, to be put out of the way
  bool moved = false;
  std::optional<Refusal> refusal = {};
  JournalNumber number{0};

  void refuse(Refusal why) {
    refusal = std::move(why);
    effect.files = Effect::Files::kNone;
  }
  ReplicaKey key() const { return key_of(*effect.content); }
};

namespace {

Refusal refusal_of(const DiskFault& fault) {
  switch (fault.kind) {
    case DiskFault::Kind::kNoSpace:
      return {Why::kNoSpace, fault.what};
    case DiskFault::Kind::kMissing:
      return {Why::kMissing, fault.what};
    case DiskFault::Kind::kShort:
    case DiskFault::Kind::kCorrupt:
      return {Why::kCorrupt, fault.what};
    case DiskFault::Kind::kIo:
      return {Why::kIo, fault.what};
  }
  return {Why::kIo, fault.what};
}

}  // namespace

Committer::Committer(Loop& loop, Storage& storage, std::function<void()> on_commit)
    : storage_(storage),
      on_commit_(std::move(on_commit)),
      work_(loop),
      turn_(loop, {}, [this](std::vector<Effect>&& effects) { gather(std::move(effects)); }) {}

void Committer::add(Effect effect) {
  EK_CHECK(effect.files == Effect::Files::kNone || effect.content);
  turn_.add(std::move(effect));
}

std::optional<Effect> Committer::take_back(CommandId id) {
  auto held = held_.extract(id);
  return held.empty() ? std::nullopt : std::optional(std::move(held.mapped()));
}

void Committer::gather(std::vector<Effect>&& effects) {
  for (Effect& effect : effects) {
    const bool unsynced = effect.files == Effect::Files::kPlace && !effect.synced;
    (unsynced ? unsynced_ : waiting_).push_back(std::move(effect));
  }
  sync_asides();
  if (!under_way_ && !waiting_.empty()) begin();
}

/// One sync for all that are whole by now. Effects that are held, or wait for another of their
/// chunk, are synced already when their turn comes.
void Committer::sync_asides() {
  if (syncing_ || unsynced_.empty()) return;
  syncing_ = true;
  ++syncs_;
  std::vector<std::filesystem::path> paths;
  for (const Effect& effect : unsynced_) paths.push_back(effect.aside);
  auto effects = std::make_shared<std::vector<Effect>>(std::exchange(unsynced_, {}));
  work_.run([files = storage_.files(), paths] { files->sync_asides(paths); },
            [this, effects] {
              syncing_ = false;
              for (Effect& effect : *effects) {
                effect.synced = true;
                waiting_.push_back(std::move(effect));
              }
              sync_asides();
              if (!under_way_) begin();
            });
}

void Committer::begin() {
  Jobs jobs;
  std::set<ChunkId> chunks;
  std::vector<Effect> later;
  for (Effect& effect : std::exchange(waiting_, {})) {
    if (is_early(effect)) {
      held_.emplace(effect.result->command, std::move(effect));
      continue;
    }
    // Two effects on one chunk do not share a batch: each has to see what the other has done.
    if (effect.content && !chunks.insert(effect.content->chunk).second) {
      later.push_back(std::move(effect));
      continue;
    }
    jobs.push_back(std::make_shared<Job>(Job{std::move(effect), std::nullopt}));
  }
  waiting_ = std::move(later);
  if (jobs.empty()) return;
  under_way_ = true;
  for (const auto& job : jobs) {
    check_fence(*job);
    holds_.push_back(std::move(job->effect.hold));
  }
  intend_deletes(jobs);
  const Timestamp when = storage_.clock().wall_now();
  work_.run([files = storage_.files(), jobs, when] { move_files(*files, jobs, when); },
            [this, jobs, when] { commit(jobs, when); });
}

/// Its bytes may be durable, but the rebalancer of this epoch has not said yet that it wants them.
bool Committer::is_early(const Effect& effect) const {
  if (effect.files == Effect::Files::kNone || !effect.result) return false;
  const CommandId id = effect.result->command;
  return !storage_.book().endorsed(id) && !storage_.book().fence(id, storage_.now());
}

void Committer::check_fence(Job& job) {
  const Effect& effect = job.effect;
  if (effect.files == Effect::Files::kNone) return;
  if (effect.result) {
    const CommandId id = effect.result->command;
    if (auto refusal = storage_.book().fence(id, storage_.now())) {
      return job.refuse(std::move(*refusal));
    }
    storage_.book().place(id);
  }
  effect.files == Effect::Files::kPlace ? check_place(job) : check_trash(job);
}

void Committer::check_place(Job& job) {
  // A newer one may have come since this was begun.
  const auto newest = storage_.table().newest(job.effect.content->chunk);
  if (newest && newest->version > job.effect.content->version) {
    return job.refuse({Why::kVersion, "version " + to_string(newest->version) + " is here"});
  }
  const Replica* old = storage_.table().find(job.key());
  if (!old) return;
  const bool whole =
      old->finding == ReplicaFinding::kOk && content_of(job.key(), *old) == *job.effect.content;
  // It came by another way meanwhile: nothing valid is overwritten.
  if (whole) job.effect.files = Effect::Files::kNone;
  if (!whole) job.bad = content_of(job.key(), *old);
}

void Committer::check_trash(Job& job) {
  const Replica* replica = storage_.table().find(job.key());
  if (!replica) return job.refuse({Why::kMissing, "it is gone"});
  job.effect.content = content_of(job.key(), *replica);  // by the checksum that its name bears
}

void Committer::intend_deletes(const Jobs& jobs) {
  std::optional<Journal::Batch> batch;
  for (const auto& job : jobs) {
    if (job->effect.files != Effect::Files::kTrash) continue;
    if (!batch) batch.emplace(storage_.journal(), storage_.clock().wall_now());
    batch->intend_delete(job->key(), job->effect.result->command);
  }
  if (batch) batch->commit();
}

/// On the thread pool. A failed rename is an answer; a failed sync ends the process.
void Committer::move_files(const ChunkFiles& files, const Jobs& jobs, Timestamp when) {
  bool live = false, trash = false, quarantine = false;
  const auto move = [&](Job& job) -> DiskResult<void> {
    const ChunkContent& content = *job.effect.content;
    live = true;
    if (job.effect.files == Effect::Files::kTrash) {
      trash = true;
      return files.move_to_trash(content, when);
    }
    if (job.bad) {
      quarantine = true;
      const auto away = files.move_to_quarantine(*job.bad, when);
      if (!away && away.error().kind != DiskFault::Kind::kMissing) return away;
    }
    return files.place(job.effect.aside, content);
  };
  for (const auto& job : jobs) {
    if (job->effect.files == Effect::Files::kNone) continue;
    const auto moved = move(*job);
    job->moved = moved.has_value();
    if (!moved) job->refuse(refusal_of(moved.error()));
  }
  // The place where a file arrives is synced before the one that it left.
  if (trash) files.sync_trash();
  if (quarantine) files.sync_quarantine();
  if (live && !EK_MUTANT(no_sync_of_folders)) files.sync_live();
  for (const auto& job : jobs) {
    if (!job->moved && !job->effect.aside.empty()) files.drop_aside(job->effect.aside);
  }
}

void Committer::commit(const Jobs& jobs, Timestamp when) {
  holds_.clear();
  Journal::Batch batch(storage_.journal(), when);
  for (const auto& job : jobs) settle(*job, when);
  const Bytes free = storage_.space().free();
  for (const auto& job : jobs) journal(batch, *job, free);
  storage_.write_findings(batch);
  batch.commit();
  storage_.journal().checkpoint();
  for (const auto& job : jobs) {
    if (job->effect.result) storage_.book().finish(*job->effect.result, storage_.now());
  }
  under_way_ = false;
  for (const auto& job : jobs) {
    if (job->effect.then) job->effect.then({job->refusal, job->number});
  }
  on_commit_();
  if (!under_way_ && !waiting_.empty()) begin();
}

/// What has happened on disk is now known. If the commit that follows fails, the process ends, and
/// the next start reads the disk.
void Committer::settle(Job& job, Timestamp when) {
  Effect& effect = job.effect;
  if (job.bad && !storage_.files()->exists(*job.bad)) {
    storage_.table().erase(job.key());
    if (!job.moved) storage_.desk().changed(job.key());  // no result tells that it has gone
  }
  if (!job.moved) return;
  if (effect.files == Effect::Files::kPlace) {
    const ChunkContent& content = *effect.content;
    const AgeReading checked = storage_.ages().reading(storage_.now());
    storage_.table().put(job.key(), {content.size, content.checksum, ReplicaFinding::kOk, checked});
  } else {
    storage_.table().erase(job.key());
    storage_.trashed(*effect.content, when);
    // Of another version that is still here nobody may have heard: one of a chunk is told of.
    if (const auto other = storage_.table().newest(job.key().chunk))
      storage_.desk().changed(*other);
  }
}

void Committer::journal(Journal::Batch& batch, Job& job, Bytes free) {
  Effect& effect = job.effect;
  if (job.moved && effect.files == Effect::Files::kTrash) batch.went(job.key());
  if (job.moved && effect.files == Effect::Files::kPlace) {
    const Replica& replica = *storage_.table().find(job.key());
    batch.came(job.key());
    batch.checked(job.key(), {replica.checksum, replica.finding, replica.checked, replica.size});
  }
  if (!effect.result) {
    if (!job.refusal) {
      // Come anew, it has a number of its own: that it had gone may have been told.
      const auto known = job.moved ? std::nullopt : storage_.journal().stored(job.key());
      job.number = known ? *known : batch.add_stored(job.key());
      storage_.desk().changed(job.key());
    }
    return;
  }
  if (job.refusal) {
    effect.result->outcome = Outcome::kFailed;
    effect.result->why = job.refusal->why;
    effect.result->detail = job.refusal->detail;
  }
  effect.result->free = free;
  effect.result = batch.add(std::move(*effect.result));
  job.number = effect.result->journal;
}

}  // namespace evenkeel::agent
