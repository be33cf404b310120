#include "services/rebalancer/rebalancer.h"

#include <algorithm>
#include <utility>

#include "common/base/mutant.h"
#include "services/rebalancer/approvals.h"
#include "services/rebalancer/core/brake.h"
#include "services/rebalancer/core/facts.h"
#include "services/rebalancer/core/mode.h"
#include "services/rebalancer/core/needless.h"
#include "services/rebalancer/core/patience.h"
#include "services/rebalancer/core/planner.h"
#include "services/rebalancer/files.h"
#include "services/rebalancer/store/histories.h"

namespace evenkeel {
namespace {

/// Whether who is away, or what that means, may be another afterwards.
bool is_about_presence(const Change& change) {
  return std::holds_alternative<ServerAdded>(change) ||
         std::holds_alternative<ServerUpdated>(change) ||
         std::holds_alternative<ServerReplaced>(change) ||
         std::holds_alternative<ServerReported>(change) ||
         std::holds_alternative<ServerGone>(change);
}

}  // namespace

Rebalancer::Rebalancer(Store& store, const Clock& clock, const Limits& limits)
    : store_(store),
      clock_(clock),
      limits_(limits),
      pace_(limits),
      view_(store.load_view(clock.now())),
      last_event_before_(view_.last_event()),
      puts_looked_at_(clock.now()),
      proposals_looked_at_(clock.now()),
      turn_began_(clock.now()),
      watch_(store, view_, clock.now()) {
  begin_epoch();
}

Store::Transaction Rebalancer::begin() {
  return Store::Transaction(store_, view_.epoch(), clock_.wall_now(),
                            clock_.now() - view_.started());
}

void Rebalancer::begin_epoch() {
  knew_no_chunk_ = view_.table().size() == 0;
  auto transaction = begin();
  Committed committed;
  view_.apply(BudgetsSet{limits_.budgets});
  const Epoch by_clock = epoch_at(clock_.wall_now());
  Changes changes{EpochRaised{std::max(view_.epoch().next(), by_clock)}};
  if (by_clock <= view_.epoch()) set_apart(changes);
  const Epoch epoch = std::get<EpochRaised>(changes[0]).epoch;
  changes.push_back(Noted{"mode", "rebalancer", "started, epoch " + std::to_string(epoch.value())});
  record(transaction, changes, committed);
  // Perhaps a backup, which says so of itself: agents do not tell of all that it has missed.
  if (const auto& why = view_.deletes_held()) {
    Changes behind = of_being_behind(view_, Epoch(0), view_.next_command(), std::string(*why));
    set_apart(behind);
    record(transaction, behind, committed);
  }
  Policy policy = view_.policies().at(kDefaultPolicy);
  if (policy.goal != limits_.default_goal) {
    policy.goal = limits_.default_goal;
    record(transaction, {PolicySet{policy}}, committed);
  }
  watch_.write(transaction, view_, clock_.now(), clock_.wall_now(), true, looks_of_watch());
  transaction.commit();
  for (const auto& [chunk, left] : store_.recently_retired(limits_.retire_after)) {
    view_.apply(
        ChunkSetAside{chunk, "deleted by its owner; kept for a while", clock_.now() + left});
  }
}

/// Before all have told what they hold, a database that knows of no chunk may be one that was lost,
/// and a number that it would give out one that is in use (see histories.h).
void Rebalancer::number_apart(Store::Transaction& transaction, Committed& committed) {
  if (!knew_no_chunk_ || !view_.in_safe_mode()) return;
  knew_no_chunk_ = false;
  Changes changes{ChunkSequence{view_.next_chunk()}};
  set_apart(changes);
  record(transaction, changes, committed);
}

Committed Rebalancer::handle(std::span<const Event> events, std::span<const Asked> questions) {
  Committed committed;
  committed.events = events.size();
  std::vector<Answer> answers;
  const Instant now = turn_began_ = clock_.now();
  if (may_wait(events, now) && questions.empty()) return committed;
  last_turn_ = now;
  auto transaction = begin();
  view_.apply(TurnBegun{pace_.limits().sorted_per_turn});
  for (const Event& event : events) {
    const auto instead = copy_after_all(event);
    Changes facts = facts_of(view_, instead ? *instead : event, limits_, now);
    set_apart(facts);
    record(transaction, facts, committed);
  }
  for (const Asked& asked : questions) {
    if (std::holds_alternative<PutPlace>(asked.request)) number_apart(transaction, committed);
    Outcomes outcomes = Approvals(view_, store_, limits_, now).answer(asked.request, asked.who);
    record(transaction, outcomes.changes, committed);
    answers.push_back(std::move(outcomes.answer));
  }
  look_at_log(transaction, committed);
  give_up_old_puts(transaction, committed);
  give_up_old_proposals(transaction, committed);
  look_at_absences(transaction, committed);
  const std::size_t before = committed.issued.size();
  record(transaction, plan(view_, pace_.limits(), now), committed);
  const auto most = static_cast<std::size_t>(pace_.limits().commands_per_turn);
  watch_.write(transaction, view_, now, clock_.wall_now(), committed.changes > 0, looks_of_watch());
  committed.more_to_do =
      view_.unsorted() > 0 || watch_.behind() || committed.issued.size() - before >= most;
  const Instant decided = clock_.now();
  transaction.commit();
  committing_ = clock_.now() - decided;
  cut_off_ = committed.more_to_do;
  at_rest_ = committed.changes == 0;
  for (std::size_t i = 0; i < questions.size(); ++i) questions[i].answer(std::move(answers[i]));
  return committed;
}

/// As many as are sorted anew: it is as much work.
std::size_t Rebalancer::looks_of_watch() const {
  return static_cast<std::size_t>(pace_.limits().sorted_per_turn);
}

void Rebalancer::end_turn() {
  store_.copy_log_if_long();
  if (store_.log_falls_behind()) {
    pace_.outran_disk();
  } else {
    pace_.took({.all = clock_.now() - turn_began_, .commit = committing_}, cut_off_);
  }
  if (at_rest_ && !cut_off_) pace_.rested();
}

/// Whether nothing has happened but that time has passed, of which little is made while the log
/// must not grow: each commit is a page of it at least.
bool Rebalancer::may_wait(std::span<const Event> events, Instant now) const {
  constexpr Duration kSeldom = 10s;
  return view_.log_held() && !cut_off_ && now - last_turn_ < kSeldom &&
         std::ranges::all_of(
             events, [](const Event& event) { return std::holds_alternative<TimePassed>(event); });
}

/// Nobody who reads can be made to stop, and until they do what is committed stays in the log: so
/// nothing more is ordered but what cannot wait.
void Rebalancer::look_at_log(Store::Transaction& transaction, Committed& committed) {
  const bool held = store_.log_size() >= limits_.log_limit;
  if (held == view_.log_held().has_value()) return;
  const std::string why = held ? "the log of the database has grown to " +
                                     std::to_string(store_.log_size().count() >> 20) +
                                     " MiB, for " + store_.who_reads() +
                                     " has not ended a read; that has to end first"
                               : "the log of the database was begun anew";
  record(transaction,
         {LogHeld{held ? std::optional(why) : std::nullopt}, Noted{"mode", "rebalancer", why}},
         committed);
}

/// What follows from who is away, once everything that has happened is known: before anything is
/// planned, so that nothing is copied that the brake would have held.
void Rebalancer::look_at_absences(Store::Transaction& transaction, Committed& committed) {
  if (std::exchange(servers_changed_, false)) {
    Changes changes = braking(view_, limits_);
    await_racks(view_, limits_, clock_.now(), changes);
    record(transaction, changes, committed);
  }
  if (const Mode mode = mode_of(view_).mode;
      mode == Mode::kRunning || mode == Mode::kBraked || mode == Mode::kLogFull) {
    record(transaction, needless_copies(view_, limits_), committed);
  }
}

/// The view forgets a command when it is closed. If it was a copy that was not wanted any more, and
/// was done all the same, there is a replica that nobody knows of: the acknowledgement says so.
std::optional<Event> Rebalancer::copy_after_all(const Event& event) {
  const auto* acknowledged = std::get_if<CommandAcknowledged>(&event);
  if (EK_MUTANT(copy_after_all_unknown)) return std::nullopt;
  if (!acknowledged || acknowledged->result.outcome != Outcome::kDone) return std::nullopt;
  const CommandId id = acknowledged->result.command;
  if (view_.find(id) || id >= view_.next_command()) return std::nullopt;
  const auto copy = store_.superseded_copy(id);
  if (!copy || copy->server != acknowledged->from.server ||
      copy->storage != acknowledged->from.storage) {
    return std::nullopt;
  }
  return CopyDoneAfterAll{copy->server, copy->storage, copy->chunk, copy->version,
                          acknowledged->result.journal};
}

void Rebalancer::give_up_old_puts(Store::Transaction& transaction, Committed& committed) {
  constexpr Duration kLookEvery = 1min;
  const Instant now = clock_.now();
  if (now - puts_looked_at_ < kLookEvery) return;
  puts_looked_at_ = now;
  for (const FileId file : store_.given_up(limits_.put_allowed)) {
    record(transaction, remove_file(view_, store_, limits_, now, file), committed);
  }
  record(transaction, {VouchersExpired{now - limits_.presence_fresh}}, committed);
}

void Rebalancer::give_up_old_proposals(Store::Transaction& transaction, Committed& committed) {
  constexpr Duration kLookEvery = 1s;
  const Instant now = clock_.now();
  if (now - proposals_looked_at_ < kLookEvery) return;
  proposals_looked_at_ = now;
  record(transaction, Approvals(view_, store_, limits_, now).expired(), committed);
}

void Rebalancer::record(Store::Transaction& transaction, const Changes& changes,
                        Committed& committed) {
  for (const Change& change : changes) {
    if (const auto* issued = std::get_if<CommandIssued>(&change)) {
      committed.issued.push_back(issued->command.id);
    } else if (const auto* closed = std::get_if<CommandClosed>(&change)) {
      const ServerId server = view_.find(closed->command)->server;
      committed.closed.emplace_back(closed->command, server);
      if (closed->end == CommandEnd::kSuperseded) {
        committed.superseded.emplace_back(closed->command, server);
      }
    }
    servers_changed_ |= is_about_presence(change);
    transaction.save(change);
    watch_.before(change, view_);
    view_.apply(change);
    watch_.after(change, view_);
  }
  committed.changes += changes.size();
}

}  // namespace evenkeel
