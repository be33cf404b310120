#include "services/agent/core/catch_up.h"

namespace evenkeel::agent {

void CatchUp::want() {
  missing_ = true;
  after_.reset();
  backoff_.reset();
  next_pull_ = Instant{};
}

void CatchUp::heard_of(std::optional<CommandId> issued, bool known) {
  if (!issued) return;
  if (!highest_ || *issued > *highest_) highest_ = issued;
  const bool settled = settled_ && *issued <= *settled_;
  if (!known && !settled) missing_ = true;
}

std::optional<CatchUp::Question> CatchUp::question(Instant now) {
  if (!missing_ && now - beacon_ < kSilence) return std::nullopt;
  if (now < next_pull_) return std::nullopt;
  next_pull_ = now + backoff_.next();
  if (!after_) asked_ = highest_;
  return Question{after_};
}

bool CatchUp::answered(std::optional<CommandId> after, std::optional<CommandId> last, bool more,
                       Instant now) {
  if (after != after_) return false;
  backoff_.reset();
  if (more && last) {
    after_ = last;
    missing_ = true;
    next_pull_ = now;
    return false;
  }
  // What was issued before the question and is not in the answer is closed, and will never come.
  if (asked_ && (!settled_ || *asked_ > *settled_)) settled_ = asked_;
  after_.reset();
  missing_ = highest_ && (!settled_ || *highest_ > *settled_) && (!last || *last < *highest_);
  next_pull_ = now + backoff_.next();
  return true;
}

}  // namespace evenkeel::agent
