#pragma once
#include <string>

#include "common/model/control.h"
#include "tools/cli/render.h"

/// What an operation takes, as the rebalancer has worked it out, for people and for programs.
namespace evenkeel::cli {

/// "120 chunks, 1.2 GiB to copy, about 3 min", as far as it is known; empty if it is not.
std::string cost(const Forecast& estimate);
inline bool is_impossible(const Forecast& estimate) {
  return estimate.feasible == false;
}
/// Why not, one rule a line, on stderr.
void print_rules(const std::string& what, const Forecast& estimate, const char* hint);
void add_estimate(Fields& fields, const Forecast& estimate);

}  // namespace evenkeel::cli
