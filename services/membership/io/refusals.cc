#include "services/membership/io/refusals.h"

#include "common/log/log.h"

namespace evenkeel::membership {
namespace {

constexpr Duration kBetweenLines{10'000};

const char* word_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::kMalformed:
      return "malformed";
    case Refusal::kOtherCluster:
      return "other_cluster";
    case Refusal::kUnknownKind:
      return "unknown_kind";
    case Refusal::kUnreachable:
      return "unreachable";
  }
  return "?";
}

}  // namespace

void Refusals::add(Refusal refusal, std::string_view what) {
  Kind& kind = of(refusal);
  ++kind.count;
  const Instant now = clock_.now();
  if (kind.told_at && now - *kind.told_at < kBetweenLines) return;
  log::warn("refused", {{"why", word_of(refusal)},
                        {"what", what},
                        {"messages", kind.count - kind.told},
                        {"total", kind.count}});
  kind.told = kind.count;
  kind.told_at = now;
}

}  // namespace evenkeel::membership
