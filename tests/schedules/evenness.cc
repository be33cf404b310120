#include "tests/schedules/evenness.h"

#include <algorithm>

namespace evenkeel::schedules {
namespace {

double used(const Holdings::mapped_type& chunks) {
  double bytes = 0;
  for (const auto& [chunk, size] : chunks) bytes += static_cast<double>(size);
  return bytes;
}

}  // namespace

std::optional<std::string> uneven(const Holdings& holdings) {
  double total = 0, replicas = 0;
  for (const auto& [server, chunks] : holdings) {
    total += used(chunks);
    replicas += static_cast<double>(chunks.size());
  }
  if (replicas == 0) return std::nullopt;
  const double share = total / static_cast<double>(holdings.size());
  constexpr double kRounding = 1 + 1e-9;
  const double band = std::max(total / replicas, share * 0.0025) * kRounding;
  for (const auto& [from, chunks] : holdings) {
    const double over = used(chunks) - share;
    for (const auto& [to, others] : holdings) {
      const double under = share - used(others);
      if (over <= 0 || under <= 0 || (over <= band && under <= band)) continue;
      for (const auto& [chunk, size] : chunks) {
        const auto bytes = static_cast<double>(size);
        const bool nearer = bytes > 0 && over + under > bytes * kRounding;
        if (others.contains(chunk) || !nearer) continue;
        return "chunk " + std::to_string(chunk) + " of " + std::to_string(size) + " bytes is on " +
               from + ", which holds " + std::to_string(over) + " too many, and ought to be on " +
               to + ", which lacks " + std::to_string(under);
      }
    }
  }
  return std::nullopt;
}

}  // namespace evenkeel::schedules
