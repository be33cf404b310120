#pragma once
#include <optional>
#include <string>

#include "common/model/control.h"
#include "services/rebalancer/core/cluster_view.h"

namespace evenkeel {

// What one operator asks for and another one approves. Pure; who has which name, and what is
// pending, others know.

/// What a request is that two people may be wanted for. Of goals and policies that goals come with
/// only what lowers one: that is for lowers_a_goal() to say.
std::optional<Operation> operation_of(const Request& request);
bool lowers_a_goal(const ClusterView& view, const Changes& changes);

/// A request as it would be typed: "drain s7 --force". Two that are not the same read differently.
std::string in_words(const Request& request);

/// The same with what bounds it to a part of a file taken away.
Request whole(Request request);

/// How many chunks a request endangers, in a number that does not change while nothing fails: those
/// that would have fewer valid replicas on other servers than min(2, goal - 1), which is what a
/// chunk that is whole has left when one server fails. Of the brake: servers that are given up. Of
/// a pause: chunks with one valid replica, or in one failure domain.
std::uint64_t endangered(const ClusterView& view, const Request& request, const Changes& changes);

/// Why what was proposed must not be approved any more: it has become impossible, or puts more at
/// risk.
std::optional<std::string> worse(const Proposed& then, const Forecast& estimate,
                                 std::uint64_t at_risk);

/// Why this person must not approve it.
std::optional<Error> not_by(const Proposed& proposed, const std::string& who);

}  // namespace evenkeel
