#include "common/config/units.h"

#include <charconv>
#include <cstdio>
#include <limits>
#include <span>
#include <string>

namespace evenkeel::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr Unit kTimes[] = {
    {"ms", 1}, {"s", 1'000}, {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
constexpr Unit kSizes[] = {
    {"B", 1}, {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}, {"TiB", 1ULL << 40}};

tl::unexpected<Error> not_a(std::string_view what, std::string_view text) {
  return fail(ErrorCode::kMalformed, "'" + std::string(text) + "' is not " + std::string(what));
}

Result<std::uint64_t> scaled(std::string_view text, std::span<const Unit> units,
                             std::string_view what) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{}) return not_a(what, text);
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  for (const auto& [name, factor] : units) {
    if (unit != name) continue;
    if (number > std::numeric_limits<std::int64_t>::max() / factor) break;
    return number * factor;
  }
  return not_a(what, text);
}

std::string in_largest(std::span<const Unit> units, std::uint64_t amount) {
  const Unit* largest = &units.front();
  for (const Unit& unit : units) {
    if (amount > 0 && amount % unit.factor == 0) largest = &unit;
  }
  return std::to_string(amount / largest->factor) + std::string(largest->name);
}

}  // namespace

Result<Duration> duration(std::string_view text) {
  return scaled(text, kTimes, "a duration such as \"250ms\", \"30s\", \"5min\", \"2h\" or \"7d\"")
      .map([](std::uint64_t ms) { return Duration(static_cast<std::int64_t>(ms)); });
}

Result<Bytes> bytes(std::string_view text) {
  return scaled(text, kSizes, "a size such as \"512B\", \"64MiB\" or \"2GiB\"")
      .map([](std::uint64_t count) { return Bytes(count); });
}

Result<Ratio> ratio(std::string_view text) {
  constexpr std::string_view kWhat = "a share from \"0%\" to \"100%\"";
  const std::string_view digits = text.substr(0, text.find_last_not_of('%') + 1);
  const bool decimal = digits.find_first_not_of("0123456789.") == std::string_view::npos;
  if (text.size() != digits.size() + 1 || !decimal) return not_a(kWhat, text);
  double percent = 0;
  const char* end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, percent);
  if (error != std::errc{} || rest != end || percent > 100) return not_a(kWhat, text);
  return Ratio(percent / 100);
}

std::string text_of(Duration duration) {
  return in_largest(kTimes, static_cast<std::uint64_t>(duration.count()));
}

std::string text_of(Bytes bytes) {
  return in_largest(kSizes, bytes.count());
}

std::string text_of(Ratio ratio) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g%%", ratio.value() * 100);
  return text;
}

}  // namespace evenkeel::config
