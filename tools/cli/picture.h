#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/cli/render.h"
#include "tools/cli/view.h"

namespace evenkeel::cli {

inline constexpr std::size_t kNamedMax = 8;  ///< chunks or servers that are named before "..."

/// A way in which chunks or servers are not as they should be.
struct Wrong {
  std::string word;
  std::int64_t count = 0;
  std::vector<std::string> some;  ///< the first of them
};

/// How alike the alive servers are filled.
struct Evenness {
  double mean = 0;  ///< use of all capacity: what each would have if all were alike
  double lowest = 0, highest = 0;
  double deviation = 0;  ///< of the one that is farthest from the mean
};

/// The cluster at one moment, as the database tells it.
struct Picture {
  std::vector<Wrong> chunks;   // lost, at_risk, ...
  std::vector<Wrong> servers;  // dead, suspect, not_reported, awaited
  std::int64_t chunks_live = 0, chunks_retired = 0, replicas = 0, servers_known = 0, files = 0;
  std::int64_t used = 0, capacity = 0;
  std::optional<Evenness> evenness;
  std::vector<std::string> at_leave;  // "s7 drains: 12 chunks, 1 GiB left"
  std::vector<std::string> paused;    // passes
  std::vector<std::string> proposed;  // "a1 drain s7 (ann)": what wants a second person
  std::int64_t draining = 0, drained = 0, in_maintenance = 0;
  Rows open_commands;
};

Picture picture_of(const View& view);

/// How evenly the servers that live are filled; none if there are none.
std::optional<Evenness> evenness_of(const View& view);

}  // namespace evenkeel::cli
