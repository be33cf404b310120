#include "services/rebalancer/core/evidence_span.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "common/model/text.h"

namespace evenkeel {
namespace {

int domains(const std::vector<Holder>& evidence, SpreadLevel level) {
  std::set<std::string_view> all;
  for (const Holder& holder : evidence) all.insert(domain_of(holder.location, level));
  return static_cast<int>(all.size());
}

}  // namespace

EvidenceSpan span_of(const std::vector<Holder>& evidence, SpreadLevel wanted, int goal) {
  if (domains(evidence, wanted) >= goal) return {wanted, goal};
  return {SpreadLevel::kHost, std::min(goal, domains(evidence, SpreadLevel::kHost))};
}

}  // namespace evenkeel
