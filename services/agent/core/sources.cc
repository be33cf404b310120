#include "services/agent/core/sources.h"

#include <algorithm>

namespace evenkeel::agent {

const Source* Sources::current() const {
  return at_ < sources_.size() ? &sources_[at_] : nullptr;
}

void Sources::blame(Fault fault) {
  EK_CHECK(at_ < sources_.size());
  blamed_.push_back({sources_[at_].server, fault});
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

bool Sources::next_round() {
  const auto left = std::find(out_.begin(), out_.end(), false);
  if (left == out_.end()) return false;
  at_ = static_cast<std::size_t>(left - out_.begin());
  return true;
}

}  // namespace evenkeel::agent
