#include "services/rebalancer/core/policy_book.h"

#include <algorithm>

#include "common/base/check.h"

namespace evenkeel {
namespace {

/// Sets a bit; true if it was another before.
bool put(std::vector<std::uint64_t>& bits, std::uint32_t place, bool value) {
  std::uint64_t& word = bits[place / 64];
  const std::uint64_t mask = std::uint64_t{1} << (place % 64);
  const bool before = (word & mask) != 0;
  word = value ? word | mask : word & ~mask;
  return before != value;
}

}  // namespace

bool is_policy_name(std::string_view text) {
  return !text.empty() && text.size() <= Policy::kNameMax && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

PolicyBook::PolicyBook() {
  rows_.push_back({Policy{kDefaultPolicy, "default", 1, SpreadLevel::kHost, {}, {}}, {}, {}});
}

void PolicyBook::set(const Policy& policy) {
  EK_CHECK(policy.id.value() < Policy::kMax);
  std::uint16_t& place = place_[policy.id.value()];
  if (policy.id != kDefaultPolicy && place == 0) {
    place = static_cast<std::uint16_t>(rows_.size());
    rows_.push_back({policy, {}, {}});
  }
  rows_[place].policy = policy;
  work_out(rows_[place]);
}

void PolicyBook::remove(PolicyId id) {
  EK_CHECK(id != kDefaultPolicy && find(id) != nullptr);
  const std::uint16_t place = place_[id.value()];
  rows_.erase(rows_.begin() + place);
  place_[id.value()] = 0;
  for (std::uint16_t& other : place_) other = other > place ? other - 1 : other;
}

bool PolicyBook::set_labels(std::uint32_t server, const Labels& labels) {
  const auto first_new = static_cast<std::uint32_t>(labels_.size());
  if (server >= first_new) labels_.resize(server + 1);
  for (std::uint32_t skipped = first_new; skipped < server; ++skipped) {
    for (Row& row : rows_) work_out(row, skipped);
  }
  if (server < first_new && labels_[server] == labels) return false;
  labels_[server] = labels;
  bool changed = false;
  for (Row& row : rows_) changed |= work_out(row, server);
  return changed;
}

const Policy* PolicyBook::find(PolicyId id) const {
  const Policy& found = at(id);
  return found.id == id ? &found : nullptr;
}

const Policy* PolicyBook::find(std::string_view name) const {
  const auto found =
      std::ranges::find_if(rows_, [&](const Row& row) { return row.policy.name == name; });
  return found == rows_.end() ? nullptr : &found->policy;
}

std::vector<Policy> PolicyBook::all() const {
  std::vector<Policy> policies;
  for (const Row& row : rows_) policies.push_back(row.policy);
  std::ranges::sort(policies, {}, &Policy::id);
  return policies;
}

std::optional<PolicyId> PolicyBook::unused() const {
  for (std::uint64_t id = 1; id < Policy::kMax; ++id) {
    if (place_[id] == 0) return PolicyId(id);
  }
  return std::nullopt;
}

bool PolicyBook::work_out(Row& row, std::uint32_t server) {
  const std::size_t words = labels_.size() / 64 + 1;
  row.allowed.resize(words);
  row.preferred.resize(words);
  const bool allowed = put(row.allowed, server, holds(row.policy.required, labels_[server]));
  const bool preferred = put(row.preferred, server, holds(row.policy.preferred, labels_[server]));
  return allowed || preferred;
}

void PolicyBook::work_out(Row& row) {
  row.allowed.assign(labels_.size() / 64 + 1, 0);
  row.preferred.assign(labels_.size() / 64 + 1, 0);
  for (std::uint32_t server = 0; server < labels_.size(); ++server) work_out(row, server);
}

void PolicyBook::check() const {
  for (const Row& row : rows_) {
    EK_CHECK(&this->row(row.policy.id) == &row);
    for (std::uint32_t server = 0; server < labels_.size(); ++server) {
      EK_CHECK(has(row.allowed, server) == holds(row.policy.required, labels_[server]));
      EK_CHECK(has(row.preferred, server) == holds(row.policy.preferred, labels_[server]));
    }
  }
}

}  // namespace evenkeel
