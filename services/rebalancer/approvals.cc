#include "services/rebalancer/approvals.h"

#include <algorithm>

#include "common/base/overloaded.h"
#include "common/model/text.h"
#include "services/rebalancer/core/approval.h"

namespace evenkeel {
namespace {

constexpr std::size_t kPendingMax = 1000;

Outcomes no(const Error& error) {
  return {{}, Refused{std::string(answer_code(error.code)), error.what}};
}
Outcomes no(ErrorCode code, std::string what) {
  return no(Error{code, std::move(what)});
}

Forecast estimate_in(const Answer& answer) {
  if (const auto* is = std::get_if<ServerAdmin>(&answer)) return is->estimate;
  if (const auto* set = std::get_if<GoalSet>(&answer)) return set->estimate;
  return {};
}

ProposalTold told(const Proposed& proposed) {
  const bool pending = proposed.state == ProposalState::kPending;
  return {
      .proposal = proposed.id,
      .state = proposed.state,
      .what = proposed.what,
      .proposed_by = proposed.by,
      .decided_by = proposed.decided_by,
      .expires_in = pending ? std::optional(std::max(Duration(0), proposed.left)) : std::nullopt,
      .at_risk = proposed.at_risk,
      .estimate = proposed.estimate};
}

Noted noted(const Proposed& proposed, const std::string& text) {
  return {"mode", to_string(proposed.id), proposed.what + ": " + text};
}

/// What is over cannot be decided about any more.
std::optional<Error> over(const Proposed& proposed) {
  const std::string name = to_string(proposed.id);
  switch (proposed.state) {
    case ProposalState::kPending:
      if (proposed.left > Duration(0)) return std::nullopt;
      [[fallthrough]];
    case ProposalState::kExpired:
      return Error{ErrorCode::kConflict,
                   name + " has expired: nobody approved it in time; it can be proposed anew"};
    case ProposalState::kRejected:
      return Error{ErrorCode::kConflict, name + " was rejected by " + proposed.decided_by};
    case ProposalState::kApproved:
      return Error{ErrorCode::kConflict,
                   name + " was approved by " + proposed.decided_by + ", and is done"};
  }
  EK_CHECK(false);
}

}  // namespace

Outcomes Approvals::all_of(const Request& request) const {
  return answer_request(view_, store_, limits_, now_, request, Parts::kAllAtOnce);
}

bool Approvals::wants_two(const Request& request, const Changes& changes) const {
  const auto operation = operation_of(request);
  if (changes.empty() || !operation || !limits_.two_people.has(*operation)) return false;
  return *operation != Operation::kGoalLowered || lowers_a_goal(view_, changes);
}

Outcomes Approvals::answer(const Request& request, const std::string& who) const {
  if (const auto* wish = std::get_if<ApproveProposal>(&request)) return approve(*wish, who);
  if (const auto* wish = std::get_if<RejectProposal>(&request)) return reject(wish->proposal, who);
  const auto operation = operation_of(request);
  if (!operation || !limits_.two_people.has(*operation)) {
    return answer_request(view_, store_, limits_, now_, request);
  }
  // A part of a file may lower nothing where another one does.
  const Request all = whole(request);
  const Outcomes outcomes = all_of(all);
  if (wants_two(all, outcomes.changes)) return propose(all, outcomes, who);
  return answer_request(view_, store_, limits_, now_, request);
}

/// What the names in a request stand for now; empty if they are numbers that are never used again.
std::string Approvals::meant_by(const Request& request) const {
  const auto server = [&](ServerId id) {
    const Server* found = view_.find(id);
    return found ? to_string(found->member.storage) : "";
  };
  const auto file = [&](const Named& what) -> std::string {
    const auto* name = std::get_if<std::string>(&what);
    const auto found = name ? store_.file(*name) : std::nullopt;
    return found ? to_string(found->id) : "";
  };
  return std::visit(Overloaded{[&](const DrainServer& wish) { return server(wish.server); },
                               [&](const UndrainServer& wish) { return server(wish.server); },
                               [&](const MaintainServer& wish) { return server(wish.server); },
                               [&](const SetGoal& wish) { return file(wish.what); },
                               [&](const ApplyPolicy& wish) {
                                 const Policy* policy = view_.policies().find(wish.policy);
                                 const int goal = policy ? policy->goal : 0;
                                 return file(wish.what) + " goal " + std::to_string(goal);
                               },
                               [&](const DeleteNamed& wish) { return file(wish.what); },
                               [](const auto&) { return std::string(); }},
                    request);
}

Outcomes Approvals::propose(const Request& request, const Outcomes& outcomes,
                            const std::string& who) const {
  const std::string what = in_words(request);
  if (who.empty()) {
    return no(ErrorCode::kDenied,
              what +
                  " wants two people here (the setting approval.operations), and nobody is "
                  "named: an operator has a token");
  }
  const std::string meant = meant_by(request);
  const auto pending = store_.pending_proposals();
  // Asked once more, or by another one, who is thereby not yet held to have seen what it takes.
  for (const Proposed& each : pending) {
    if (each.what == what && each.meant == meant) return {{}, told(each)};
  }
  if (pending.size() >= kPendingMax) {
    return no(ErrorCode::kBusy, std::to_string(kPendingMax) + " proposals are pending already");
  }
  const Proposed proposed{.id = store_.next_proposal(),
                          .operation = *operation_of(request),
                          .request = request,
                          .what = what,
                          .meant = meant,
                          .by = who,
                          .estimate = estimate_in(outcomes.answer),
                          .at_risk = endangered(view_, request, outcomes.changes),
                          .state = ProposalState::kPending,
                          .decided_by = {},
                          .left = limits_.approval_expires};
  return {{ProposalMade{proposed}, noted(proposed, "proposed by " + who)}, told(proposed)};
}

Outcomes Approvals::approve(const ApproveProposal& wish, const std::string& who) const {
  auto proposed = store_.proposal(wish.proposal);
  if (!proposed) {
    return no(ErrorCode::kNotFound, "there is no proposal " + to_string(wish.proposal));
  }
  const auto must_not = not_by(*proposed, who);
  if (must_not && !wish.dry_run) return no(*must_not);
  // Repeated: it is done, once.
  if (proposed->state == ProposalState::kApproved) return {{}, told(*proposed)};
  if (const auto why = over(*proposed)) return no(*why);
  const std::string name = to_string(proposed->id) + ": ";
  if (meant_by(proposed->request) != proposed->meant) {
    return no(ErrorCode::kConflict,
              name + "'" + proposed->what + "' means another thing than when it was proposed");
  }
  Outcomes outcomes = all_of(proposed->request);
  if (const auto* refused = std::get_if<Refused>(&outcomes.answer)) {
    return {{}, Refused{refused->code, name + refused->what}};
  }
  const Forecast estimate = estimate_in(outcomes.answer);
  const std::uint64_t at_risk = endangered(view_, proposed->request, outcomes.changes);
  if (const auto why = worse(*proposed, estimate, at_risk)) {
    return no(ErrorCode::kConflict, name + *why);
  }
  proposed->estimate = estimate;
  proposed->at_risk = at_risk;
  if (wish.dry_run) return {{}, told(*proposed)};
  const bool was_so = outcomes.changes.empty();
  Changes changes{ProposalDecided{proposed->id, ProposalState::kApproved, who},
                  noted(*proposed, "approved by " + who + ", proposed by " + proposed->by +
                                       (was_so ? "; it was so already" : ""))};
  std::ranges::move(outcomes.changes, std::back_inserter(changes));
  proposed->state = ProposalState::kApproved;
  proposed->decided_by = who;
  return {std::move(changes), told(*proposed)};
}

Outcomes Approvals::reject(ProposalId id, const std::string& who) const {
  auto proposed = store_.proposal(id);
  if (!proposed) return no(ErrorCode::kNotFound, "there is no proposal " + to_string(id));
  if (who.empty()) return no(*not_by(*proposed, who));
  if (proposed->state == ProposalState::kRejected) return {{}, told(*proposed)};
  if (const auto why = over(*proposed)) return no(*why);
  const Noted said = noted(*proposed, "rejected by " + who + ", proposed by " + proposed->by);
  proposed->state = ProposalState::kRejected;
  proposed->decided_by = who;
  return {{ProposalDecided{id, ProposalState::kRejected, who}, said}, told(*proposed)};
}

Changes Approvals::expired() const {
  Changes changes;
  for (const Proposed& each : store_.expired_proposals()) {
    changes.push_back(ProposalDecided{each.id, ProposalState::kExpired, ""});
    changes.push_back(noted(each, "expired: proposed by " + each.by + ", approved by nobody"));
  }
  return changes;
}

}  // namespace evenkeel
