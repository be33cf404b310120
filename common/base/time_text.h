#pragma once
#include <chrono>
#include <cstdio>
#include <string>

#include "common/base/time.h"

namespace evenkeel {

/// "2026-02-03T04:05:06.789Z": UTC, always to the millisecond, so that lines sort as text.
inline std::string iso8601(Timestamp when) {
  using std::chrono::floor;
  const std::chrono::sys_time<Duration> time(when.time_since_epoch());
  const auto day = floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<Duration> clock(time - day);
  char text[40];
  std::snprintf(
      text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return text;
}

}  // namespace evenkeel
