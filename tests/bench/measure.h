#pragma once
#include <chrono>
#include <cstdio>

namespace evenkeel::bench {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  }

 private:
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

/// A figure, as one JSON object on a line.
inline void say(const char* what, double value, const char* unit) {
  std::printf("{\"what\": \"%s\", \"value\": %.6g, \"unit\": \"%s\"}\n", what, value, unit);
  std::fflush(stdout);
}

}  // namespace evenkeel::bench
