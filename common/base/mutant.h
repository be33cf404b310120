#pragma once

/// Faults that are planted on purpose, to see whether the tests find them: tests/schedules/run
/// --mutants. Only a build with EVENKEEL_MUTANTS has them, all of them, and one is chosen when it
/// runs; in every other build EK_MUTANT(name) is false and costs nothing.
#ifdef EVENKEEL_MUTANTS

#include <string_view>

namespace evenkeel {

/// The one that is planted now; empty: none.
inline std::string_view& planted_mutant() {
  static std::string_view name;
  return name;
}

}  // namespace evenkeel

#define EK_MUTANT(name) (::evenkeel::planted_mutant() == #name)

#else

#define EK_MUTANT(name) false

#endif
