#include "services/rebalancer/core/approval.h"

#include <algorithm>

#include "common/base/overloaded.h"
#include "common/model/text.h"

namespace evenkeel {
namespace {

std::string quoted(const std::string& name) {
  const bool plain = !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_./+:@").find(c) != std::string_view::npos;
  });
  if (plain) return name;
  std::string text = "'";
  for (const char c : name) text += c == '\'' ? "'\\''" : std::string(1, c);
  return text + "'";
}

std::string in_words(const Named& what) {
  if (const auto* chunk = std::get_if<ChunkId>(&what)) return to_string(*chunk);
  const auto& name = std::get<std::string>(what);
  return (ChunkId::parse(name) ? "--name " : "") + quoted(name);
}

std::string in_words(Duration length) {
  if (length % std::chrono::minutes(1) == Duration(0)) {
    return std::to_string(length / std::chrono::minutes(1)) + "min";
  }
  return std::to_string(length.count()) + "ms";
}

std::string forced(const Intent& intent) {
  return intent.force ? " --force" : "";
}

/// Fewer than one that is whole has left without one server.
bool is_thin(const ClusterView& view, const Chunk& chunk, int goal,
             std::optional<ServerId> without) {
  if (chunk.life != ChunkLife::kLive) return false;
  int valid = 0;
  for (const Replica& replica : chunk.replicas) {
    valid += replica.valid() && view.counts(replica.server) &&
             view.server(replica.server).id() != without;
  }
  return valid < std::min(2, goal - 1);
}

std::uint64_t thin_without(const ClusterView& view, ServerId id) {
  const auto slot = view.slot_of(id);
  if (!slot) return 0;
  std::uint64_t thin = 0;
  for (const ChunkSlot each : view.server(*slot).chunks) {
    const Chunk chunk = view.chunk(each);
    thin += is_thin(view, chunk, chunk.goal, id);
  }
  return thin;
}

std::uint64_t thin_already(const ClusterView& view, ChunkId id) {
  const auto chunk = view.find(id);
  // Nothing is taken away from it: one more than is left of it without a server.
  return chunk && is_thin(view, *chunk, chunk->goal + 1, std::nullopt) ? 1 : 0;
}

std::uint64_t thin_of_changed(const ClusterView& view, const Changes& changes) {
  std::uint64_t thin = 0;
  for (const Change& change : changes) {
    if (const auto* set = std::get_if<ChunkPolicySet>(&change))
      thin += thin_already(view, set->chunk);
  }
  return thin;
}

std::string chunks(std::uint64_t number) {
  return std::to_string(number) + (number == 1 ? " chunk" : " chunks");
}

}  // namespace

std::optional<Operation> operation_of(const Request& request) {
  using Maybe = std::optional<Operation>;
  return std::visit(
      Overloaded{[](const DrainServer& wish) -> Maybe {
                   return wish.forget ? Operation::kDecommission : Operation::kDrain;
                 },
                 [](const UndrainServer&) -> Maybe { return Operation::kUndrain; },
                 [](const MaintainServer& wish) -> Maybe {
                   if (wish.length == Duration(0)) return std::nullopt;
                   return Operation::kMaintenance;
                 },
                 [](const PausePass& wish) -> Maybe {
                   return wish.paused ? Operation::kPause : Operation::kResume;
                 },
                 [](const CancelCommand&) -> Maybe { return Operation::kCancel; },
                 [](const SetGoal&) -> Maybe { return Operation::kGoalLowered; },
                 [](const ApplyPolicy&) -> Maybe { return Operation::kGoalLowered; },
                 [](const ReleaseBrake&) -> Maybe { return Operation::kReleaseBrake; },
                 [](const DeleteNamed&) -> Maybe { return Operation::kDelete; },
                 [](const auto&) -> Maybe { return std::nullopt; }},
      request);
}

