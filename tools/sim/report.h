#pragma once
#include <string>
#include <vector>

#include "tools/sim/forecast.h"
#include "tools/sim/rates.h"
#include "tools/sim/timeline.h"

namespace evenkeel::sim {

/// What a forecast rests on, and where the cluster stood.
struct Basis {
  std::string database;
  std::size_t servers = 0;
  std::uint64_t chunks = 0;
  Amount under_way;              ///< copies in flight at the start
  std::uint64_t below_goal = 0;  ///< chunks at the start, the lost ones among them
  std::uint64_t lost = 0;
  Rates rates;
  bool now = false;  ///< nothing is waited for
};

/// For people.
std::string text(const Basis& basis, const std::vector<Forecast>& forecasts);
/// For programs: one object.
std::string json(const Basis& basis, const std::vector<Forecast>& forecasts,
                 const Timeline& timeline);

}  // namespace evenkeel::sim
