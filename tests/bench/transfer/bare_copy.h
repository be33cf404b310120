#pragma once
#include <cstdint>
#include <filesystem>

namespace evenkeel::bench {

struct BareCopy {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  double processor_s = 0;  ///< of both processes
};

/// Copies the files of one folder into another, over TCP on loopback, from one process to another:
/// one connection with large fixed buffers, summed up on both sides, and one syncfs at the end. The
/// least that a copy over the network can do and still be durable and known to be right. No
/// renames, no commands, no journal, nothing that goes on after a fault. Throws on any.
BareCopy bare_copy(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace evenkeel::bench
