#include "tools/cli/estimate.h"

#include <cstdio>

#include "tools/cli/text.h"

namespace evenkeel::cli {

std::string cost(const Forecast& estimate) {
  if (!estimate.chunks) return "";
  if (*estimate.chunks == 0) return "nothing to copy";
  std::string words = count_of(*estimate.chunks, "chunk");
  if (estimate.bytes) words += ", " + bytes_text(estimate.bytes->count());
  words += " to copy";
  if (estimate.duration) words += ", about " + duration_text(*estimate.duration);
  return words;
}

void print_rules(const std::string& what, const Forecast& estimate, const char* hint) {
  std::fprintf(stderr, "evenkeel: %s%s\n", printable(what).c_str(), hint);
  for (const std::string& rule : estimate.rules) {
    std::fprintf(stderr, "  %s\n", printable(rule).c_str());
  }
}

void add_estimate(Fields& fields, const Forecast& estimate) {
  const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  if (estimate.feasible) fields.emplace_back("feasible", *estimate.feasible);
  if (estimate.chunks) fields.emplace_back("copy_chunks", number(*estimate.chunks));
  if (estimate.bytes) fields.emplace_back("copy_bytes", number(estimate.bytes->count()));
  if (estimate.duration) fields.emplace_back("duration_ms", estimate.duration->count());
  fields.emplace_back("rules", estimate.rules);
}

}  // namespace evenkeel::cli
