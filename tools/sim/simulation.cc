#include "tools/sim/simulation.h"

#include <algorithm>

#include "services/rebalancer/core/brake.h"
#include "services/rebalancer/core/facts.h"
#include "services/rebalancer/core/mode.h"
#include "services/rebalancer/core/needless.h"
#include "services/rebalancer/core/patience.h"
#include "services/rebalancer/core/planner.h"
#include "tools/sim/reasons.h"

namespace evenkeel::sim {
namespace {

// As the service does it: acknowledgements of a few milliseconds share a commit, and the time is
// looked at four times a second. When hours are simulated, turns are farther apart.
constexpr Duration kTurnShortest{5};
constexpr Duration kTick{250};
constexpr Duration kGapLongest{500};  // agents have work for longer than that
constexpr Duration kTickLongest{10'000};
constexpr Duration kQuiet{2'000};  // nothing to do in all turns of so long: the planner has no more
constexpr Duration kHouseEvery = 1min;
constexpr Duration kWaitLongest = 24h;

Duration part_of(Duration whole, int parts, Duration shortest, Duration longest) {
  return std::clamp(whole / parts, shortest, longest);
}

/// When something that the view waits for is due: chunks that were set aside, servers that are
/// away.
template <class Look>
void each_wait(const ClusterView& view, Look look) {
  for (const auto& [until, slot] : view.aside()) {
    if (view.chunk(slot).life == ChunkLife::kLive) look(until);
  }
  for (const ServerId id : view.gone()) {
    if (const auto& until = view.find(id)->awaited_until) look(*until);
  }
}

}  // namespace

Simulation::Simulation(ClusterView view, const Limits& limits, const Rates& rates,
                       const Options& options)
    : view_(std::move(view)),
      limits_(limits),
      options_(options),
      tally_(view_),
      agents_(rates, [this](CommandId command) { return other_source(command); }),
      start_(view_.started()),
      now_(start_),
      zero_(start_),
      house_kept_(start_) {
  view_.apply(BudgetsSet{limits_.budgets});
  for (const auto& [id, slot] : view_.servers()) {
    const Server& server = view_.server(slot);
    journals_.emplace(id, std::max(server.acked_journal, server.report_journal));
    if (server.member.liveness == Liveness::kDead) continue;
    agents_.add(id, machine_of(id, server.member.address));
  }
  for (const auto& [id, command] : view_.in_flight()) issued(command);
}

Result<Forecast> Simulation::run(const Step& step) {
  const auto known = look_up(step);
  if (!known) return tl::unexpected(known.error());
  forecast_ = Forecast{.words = step.words};
  timeline_.mark(now_ - start_, step.words);
  lost_before_.clear();
  for (ChunkSlot slot = 0; slot < view_.chunk_count() && tally_.of(Health::kLost) > 0; ++slot) {
    const Chunk& chunk = view_.chunk(slot);
    if (chunk.life != ChunkLife::kLive || health_of(view_, chunk) != Health::kLost) continue;
    lost_before_.insert(chunk.id);
  }
  zero_ = now_;
  if (!known->lost.empty()) {
    forecast_.detection = options_.detection;
    zero_ += options_.detection;
  }
  for (const ServerId id : known->lost) agents_.lose(id, nanos(now_));
  run_to_rest(*known);
  sum_up();
  return forecast_;
}

void Simulation::run_to_rest(const Known& known) {
  at_risk_ = tally_.of(Health::kAtRisk);
  not_whole_ = tally_.not_whole();
  quiet_since_.reset();
  std::optional<Instant> learning = zero_;
  more_to_do_ = true;  // there may be something to do before anything happens
  while (const auto at = next_turn(learning)) {
    now_ = *at;
    if (now_ - zero_ > options_.longest) {
      forecast_.cut_off = true;
      break;
    }
    if (learning && now_ >= *learning) {
      learn(known);
      learning.reset();
    }
    turn();
  }
}

/// When something happens next; none: nothing will.
std::optional<Instant> Simulation::next_turn(std::optional<Instant> learning) {
  const Duration gap = part_of(since_known(), 300, kTurnShortest, kGapLongest);
  std::optional<Instant> next;
  const auto sooner = [&](Instant at) { next = next ? std::min(*next, at) : at; };
  if (const auto end = agents_.next()) {
    sooner(start_ + std::chrono::ceil<Duration>(*end));
    sooner(now_ + part_of(since_known(), 200, kTick, kTickLongest));
  }
  if (more_to_do_ || !answers_.empty()) sooner(now_);
  if (next || learning) {
    quiet_since_.reset();
    if (next) next = std::max(*next, now_ + gap);
    if (learning) sooner(*learning);
    return next;
  }
  return next_when_quiet();
}

/// What was set aside is looked at once more, and the planner has some turns to find something. If
/// it does not, that was all.
std::optional<Instant> Simulation::next_when_quiet() {
  if (!quiet_since_) {
    quiet_since_ = now_;
    quiet_until_ = now_ + kQuiet;
    each_wait(view_, [&](Instant until) {
      quiet_until_ = std::max(*quiet_until_, std::min(until, now_ + kWaitLongest) + kQuiet);
    });
  }
  if (now_ >= *quiet_until_) return std::nullopt;
  if (now_ < *quiet_since_ + kQuiet) return now_ + kTick;
  Instant next = *quiet_until_;
  each_wait(view_, [&](Instant until) {
    if (until > now_) next = std::min(next, until);
  });
  return next;
}

void Simulation::turn() {
  for (const Agents::Ended& end : agents_.ended(nanos(now_))) {
    const CommandRecord* command = view_.find(end.command);
    if (!command) continue;
    flights_.at(end.command).source = end.source;
    take_in(acknowledged(*command, end.done));
  }
  for (const CommandId id : std::exchange(answers_, {})) {
    const CommandRecord* command = view_.find(id);
    if (command && agents_.serves(command->server)) take_in(acknowledged(*command, true));
  }
  take_in(TimePassed{});
  if (now_ - house_kept_ >= kHouseEvery) {
    house_kept_ = now_;
    record({VouchersExpired{now_ - limits_.presence_fresh}});
  }
  look_at_absences();
  issued_in_turn_ = 0;
  record(plan(view_, limits_, now_));
  more_to_do_ = issued_in_turn_ >= static_cast<std::size_t>(limits_.commands_per_turn);
  look_at_health();
  timeline_.add(
      {now_ - start_, in_flight_, copied_, tally_.of(Health::kAtRisk), tally_.not_whole()});
}

/// As the rebalancer does before it plans.
void Simulation::look_at_absences() {
  Changes changes = braking(view_, limits_);
  await_racks(view_, limits_, now_, changes);
  record(changes);
  if (const Mode mode = mode_of(view_).mode; mode == Mode::kRunning || mode == Mode::kBraked) {
    record(needless_copies(view_, limits_));
  }
}

void Simulation::take_in(const Event& event) {
  record(facts_of(view_, event, limits_, now_));
}

void Simulation::record(const Changes& changes) {
  for (const Change& change : changes) {
    if (const auto* command = std::get_if<CommandClosed>(&change)) closed(*command);
    tally_.apply(view_, change);
    if (const auto* command = std::get_if<CommandIssued>(&change)) {
      issued(command->command);
      ++issued_in_turn_;
    } else if (const auto* aside = std::get_if<ChunkSetAside>(&change)) {
      why_aside_.insert_or_assign(aside->chunk, aside->why);
    }
  }
}

void Simulation::issued(const CommandRecord& command) {
  if (command.kind != CommandKind::kReplicate) return answers_.push_back(command.id);
  const ServerId source = command.source.value_or(command.server);
  flights_.emplace(command.id, Flight{command.size, command.reason, source, command.server});
  in_flight_ += command.size;
  if (!forecast_.first_copy) forecast_.first_copy = since_known();
  agents_.take({command.id, command.server, source, command.size, rate_of_copy(limits_)},
               nanos(now_));
}

/// Counted before it is applied: after that the view has forgotten the command.
void Simulation::closed(const CommandClosed& change) {
  const auto found = flights_.find(change.command);
  if (found == flights_.end()) {
    const CommandRecord* command = view_.find(change.command);
    const bool deleted = command->kind == CommandKind::kDelete && change.end == CommandEnd::kDone;
    if (deleted) forecast_.deleted.add(command->size);
    return;
  }
  const Flight flight = found->second;
  flights_.erase(found);
  in_flight_ -= flight.size;
  if (change.end != CommandEnd::kDone) {
    return agents_.drop(change.command, flight.target, nanos(now_));
  }
  copied_ += flight.size;
  forecast_.copied[flight.reason].add(flight.size);
  forecast_.traffic[flight.source].out.add(flight.size);
  forecast_.traffic[flight.target].in.add(flight.size);
  forecast_.last_copy = since_known();
}

/// The last time that there were fewer chunks in need than before is when the last one was helped.
void Simulation::look_at_health() {
  const auto follow = [&](std::uint64_t& last, std::uint64_t count, std::optional<Duration>& when) {
    if (count > last) when.reset();
    if (count < last) when = since_known();
    last = count;
  };
  follow(at_risk_, tally_.of(Health::kAtRisk), forecast_.safe);
  follow(not_whole_, tally_.not_whole(), forecast_.whole);
}

CommandAcknowledged Simulation::acknowledged(const CommandRecord& command, bool done) {
  const Member& member = view_.find(command.server)->member;
  JournalNumber& journal = journals_.at(command.server);
  journal = journal.next();
  return {{member.server, member.incarnation, member.storage, view_.epoch()},
          {.command = command.id,
           .outcome = done ? Outcome::kDone : Outcome::kFailed,
           .why = done ? Why::kNone : Why::kNoSource,
           .detail = "",
           .journal = journal,
           .blamed = {},
           .bytes_done = command.size}};
}

std::optional<ServerId> Simulation::other_source(CommandId id) const {
  const CommandRecord* command = view_.find(id);
  if (!command) return std::nullopt;
  const auto slot = view_.slot_of(*command->chunk);
  std::optional<ServerId> found;
  const Chunk& chunk = view_.chunk(*slot);
  for (const Replica& replica : chunk.replicas) {
    const ServerId holder = view_.server(replica.server).id();
    if (!replica.valid() || !agents_.serves(holder) || holder == command->server) continue;
    if (!found || holder < *found) found = holder;
  }
  return found;
}

void Simulation::sum_up() {
  forecast_.rest = since_known();
  if (quiet_since_ && *quiet_since_ > zero_) forecast_.rest = *quiet_since_ - zero_;
  const ModeNow mode = mode_of(view_);
  if (!mode.why.empty()) forecast_.held = mode.why;
  const bool stands_still = mode.mode != Mode::kRunning;
  for (ChunkSlot slot = 0; slot < view_.chunk_count(); ++slot) {
    const Chunk& chunk = view_.chunk(slot);
    if (chunk.life != ChunkLife::kLive) continue;
    const Health health = health_of(view_, chunk);
    if (health == Health::kLost) {
      if (!lost_before_.contains(chunk.id)) forecast_.lost.add(chunk);
    } else if (health != Health::kWhole || view_.count(slot).projected < chunk.goal) {
      const auto why = why_aside_.find(chunk.id);
      forecast_
          .not_whole[why != why_aside_.end() ? reason_in_short(why->second)
                     : stands_still          ? mode.why
                                             : "waits for its turn"]
          .add(chunk);
    }
  }
}

}  // namespace evenkeel::sim
