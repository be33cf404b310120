#include "services/agent/io/executor.h"

#include <set>

#include "common/base/mutant.h"
#include "common/base/overloaded.h"
#include "common/log/log.h"
#include "common/model/text.h"
#include "services/agent/core/evidence.h"
#include "services/agent/store/chunk_reader.h"

namespace evenkeel::agent {
namespace {

constexpr std::size_t kVerifiesAtOnce = 3;  // of the four threads; copies and readers need one
constexpr std::size_t kLooksAtOnce = 64;    // at small files: a thread takes many in one go
constexpr Duration kTick{50};
constexpr Duration kSumPause{1'000};

std::string chunk_of(const Order& order) {
  return std::visit(Overloaded{
                        [](const Report&) { return std::string("-"); },
                        [](const auto& o) { return to_string(o.content.chunk); },
                    },
                    order);
}

CommandResult result_of(CommandId id, Outcome outcome, Refusal refusal) {
  return {id, outcome, refusal.why, std::move(refusal.detail), JournalNumber(0), {}, {}, {}};
}

}  // namespace

Executor::Executor(Loop& loop, Storage& storage, Committer& committer, Peers& peers,
                   const WorkSettings& settings)
    : loop_(loop),
      storage_(storage),
      committer_(committer),
      peers_(peers),
      settings_(settings),
      work_(loop),
      ticker_(loop,
              [this] {
                ended_.clear();
                std::vector<std::shared_ptr<CopyJob>> jobs;
                for (const auto& [id, task] : tasks_) {
                  if (task.copy) jobs.push_back(task.copy);
                }
                for (const auto& job : jobs) job->tick();
                start_waiting();
                say_done();
              }),
      next_(loop, [this] { start_waiting(); }) {
  ticker_.start(kTick, kTick);
}

Executor::~Executor() {
  for (const auto& [id, task] : tasks_) {
    if (task.copy) task.copy->abandon();
  }
}

void Executor::take(const Command& command, Epoch epoch) {
  const Receipt receipt = storage_.book().receive(command, epoch, storage_.now());
  std::visit(
      Overloaded{
          [&](const Begin&) { begin(command); },
          [](const UnderWay&) {},
          [&](const Endorse&) { endorse(command); },
          [&](const Repeat& repeat) { storage_.book().say_again(repeat.result, storage_.now()); },
          [&](const Decline& decline) {
            tasks_.emplace(command.id, Task{command, storage_.now()});
            fail(command.id, Outcome::kRefused, decline.refusal);
          },
          [&](const TooOld& old) {
            auto result = result_of(command.id, Outcome::kRefused, old.refusal);
            result.journal = storage_.journal().identity().journal;
            result.free = storage_.space().free();
            storage_.book().say_again(result, storage_.now());
          },
      },
      receipt);
}

void Executor::take_unknown(CommandId id, Epoch epoch) {
  if (storage_.book().state(id))
    return take({id, Reason::kReport, storage_.identity().storage, Duration(1), Report{}}, epoch);
  const Command stand_in{id, Reason::kReport, storage_.identity().storage, Duration(1), Report{}};
  const Receipt receipt = storage_.book().receive(stand_in, epoch, storage_.now());
  if (!std::holds_alternative<Begin>(receipt)) return;
  tasks_.emplace(id, Task{stand_in, storage_.now()});
  fail(id, Outcome::kRefused, {Why::kUnknown, "a kind of command that this agent does not know"});
}

/// Fresh sources for a copy, fresh evidence for a delete; and what only waited for this is done.
void Executor::endorse(const Command& command) {
  const auto* copy = std::get_if<Replicate>(&command.order);
  if (const auto task = tasks_.find(command.id); task != tasks_.end()) {
    auto* own = std::get_if<Replicate>(&task->second.command.order);
    if (own && copy) own->sources = copy->sources;
    if (task->second.copy && copy) task->second.copy->endorsed(copy->sources);
    return start_waiting();
  }
  auto effect = committer_.take_back(command.id);
  if (!effect) return;
  const auto* deletion = std::get_if<Delete>(&command.order);
  if (const auto fault = deletion ? evidence_missing(*deletion) : std::nullopt) {
    effect->files = Effect::Files::kNone;
    effect->result = result_of(command.id, Outcome::kRefused, {Why::kEvidence, *fault});
  }
  committer_.add(std::move(*effect));
}

std::optional<std::string> Executor::evidence_missing(const Delete& order) const {
  if (EK_MUTANT(evidence_not_looked_at)) return std::nullopt;
  const EvidenceLimits limits{settings_.presence_fresh, settings_.content_fresh};
  return evidence_fault(order, storage_.identity().storage, limits);
}

void Executor::begin(const Command& command) {
  tasks_.emplace(command.id, Task{command, storage_.now()});
  std::visit([&](const auto& order) { begin(command.id, order); }, command.order);
}

void Executor::begin(CommandId id, const Replicate&) {
  copies_waiting_.push_back(id);
  start_waiting();
}

void Executor::begin(CommandId id, const Verify&) {
  verifies_waiting_.push_back(id);
  start_waiting();
}

void Executor::begin(CommandId id, const Report&) {
  done(id, "inventory " + to_string(storage_.desk().want_full()));
}

void Executor::begin(CommandId id, const Delete& order) {
  ReplicaKey key = key_of(order.content);
  if (EK_MUTANT(delete_without_version_guard)) {
    key = storage_.table().newest(key.chunk).value_or(key);
  }
  const Replica* replica = storage_.table().find(key);
  if (!replica && storage_.journal().tombstone(key) == id) {
    return done(id, "deleted before a restart");
  }
  if (const auto fault = evidence_missing(order)) {
    return fail(id, Outcome::kRefused, {Why::kEvidence, *fault});
  }
  if (!replica) {
    // Who orders this does not know what is here instead.
    const auto newest = storage_.table().newest(key.chunk);
    if (newest) storage_.desk().changed(*newest);
    return fail(id, Outcome::kFailed, not_here(order.content));
  }
  storage_.book().begin(id);
  Effect effect{Effect::Files::kTrash, content_of(key, *replica)};
  effect.result = result_of(id, Outcome::kDone, {Why::kNone, ""});
  effect.result->bytes_done = replica->size;
  finish(id, std::move(effect));
}

Refusal Executor::not_here(const ChunkContent& content) const {
  const auto newest = storage_.table().newest(content.chunk);
  if (!newest) return {Why::kMissing, "no such replica here"};
  return {Why::kVersion, "version " + to_string(newest->version) + " is here"};
}

void Executor::start_waiting() {
  const auto next = [&](std::deque<CommandId>& queue, auto start) {
    const CommandId id = queue.front();
    queue.pop_front();
    const auto task = tasks_.find(id);
    if (task == tasks_.end()) return;  // its fence went down while it waited
    if (auto refusal = storage_.book().fence(id, storage_.now())) {
      return fail(id, Outcome::kRefused, std::move(*refusal));
    }
    start(id, task->second.command.order);
  };
  // One whose tokens are of an epoch that is over waits for others, and those behind it with it.
  const auto ready = [&](CommandId id) {
    return !tasks_.contains(id) || storage_.book().endorsed(id) ||
           storage_.book().fence(id, storage_.now());
  };
  while (!copies_waiting_.empty() && has_room_for(copies_waiting_.front()) &&
         ready(copies_waiting_.front())) {
    next(copies_waiting_,
         [&](CommandId id, const Order& order) { start_copy(id, std::get<Replicate>(order)); });
  }
  while (!verifies_waiting_.empty() && has_thread_for(verifies_waiting_.front())) {
    next(verifies_waiting_,
         [&](CommandId id, const Order& order) { start_verify(id, std::get<Verify>(order)); });
  }
}

/// As many as memory has room for: a few large ones, or many small ones. One may always be under
/// way.
bool Executor::has_room_for(CommandId copy) const {
  const auto task = tasks_.find(copy);
  if (task == tasks_.end() || copies_ == 0) return true;
  const Bytes more = CopyJob::memory_for(std::get<Replicate>(task->second.command.order));
  return copies_ < settings_.copies_in && copy_memory_ + more <= settings_.copy_memory;
}

bool Executor::has_thread_for(CommandId verify) const {
  const auto task = tasks_.find(verify);
  if (task == tasks_.end()) return true;
  const bool look = is_look(std::get<Verify>(task->second.command.order));
  return look ? looks_ < kLooksAtOnce : verifies_ < kVerifiesAtOnce;
}

/// At a small file, for its presence: over sooner than a thread is woken for it. Where file and
/// command differ in size, the bytes have to say which of the two is wrong.
bool Executor::is_look(const Verify& order) const {
  const Replica* replica = storage_.table().find(key_of(order.content));
  return order.level == VerifyLevel::kPresence && block_count(order.content.size.count()) < 2 &&
         (!replica || replica->size == order.content.size);
}

void Executor::start_copy(CommandId id, const Replicate& order) {
  const auto newest = storage_.table().newest(order.content.chunk);
  if (newest && newest->version > order.content.version) {
    return fail(id, Outcome::kRefused, not_here(order.content));
  }
  storage_.book().begin(id);
  const Replica* same = storage_.table().find(key_of(order.content));
  const bool here = same && same->finding == ReplicaFinding::kOk &&
                    content_of(key_of(order.content), *same) == order.content;
  here ? look_before_copy(id, order) : copy(id);
}

/// The table says that it is here; the disk has the last word.
void Executor::look_before_copy(CommandId id, const Replicate& order) {
  auto fault = std::make_shared<std::optional<DiskFault>>();
  work_.run(
      [fault, files = storage_.files(), content = order.content] {
        const auto checked = check_presence(*files, content);
        if (!checked) *fault = checked.error();
      },
      [this, fault, id, order, since = storage_.age_now()] {
        if (!tasks_.contains(id)) return;
        if (!*fault) return done(id, "it was here");
        storage_.found_bad(key_of(order.content), order.content.checksum, finding_of(**fault),
                           since);
        copy(id);
      });
}

void Executor::copy(CommandId id) {
  ++copies_;
  const auto& order = std::get<Replicate>(tasks_.at(id).command.order);
  copy_memory_ += CopyJob::memory_for(order);
  const auto job =
      std::make_shared<CopyJob>(loop_, storage_, peers_, id, order,
                                [this, id](CopyJob::End end) { copied(id, std::move(end)); });
  tasks_.at(id).copy = job;
  job->start();
}

void Executor::copied(CommandId id, CopyJob::End end) {
  --copies_;
  next_.start(Duration::zero());
  Task& task = tasks_.at(id);
  copy_memory_ -= CopyJob::memory_for(std::get<Replicate>(task.command.order));
  ended_.push_back(std::move(task.copy));
  Effect effect;
  effect.result = result_of(id, end.outcome, end.refusal.value_or(Refusal{Why::kNone, ""}));
  effect.result->blamed = std::move(end.blamed);
  effect.result->bytes_done = end.bytes_done;
  effect.hold = std::move(end.hold);
  if (!end.refusal) {
    effect.files = Effect::Files::kPlace;
    effect.content = std::get<Replicate>(task.command.order).content;
    effect.aside = end.aside;
    effect.synced = end.synced;
  }
  finish(id, std::move(effect));
}

void Executor::start_verify(CommandId id, const Verify& order) {
  const Replica* replica = storage_.table().find(key_of(order.content));
  if (!replica) return fail(id, Outcome::kFailed, not_here(order.content));
  if (replica->checksum != order.content.checksum) {
    return fail(id, Outcome::kFailed,
                {Why::kCorrupt, "its checksum is " + to_string(replica->checksum)});
  }
  storage_.book().begin(id);
  const ChunkContent content = content_of(key_of(order.content), *replica);
  const bool read = order.level == VerifyLevel::kContent || content.size != order.content.size;
  const bool look = is_look(order);
  std::size_t& under_way = look ? looks_ : verifies_;
  ++under_way;
  auto fault = std::make_shared<std::optional<DiskFault>>();
  auto check = [fault, files = storage_.files(), content, read] {
    const auto checked = read ? check_content(*files, content) : check_presence(*files, content);
    if (!checked) *fault = checked.error();
  };
  auto told = [this, &under_way, fault, id, order, since = storage_.age_now()] {
    --under_way;
    next_.start(Duration::zero());
    verified(id, order, *fault, since);
  };
  look ? storage_.small_work().run(work_, std::move(check), std::move(told))
       : work_.run(std::move(check), std::move(told));
}

void Executor::verified(CommandId id, const Verify& order, const std::optional<DiskFault>& fault,
                        AgeReading since) {
  if (!tasks_.contains(id)) return;
  const ReplicaKey key = key_of(order.content);
  const bool content = order.level == VerifyLevel::kContent;
  if (fault && fault->kind == DiskFault::Kind::kMissing) {
    storage_.lost(key, order.content.checksum);
    return fail(id, Outcome::kFailed, {Why::kMissing, fault->what});
  }
  if (fault) {
    const ReplicaFinding finding = finding_of(*fault);
    storage_.found_bad(key, order.content.checksum, finding, since);
    const Replica* now = storage_.table().find(key);
    if (now && now->finding == ReplicaFinding::kOk) {
      return fail(id, Outcome::kFailed, {Why::kIo, "another file took its place meanwhile"});
    }
    const bool io = finding == ReplicaFinding::kUnreadable;
    return fail(id, Outcome::kFailed, {io ? Why::kIo : Why::kCorrupt, fault->what});
  }
  if (content) storage_.found_whole(key, order.content.checksum);
  const Replica* replica = storage_.table().find(key);
  if (!replica) return fail(id, Outcome::kFailed, not_here(order.content));
  if (replica->finding != ReplicaFinding::kOk) {
    return fail(id, Outcome::kFailed, {Why::kCorrupt, "found so before"});
  }
  if (replica->size != order.content.size) {
    return fail(id, Outcome::kFailed,
                {Why::kCorrupt, "it has " + std::to_string(replica->size.count()) + " bytes"});
  }
  done(id, "", content ? replica->size : Bytes());
}

void Executor::end(const std::vector<CommandId>& commands) {
  for (const CommandId id : commands) {
    const auto task = tasks_.find(id);
    if (task == tasks_.end()) {
      // The committer sees the fence by itself, and cleans up. So does a copy.
      if (auto effect = committer_.take_back(id)) committer_.add(std::move(*effect));
    } else if (task->second.copy) {
      task->second.copy->tick();
    } else {
      Refusal why = *storage_.book().fence(id, storage_.now());
      const bool untouched =
          why.why == Why::kCancelled && storage_.book().state(id) == CommandState::kAccepted;
      fail(id, untouched ? Outcome::kRefused : Outcome::kFailed, std::move(why));
    }
  }
}

void Executor::drop_leftovers() {
  std::set<std::filesystem::path> wanted;
  for (const auto& [id, task] : tasks_) {
    const auto* order = std::get_if<Replicate>(&task.command.order);
    if (order) wanted.insert(storage_.files()->aside(order->content, id.value()));
  }
  storage_.drop_leftovers([&](const auto& aside) { return wanted.contains(aside); });
}

std::vector<std::pair<CommandId, Bytes>> Executor::progress() const {
  std::vector<std::pair<CommandId, Bytes>> items;
  for (const auto& [id, task] : tasks_) {
    if (task.copy) items.emplace_back(id, task.copy->bytes_done());
  }
  return items;
}

void Executor::done(CommandId id, std::string detail, Bytes bytes) {
  Effect effect;
  effect.result = result_of(id, Outcome::kDone, {Why::kNone, std::move(detail)});
  effect.result->bytes_done = bytes;
  finish(id, std::move(effect));
}

void Executor::fail(CommandId id, Outcome outcome, Refusal refusal) {
  Effect effect;
  effect.result = result_of(id, outcome, std::move(refusal));
  finish(id, std::move(effect));
}

/// The task is over; what is left of it is on its way through the committer, once.
void Executor::finish(CommandId id, Effect effect) {
  const auto task = tasks_.extract(id);
  EK_CHECK(!task.empty());
  const Task& t = task.mapped();
  effect.then = [this, command = t.command.id, kind = kind_of(t.command.order),
                 chunk = chunk_of(t.command.order),
                 since = t.since](const Effect::Ended&) { say(command, kind, chunk, since); };
  committer_.add(std::move(effect));
}

/// A line for each that did not go well; the others are summed up, for there may be thousands in a
/// second.
void Executor::say(CommandId id, CommandKind kind, const std::string& chunk, Instant since) {
  const CommandResult* result = storage_.book().result(id);
  EK_CHECK(result != nullptr);
  ++counts_.ended[{kind, result->outcome}];
  if (result->outcome == Outcome::kDone) {
    if (kind == CommandKind::kReplicate) counts_.copied += result->bytes_done;
    ++done_[kind];
    done_bytes_ += result->bytes_done;
    return;
  }
  log::info("command", {{"id", id},
                        {"kind", to_text(kind)},
                        {"chunk", chunk},
                        {"outcome", to_text(result->outcome)},
                        {"reason", to_text(result->why)},
                        {"bytes", result->bytes_done.count()},
                        {"took_ms", (storage_.now() - since).count()},
                        {"detail", result->detail}});
}

void Executor::say_done() {
  if (done_.empty() || storage_.now() < next_sum_) return;
  next_sum_ = storage_.now() + kSumPause;
  std::string kinds;
  for (const auto& [kind, count] : std::exchange(done_, {})) {
    kinds += (kinds.empty() ? "" : " ") + std::string(to_text(kind)) + ":" + std::to_string(count);
  }
  log::info("commands_done",
            {{"kinds", kinds}, {"bytes", std::exchange(done_bytes_, Bytes()).count()}});
}

}  // namespace evenkeel::agent
