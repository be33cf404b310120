#pragma once
#include <csignal>
#include <cstdint>
#include <cstdio>

#include <unistd.h>

namespace evenkeel::schedules {

/// The seed that is run now, for what is said when a check of the program itself fails.
inline volatile std::uint64_t seed_now = 0;

inline void name_seed_on_abort() {
  std::signal(SIGABRT, [](int) {
    char text[64];
    const int count = std::snprintf(text, sizeof text, "aborted in seed %llu\n",
                                    static_cast<unsigned long long>(seed_now));
    static_cast<void>(!::write(2, text, static_cast<std::size_t>(count)));
  });
}

}  // namespace evenkeel::schedules
