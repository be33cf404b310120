#include "services/rebalancer/policies.h"

#include "common/model/text.h"

namespace evenkeel {
namespace {

constexpr std::uint64_t kAppliedMax = 4096;  // chunks a request: bounds a commit

Outcomes no(std::string code, std::string what) {
  return {{}, Refused{std::move(code), std::move(what)}};
}

PolicyTold told(const Policy& policy) {
  return {policy.name, policy.goal, policy.spread, to_string(policy.required),
          to_string(policy.preferred)};
}

std::string in_words(const Policy& policy) {
  std::string words = "goal " + std::to_string(policy.goal) + ", spread over " +
                      std::string(to_text(policy.spread)) + "s";
  if (!policy.required.empty()) words += ", requires " + to_string(policy.required);
  if (!policy.preferred.empty()) words += ", prefers " + to_string(policy.preferred);
  return words;
}

/// Replaces `rule` if another one is wanted; what is wrong with that, if anything.
std::optional<std::string> read_rule(const std::optional<std::string>& wanted, const char* which,
                                     LabelRule& rule) {
  if (!wanted) return std::nullopt;
  auto read = parse_label_rule(*wanted);
  if (!read) return std::string(which) + ": " + read.error().what;
  rule = std::move(*read);
  return std::nullopt;
}

}  // namespace

Outcomes PolicyRequests::operator()(const SetPolicy& wish) const {
  if (!is_policy_name(wish.name)) {
    return no("malformed", "a policy's name has 1 to 63 of a-z 0-9 - _ .");
  }
  const PolicyBook& policies = view_.policies();
  const Policy* known = policies.find(wish.name);
  const auto id = known ? std::optional(known->id) : policies.unused();
  if (!id) return no("conflict", "there are 256 policies already");
  Policy policy = known ? *known : Policy{.id = *id, .name = wish.name};
  if (!known) policy.goal = policies.at(kDefaultPolicy).goal;
  if (wish.goal && *wish.goal != policy.goal && *id == kDefaultPolicy) {
    return no("conflict", "the goal of 'default' is default_goal in the rebalancer's settings");
  }
  policy.goal = wish.goal.value_or(policy.goal);
  policy.spread = wish.spread.value_or(policy.spread);
  if (auto fault = read_rule(wish.require, "require", policy.required)) {
    return no("malformed", *fault);
  }
  if (auto fault = read_rule(wish.prefer, "prefer", policy.preferred)) {
    return no("malformed", *fault);
  }
  Outcomes result{{}, told(policy)};
  if (known && *known == policy) return result;
  result.changes = {PolicySet{policy}, Noted{"mode", "policy " + policy.name, in_words(policy)}};
  return result;
}

Outcomes PolicyRequests::operator()(const RemovePolicy& wish) const {
  const Policy* policy = view_.policies().find(wish.name);
  if (!policy) return no("not_found", "there is no policy '" + wish.name + "'");
  if (policy->id == kDefaultPolicy) return no("conflict", "the policy 'default' is always there");
  if (store_.uses(policy->id)) {
    return no("conflict",
              "chunks have the policy '" + wish.name + "'; give them another one first");
  }
  return {{PolicyRemoved{policy->id}, Noted{"mode", "policy " + wish.name, "removed"}},
          told(*policy)};
}

Outcomes PolicyRequests::operator()(const ApplyPolicy& wish) const {
  const Policy* policy = view_.policies().find(wish.policy);
  if (!policy) return no("not_found", "there is no policy '" + wish.policy + "'");
  if (const auto* chunk = std::get_if<ChunkId>(&wish.what)) return apply_to_chunk(*policy, *chunk);
  return apply_to_file(*policy, std::get<std::string>(wish.what), wish.first);
}

bool PolicyRequests::change(const Policy& policy, ChunkId id, Changes& changes) const {
  const Chunk chunk = *view_.find(id);
  if (chunk.life == ChunkLife::kRetired) return false;
  if (chunk.policy == policy.id && chunk.goal == policy.goal) return false;
  changes.push_back(ChunkPolicySet{id, policy.id, policy.goal});
  return true;
}

Outcomes PolicyRequests::apply_to_chunk(const Policy& policy, ChunkId id) const {
  const auto chunk = view_.find(id);
  if (!chunk || chunk->life == ChunkLife::kRetired) {
    return no("not_found", "there is no chunk " + to_string(id));
  }
  Outcomes result;
  const bool changed = change(policy, id, result.changes);
  if (changed) result.changes.push_back(Noted{"chunk", to_string(id), "policy " + policy.name});
  result.answer = PolicyApplied{1, 1, changed ? 1u : 0u};
  return result;
}

Outcomes PolicyRequests::apply_to_file(const Policy& policy, const std::string& name,
                                       std::uint64_t first) const {
  const auto file = store_.file(name);
  if (!file || !file->complete) return no("not_found", "there is no file '" + name + "'");
  Outcomes result;
  PolicyApplied answer{store_.chunk_total(file->id), first, 0};
  const std::uint64_t most = parts_ == Parts::kBounded ? kAppliedMax : INT64_MAX;
  for (const ChunkId id : store_.chunks_of(file->id, first, most)) {
    ++answer.next;
    answer.changed += change(policy, id, result.changes) ? 1 : 0;
  }
  if (answer.next > answer.total || (answer.next == first && first < answer.total)) {
    return no("malformed", "'" + name + "' has no chunk " + std::to_string(first));
  }
  const bool as_before = file->policy == policy.id && file->goal == policy.goal;
  if (answer.next == answer.total && (!as_before || answer.changed > 0)) {
    result.changes.push_back(FilePolicySet{file->id, policy.id, policy.goal});
    result.changes.push_back(Noted{"file", name, "policy " + policy.name});
  }
  result.answer = answer;
  return result;
}

}  // namespace evenkeel
