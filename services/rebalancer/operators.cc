#include "services/rebalancer/operators.h"

#include <algorithm>

#include "common/model/text.h"
#include "services/rebalancer/core/admin.h"

namespace evenkeel {
namespace {

/// Chunks whose goals one request changes at most: a few milliseconds of a commit.
constexpr std::uint64_t kGoalsAtOnce = 2048;
constexpr Duration kMaintenanceMin = 1s;
constexpr Duration kMaintenanceMax = 720h;

Outcomes no(const Error& error) {
  return {{}, Refused{std::string(answer_code(error.code)), error.what}};
}

/// The last of the changes about this server says how it is after them.
ServerAdminSet state_after(const Server& server, const Changes& changes) {
  ServerAdminSet state{server.id(), server.admin, server.after_drain, server.maintenance_until};
  for (const Change& change : changes) {
    if (const auto* set = std::get_if<ServerAdminSet>(&change)) state = *set;
  }
  return state;
}

std::optional<bool> feasible(Certificate::Verdict verdict) {
  switch (verdict) {
    case Certificate::Verdict::kPossible:
      return true;
    case Certificate::Verdict::kImpossible:
      return false;
    case Certificate::Verdict::kUnproven:
      return std::nullopt;
  }
  EK_CHECK(false);
}

}  // namespace

Forecast Operators::estimate(const Proposal& proposal) const {
  constexpr std::size_t kRulesTold = 16;
  const Certificate found = certificate(view_, limits_, now_, proposal, pace_of(limits_));
  Forecast answer{.feasible = feasible(found.verdict),
                  .chunks = found.chunks,
                  .bytes = found.bytes,
                  .duration = {},
                  .rules = {}};
  if (found.possible()) answer.duration = found.time;
  for (const Obstacle& obstacle : found.obstacles) {
    if (answer.rules.size() < kRulesTold) answer.rules.push_back(in_words(obstacle));
  }
  return answer;
}

Outcomes Operators::of_server(ServerId id, Result<Changes> changes, const Intent& intent,
                              const Proposal& proposal) const {
  if (!changes) return no(changes.error());
  Forecast cost;
  const bool costs = !proposal.leaving.empty() || !proposal.away.empty();
  if (costs && !changes->empty()) cost = estimate(proposal);
  const bool impossible = cost.feasible == false && !intent.force;
  const bool done = !intent.dry_run && !impossible && !changes->empty();
  if (!done) changes->clear();
  const ServerAdminSet state = state_after(*view_.find(id), *changes);
  ServerAdmin answer{.server = id,
                     .admin = state.admin,
                     .done = done,
                     .forget = state.after != AfterDrain::kStay,
                     .maintenance_left = {},
                     .estimate = std::move(cost)};
  if (state.maintenance_until) {
    answer.maintenance_left = std::max(Duration(0), *state.maintenance_until - now_);
  }
  return {std::move(*changes), std::move(answer)};
}

Outcomes Operators::operator()(const DrainServer& wish) const {
  const AfterDrain after = !wish.forget        ? AfterDrain::kStay
                           : wish.intent.force ? AfterDrain::kRemoveEvenDead
                                               : AfterDrain::kRemove;
  return of_server(wish.server, drain(view_, wish.server, after), wish.intent,
                   Proposal{.leaving = {wish.server}});
}

Outcomes Operators::operator()(const UndrainServer& wish) const {
  return of_server(wish.server, undrain(view_, wish.server), {}, {});
}

Outcomes Operators::operator()(const MaintainServer& wish) const {
  if (wish.length == Duration(0)) {
    return of_server(wish.server, end_maintenance(view_, wish.server), wish.intent, {});
  }
  if (wish.length < kMaintenanceMin || wish.length > kMaintenanceMax) {
    return no(Error{ErrorCode::kMalformed, "a maintenance takes from 1 second to 30 days"});
  }
  return of_server(wish.server, begin_maintenance(view_, wish.server, now_ + wish.length, now_),
                   wish.intent, Proposal{.away = {wish.server}});
}

Outcomes Operators::operator()(const PausePass& wish) const {
  PausedPasses answer;
  for (const Reason pass : kPasses) {
    const bool meant = !wish.pass || *wish.pass == pass;
    if (meant ? wish.paused : view_.paused(pass)) answer.passes.push_back(pass);
  }
  return {pause(view_, wish.pass, wish.paused), std::move(answer)};
}

Outcomes Operators::operator()(const CancelCommand& wish) const {
  auto changes = cancel(view_, wish.command, now_);
  const bool repeated = !changes && store_.superseded_copy(wish.command);
  if (!changes && !repeated) return no(changes.error());
  return {repeated ? Changes{} : std::move(*changes), Cancelled{wish.command}};
}

Outcomes Operators::operator()(const SetGoal& wish) const {
  if (wish.goal < 1 || wish.goal > 16) return no(Error{ErrorCode::kMalformed, "a goal is 1 to 16"});
  if (const auto* chunk = std::get_if<ChunkId>(&wish.what)) {
    Changes said;
    const auto slot = view_.slot_of(*chunk);
    if (slot && view_.chunk(*slot).goal != wish.goal) {
      said = {Noted{"chunk", to_string(*chunk), "goal " + std::to_string(wish.goal)}};
    }
    return of_chunks(wish, {*chunk}, GoalSet{.total = 1, .next = 1}, std::move(said));
  }
  const auto& name = std::get<std::string>(wish.what);
  const auto file = store_.file(name);
  if (!file || !file->complete) {
    return no(Error{ErrorCode::kNotFound, "there is no file '" + name + "'"});
  }
  const std::uint64_t most = parts_ == Parts::kBounded ? kGoalsAtOnce : INT64_MAX;
  const auto chunks = store_.chunks_of(file->id, wish.first, most);
  GoalSet answer{.total = store_.chunk_total(file->id), .next = wish.first + chunks.size()};
  if (chunks.size() < most) answer.next = answer.total;
  Changes said;
  if (file->goal != wish.goal) {
    said = {FileGoalSet{file->id, wish.goal},
            Noted{"file", name, "goal " + std::to_string(wish.goal)}};
  }
  return of_chunks(wish, chunks, answer, std::move(said));
}

Outcomes Operators::of_chunks(const SetGoal& wish, const std::vector<ChunkId>& chunks,
                              GoalSet answer, Changes changes) const {
  Proposal proposal;
  for (const ChunkId id : chunks) {
    auto more = change_goal(view_, id, wish.goal);
    if (!more) return no(more.error());
    if (more->empty()) continue;
    ++answer.changed;
    changes.insert(changes.end(), more->begin(), more->end());
    proposal.goals.emplace_back(id, wish.goal);
  }
  if (answer.changed > 0) answer.estimate = estimate(proposal);
  const bool impossible = answer.estimate.feasible == false && !wish.intent.force;
  answer.done = !wish.intent.dry_run && !impossible;
  if (!answer.done) changes.clear();
  return {std::move(changes), std::move(answer)};
}

}  // namespace evenkeel
