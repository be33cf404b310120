#pragma once
#include <cstdio>
#include <cstdlib>

namespace evenkeel {

[[noreturn]] inline void check_failed(const char* condition, const char* file, int line,
                                      const char* function) {
  std::fprintf(stderr, "check failed: %s at %s:%d in %s\n", condition, file, line, function);
  std::abort();
}

}  // namespace evenkeel

/// States what must be true if this program is right. Stays on in release builds: stopping is
/// better than replicating from a wrong view. Never for what a peer, an operator or a disk can
/// cause; those are errors to be handled.
#define EK_CHECK(condition) \
  ((condition) ? void() : ::evenkeel::check_failed(#condition, __FILE__, __LINE__, __func__))
