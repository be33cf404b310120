#include "services/agent/core/sources.h"

#include <algorithm>

namespace evenkeel::agent {

const Source* Sources::current() const {
  return at_ < sources_.size() ? &sources_[at_] : nullptr;
}

void Sources::blame(Fault fault) {
  EK_CHECK(at_ < sources_.size());
  if (blamed_.size() < kBlamedMax) blamed_.push_back({sources_[at_].server, fault});
  out_[at_] = true;
  advance();
}

void Sources::skip_busy() {
  EK_CHECK(at_ < sources_.size());
  advance();
}

void Sources::advance() {
  do {
    ++at_;
  } while (at_ < sources_.size() && out_[at_]);
}

void Sources::renew(std::vector<Source> fresh, bool in_use) {
  const auto same = [](const Source& a, const Source& b) {
    return a.server == b.server && a.storage == b.storage;
  };
  const std::optional<Source> now = in_use ? std::optional(sources_.at(at_)) : std::nullopt;
  const auto is_now = [&](const Source& source) { return now && same(source, *now); };
  if (now && std::ranges::none_of(fresh, is_now)) fresh.insert(fresh.begin(), *now);
  std::vector<bool> out;
  for (const Source& source : fresh) {
    bool blamed = false;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      blamed |= out_[i] && same(sources_[i], source);
    }
    out.push_back(blamed);
  }
  sources_ = std::move(fresh);
  out_ = std::move(out);
  const auto first = now ? std::ranges::find_if(sources_, is_now)
                         : sources_.begin() + (std::ranges::find(out_, false) - out_.begin());
  at_ = static_cast<std::size_t>(first - sources_.begin());
}

bool Sources::next_round() {
  const auto left = std::find(out_.begin(), out_.end(), false);
  if (left == out_.end()) return false;
  at_ = static_cast<std::size_t>(left - out_.begin());
  return true;
}

}  // namespace evenkeel::agent
