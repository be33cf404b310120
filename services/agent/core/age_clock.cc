#include "services/agent/core/age_clock.h"

namespace evenkeel::agent {
namespace {

constexpr Duration kUncertain = std::chrono::hours(24 * 365 * 20);

Duration gap_since(const AgeMark& saved, const std::string& boot, Instant now, Timestamp wall) {
  if (saved.boot == boot && now >= saved.instant) return now - saved.instant;
  const Duration gap = wall - saved.wall;
  return gap >= Duration::zero() ? gap : kUncertain;
}

}  // namespace

AgeClock::AgeClock(const std::optional<AgeMark>& saved, std::string boot, Instant now,
                   Timestamp wall)
    : boot_(std::move(boot)),
      start_(now),
      base_(saved ? saved->reading + gap_since(*saved, boot_, now, wall) : AgeReading{}) {}

std::optional<Duration> AgeClock::age(AgeReading then, Instant now) const {
  const Duration age = reading(now) - then;
  if (age < Duration::zero() || age >= kUncertain) return std::nullopt;
  return age;
}

}  // namespace evenkeel::agent
