#include "services/agent/core/command_book.h"

#include <algorithm>

#include "common/base/mutant.h"
#include "common/base/overloaded.h"
#include "common/model/text.h"

namespace evenkeel::agent {
namespace {

std::optional<Instant> deadline_of(const Command& command, Instant now) {
  // A delete never expires: it ends by its acknowledgement.
  if (std::holds_alternative<Delete>(command.order)) return std::nullopt;
  return now + command.allowed;
}

std::optional<ChunkContent> content_of(const Order& order) {
  return std::visit(Overloaded{
                        [](const Report&) { return std::optional<ChunkContent>(); },
                        [](const auto& o) { return std::optional(o.content); },
                    },
                    order);
}

}  // namespace

CommandBook::CommandBook(StorageId storage, Epoch epoch, Past past, Limits limits)
    : storage_(storage), limits_(limits), epoch_(epoch), watermark_(past.watermark) {
  highest_ = std::max(watermark_, past.intended);
  for (auto& [result, confirmed] : past.results) {
    const CommandId id = result.command;
    if (!highest_ || id > *highest_) highest_ = id;
    if (confirmed) {
      confirmed_.insert(id);
    } else {
      unsaid_.emplace(id, Saying{Instant{}, Backoff(limits.repeat_first, limits.repeat_longest)});
    }
    const auto state = confirmed ? CommandState::kConfirmed : CommandState::kFinished;
    entries_.emplace(id, Entry{state, epoch, std::nullopt, std::move(result)});
  }
}

Receipt CommandBook::receive(const Command& command, Epoch epoch, Instant now) {
  if (const auto known = entries_.find(command.id); known != entries_.end()) {
    if (known->second.result && EK_MUTANT(no_command_dedup)) {
      known->second = accepted(command, epoch, now);
      unsaid_.erase(command.id);
      confirmed_.erase(command.id);
      return Begin{};
    }
    if (known->second.result) return Repeat{*known->second.result};
    return under_way(known->second, command, epoch, now);
  }
  if (watermark_ && command.id <= *watermark_) {
    return TooOld{{Why::kExpired, "id is below the watermark " + to_string(*watermark_)}};
  }
  entries_.emplace(command.id, accepted(command, epoch, now));
  if (!highest_ || command.id > *highest_) highest_ = command.id;
  if (auto refusal = objection(command, epoch)) return Decline{std::move(*refusal)};
  return Begin{};
}

CommandBook::Entry CommandBook::accepted(const Command& command, Epoch epoch, Instant now) const {
  Entry entry{CommandState::kAccepted, epoch, deadline_of(command, now), {}};
  entry.kind = kind_of(command.order);
  entry.content = content_of(command.order);
  return entry;
}

/// The time allowed counts anew: whoever names it in a new epoch wants it done from now on. Whoever
/// means something else by its id has not named it.
Receipt CommandBook::under_way(Entry& entry, const Command& command, Epoch epoch, Instant now) {
  if (epoch != epoch_ || entry.epoch == epoch_ || entry.over != Over::kNo) return UnderWay{};
  const bool same = command.storage == storage_ && entry.kind == kind_of(command.order) &&
                    entry.content == content_of(command.order);
  if (!same) return UnderWay{};
  entry.epoch = epoch;
  entry.deadline = deadline_of(command, now);
  return Endorse{};
}

std::optional<Refusal> CommandBook::objection(const Command& command, Epoch epoch) const {
  if (epoch != epoch_ && !EK_MUTANT(agent_ignores_epoch)) {
    return Refusal{Why::kStaleEpoch, "epoch " + to_string(epoch) + ", here " + to_string(epoch_)};
  }
  if (command.storage != storage_ && !EK_MUTANT(commands_not_bound_to_storage)) {
    return Refusal{Why::kWrongStorage, "this storage is " + to_string(storage_)};
  }
  const bool may_expire = !std::holds_alternative<Delete>(command.order);
  if (may_expire && command.allowed <= Duration::zero()) {
    return Refusal{Why::kExpired, "no time is allowed"};
  }
  return std::nullopt;
}

std::optional<Refusal> CommandBook::fence(CommandId id, Instant now) const {
  const Entry& entry = entries_.at(id);
  if (EK_MUTANT(no_fence)) return std::nullopt;
  switch (entry.over) {
    case Over::kNo:
      break;
    case Over::kNotNamed:
      return Refusal{Why::kStaleEpoch, "not known any more in epoch " + to_string(epoch_)};
    case Over::kWithdrawn:
      return Refusal{Why::kCancelled, "it is not wanted any more"};
  }
  if (entry.deadline && now >= *entry.deadline) {
    return Refusal{Why::kExpired, "the time allowed is over"};
  }
  return std::nullopt;
}

bool CommandBook::endorsed(CommandId id) const {
  return entries_.at(id).epoch == epoch_ || EK_MUTANT(effect_before_it_is_endorsed);
}

void CommandBook::finish(const CommandResult& result, Instant now) {
  go(result.command, CommandState::kFinished);
  entries_.at(result.command).result = result;
  unsaid_.insert_or_assign(result.command,
                           Saying{now, Backoff(limits_.repeat_first, limits_.repeat_longest)});
}

std::vector<CommandResult> CommandBook::due(Instant now, std::size_t most) {
  std::vector<CommandResult> results;
  for (auto it = once_.begin(); it != once_.end() && results.size() < most; it = once_.erase(it)) {
    results.push_back(it->second);
  }
  for (auto& [id, saying] : unsaid_) {
    if (results.size() == most) break;
    if (saying.at > now) continue;
    saying.at = now + saying.backoff.next();
    if (EK_MUTANT(result_said_once)) saying.at = Instant::max();
    results.push_back(*entries_.at(id).result);
  }
  return results;
}

bool CommandBook::confirm(CommandId id) {
  if (unsaid_.erase(id) == 0) return false;
  go(id, CommandState::kConfirmed);
  confirmed_.insert(id);
  return true;
}

void CommandBook::say_again(const CommandResult& result, Instant now) {
  const auto waiting = unsaid_.find(result.command);
  if (waiting == unsaid_.end()) {
    once_.insert_or_assign(result.command, result);
    return;
  }
  waiting->second.at = now;
}

std::vector<CommandId> CommandBook::forget() {
  std::vector<CommandId> forgotten;
  while (confirmed_.size() > limits_.confirmed_kept) {
    const CommandId id = *confirmed_.begin();
    confirmed_.erase(confirmed_.begin());
    entries_.erase(id);
    if (!watermark_ || id > *watermark_) watermark_ = id;
    forgotten.push_back(id);
  }
  return forgotten;
}

void CommandBook::raise(Epoch epoch) {
  EK_CHECK(epoch > epoch_);
  epoch_ = epoch;
}

std::vector<CommandId> CommandBook::end_unendorsed() {
  std::vector<CommandId> ended;
  for (auto& [id, entry] : entries_) {
    if (!entry.open() || entry.epoch == epoch_ || entry.over != Over::kNo) continue;
    entry.over = Over::kNotNamed;
    ended.push_back(id);
  }
  return ended;
}

std::vector<CommandId> CommandBook::withdraw(const std::vector<CommandId>& commands) {
  std::vector<CommandId> ended;
  for (const CommandId id : commands) {
    const auto entry = entries_.find(id);
    if (entry == entries_.end() || !entry->second.open() || !entry->second.deadline) continue;
    if (entry->second.over != Over::kNo) continue;
    entry->second.over = Over::kWithdrawn;
    ended.push_back(id);
  }
  return ended;
}

bool CommandBook::knows(CommandId id) const {
  return entries_.contains(id) || (watermark_ && id <= *watermark_);
}

std::optional<CommandState> CommandBook::state(CommandId id) const {
  const auto entry = entries_.find(id);
  return entry == entries_.end() ? std::nullopt : std::optional(entry->second.state);
}

const CommandResult* CommandBook::result(CommandId id) const {
  const auto entry = entries_.find(id);
  return entry != entries_.end() && entry->second.result ? &*entry->second.result : nullptr;
}

void CommandBook::go(CommandId id, CommandState to) {
  Entry& entry = entries_.at(id);
  EK_CHECK(may_go(entry.state, to));
  entry.state = to;
}

}  // namespace evenkeel::agent
