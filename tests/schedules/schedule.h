#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace evenkeel::schedules {

/// What a town is like and what befalls it; each has seeds of its own.
enum class Family {
  kStorm,     ///< anything may befall anybody
  kBadLines,  ///< lines are bad, disks slow and seldom read; hardly anything is killed
  kRepeats,   ///< either of these; and messages come twice at once, which is to change nothing
};

/// What one seed has come to.
struct Outcome {
  std::uint64_t seed = 0;
  std::vector<std::string> faults;  ///< what is wrong; none: all is well
  std::string story;                ///< with faults: what the database says of it
  std::uint64_t hash = 0;
  std::uint64_t commits = 0, messages = 0, events = 0, copies = 0, deletes = 0;
  std::map<std::string, std::uint64_t> fired;  ///< faults that have happened, by kind
  double virtual_seconds = 0;
};

/// Draws a town, its rules and its faults from a seed of that family, lets it live through them,
/// stops them, and awaits rest. Below `folder` it does what it wants.
Outcome run_schedule(Family family, std::uint64_t seed, const std::filesystem::path& folder);

}  // namespace evenkeel::schedules
