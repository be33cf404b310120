#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

namespace evenkeel::bench {

/// How far the chunk directories had come at one time.
struct Sample {
  double at_s = 0;  ///< CLOCK_MONOTONIC
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;  ///< of files in live/
  std::uint64_t read = 0;   ///< bytes that the processes have read since the start, off whatever
};
struct Watched {
  double first_byte_s = 0;  ///< the first write into tmp/; 0: none seen
  double last_file_s = 0;   ///< the last rename into live/
  std::vector<Sample> samples;
};

/// Looks at chunk directories, from outside, until `expected` different chunks have come to live/,
/// or standard input ends. Calls `ready` once it looks: nothing that happens afterwards is missed.
Watched watch(const std::vector<std::filesystem::path>& directories, std::uint64_t expected,
              const std::vector<int>& processes, void (*ready)());

}  // namespace evenkeel::bench