bool lowers_a_goal(const ClusterView& view, const Changes& changes) {
  return std::ranges::any_of(changes, [&](const Change& change) {
    const auto* set = std::get_if<ChunkPolicySet>(&change);
    const auto chunk = set ? view.find(set->chunk) : std::nullopt;
    return chunk && set->goal < chunk->goal;
  });
}

Request whole(Request request) {
  if (auto* goal = std::get_if<SetGoal>(&request)) goal->first = 0;
  if (auto* policy = std::get_if<ApplyPolicy>(&request)) policy->first = 0;
  return request;
}

std::string in_words(const Request& request) {
  return std::visit(
      Overloaded{[](const DrainServer& wish) {
                   return std::string(wish.forget ? "decommission " : "drain ") +
                          to_string(wish.server) + forced(wish.intent);
                 },
                 [](const UndrainServer& wish) { return "undrain " + to_string(wish.server); },
                 [](const MaintainServer& wish) {
                   return "maintenance " + to_string(wish.server) +
                          (wish.length == Duration(0) ? " --end"
                                                      : " --for " + in_words(wish.length)) +
                          forced(wish.intent);
                 },
                 [](const PausePass& wish) {
                   return std::string(wish.paused ? "pause " : "resume ") +
                          (wish.pass ? std::string(to_text(*wish.pass)) : "all");
                 },
                 [](const CancelCommand& wish) { return "cancel " + to_string(wish.command); },
                 [](const SetGoal& wish) {
                   return "goal " + in_words(wish.what) + " " + std::to_string(wish.goal) +
                          forced(wish.intent);
                 },
                 [](const ApplyPolicy& wish) {
                   return "policy apply " + wish.policy + " " + in_words(wish.what);
                 },
                 [](const ReleaseBrake&) { return std::string("resume brake"); },
                 [](const DeleteNamed& wish) { return "delete " + in_words(wish.what); },
                 [](const auto&) -> std::string { EK_CHECK(!"of an operation"); }},
      request);
}

std::uint64_t endangered(const ClusterView& view, const Request& request, const Changes& changes) {
  return std::visit(
      Overloaded{[&](const DrainServer& wish) { return thin_without(view, wish.server); },
                 [&](const MaintainServer& wish) { return thin_without(view, wish.server); },
                 [&](const CancelCommand& wish) -> std::uint64_t {
                   const CommandRecord* command = view.find(wish.command);
                   return command && command->chunk ? thin_already(view, *command->chunk) : 0;
                 },
                 [&](const PausePass& wish) -> std::uint64_t {
                   if (!wish.paused) return 0;
                   return view.queue(Queue::kRisk1).size() + view.queue(Queue::kRiskDomain).size();
                 },
                 [&](const ReleaseBrake&) {
                   return static_cast<std::uint64_t>(
                       std::ranges::count_if(changes, [](const Change& change) {
                         return std::holds_alternative<ServerGone>(change);
                       }));
                 },
                 [&](const auto&) { return thin_of_changed(view, changes); }},
      request);
}

std::optional<std::string> worse(const Proposed& then, const Forecast& estimate,
                                 std::uint64_t at_risk) {
  if (then.estimate.feasible != false && estimate.feasible == false) {
    std::string why = "it cannot be brought to its end any more";
    for (const std::string& rule : estimate.rules) why += "; " + rule;
    return why;
  }
  if (at_risk <= then.at_risk) return std::nullopt;
  if (then.operation == Operation::kReleaseBrake) {
    return std::to_string(at_risk) + " servers are away, and it was proposed when these were " +
           std::to_string(then.at_risk);
  }
  return "it puts " + chunks(at_risk) + " at risk, and it was " + chunks(then.at_risk) +
         " when it was proposed";
}

std::optional<Error> not_by(const Proposed& proposed, const std::string& who) {
  if (who.empty()) {
    return Error{ErrorCode::kDenied,
                 "who approves or rejects has to say who he is, with a token of his own"};
  }
  if (who == proposed.by) {
    return Error{ErrorCode::kDenied, who + " has proposed it: another person has to approve it"};
  }
  return std::nullopt;
}

}  // namespace evenkeel
