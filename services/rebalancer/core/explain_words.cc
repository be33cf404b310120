#include "services/rebalancer/core/explain_words.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "common/base/check.h"
#include "common/model/text.h"

namespace evenkeel::explained {
namespace {

std::string tenths(double number) {
  const auto rounded = std::llround(number * 10);
  const std::string whole = std::to_string(rounded / 10);
  return rounded % 10 == 0 ? whole : whole + "." + std::to_string(rounded % 10);
}

}  // namespace

std::string bytes(Bytes amount) {
  constexpr std::array kUnits{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
  auto number = static_cast<double>(amount.count());
  std::size_t unit = 0;
  for (; number >= 1024 && unit + 1 < kUnits.size(); ++unit) number /= 1024;
  return tenths(number) + " " + kUnits[unit];
}

std::string duration(Duration length) {
  const auto seconds = std::max<std::int64_t>(0, (length.count() + 999) / 1000);
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 120 * 60) return std::to_string(seconds / 60) + " min";
  if (seconds < 48 * 3600) return std::to_string(seconds / 3600) + " h";
  return std::to_string(seconds / 86400) + " d";
}

std::string within(Duration at_most, Duration step) {
  constexpr Duration kDay = std::chrono::hours(24);
  const auto up = [&](Duration to) {
    return to * std::max<std::int64_t>(1, (at_most + to - Duration(1)) / to);
  };
  return "in the last " + duration(at_most > 2 * kDay - step ? up(kDay) : up(step));
}

std::string percent(double share) {
  return tenths(share * 100) + " %";
}

std::uint64_t ppm(double share) {
  return static_cast<std::uint64_t>(std::llround(std::max(0.0, share) * 1e6));
}

void cut(Explained& explained) {
  const auto to = [](auto& list, std::size_t most) {
    if (list.size() > most)
      list.erase(list.begin() + static_cast<std::ptrdiff_t>(most), list.end());
  };
  to(explained.facts, Explained::kFactsMax);
  to(explained.causes, Explained::kCausesMax);
}

std::string state(const Server& server) {
  constexpr std::array kAdmin{"", ", draining", ", drained", ", in maintenance", ", removed"};
  std::string words;
  switch (server.member.liveness) {
    case Liveness::kAlive:
      words = "alive";
      break;
    case Liveness::kSuspect:
      words = "suspect";
      break;
    case Liveness::kDead:
      words = server.member.planned ? "stopped" : "dead";
      break;
  }
  const bool silent = server.standing != Standing::kReported;
  if (silent && server.member.liveness != Liveness::kDead) words += ", has not reported";
  return words + kAdmin[static_cast<std::size_t>(server.admin)];
}

std::string in_words(const CommandRecord& command) {
  const std::string at = to_string(command.server);
  const std::string reason = " (" + std::string(to_text(command.reason)) + ")";
  switch (command.kind) {
    case CommandKind::kReplicate:
      return to_string(command.id) + " copies it" +
             (command.source ? " from " + to_string(*command.source) : "") + " to " + at + reason;
    case CommandKind::kDelete:
      return to_string(command.id) + " deletes the replica on " + at + reason;
    case CommandKind::kVerify:
      return to_string(command.id) + " has " + at + " verify its replica" + reason;
    case CommandKind::kReport:
      return to_string(command.id) + " asks " + at + " what it holds";
  }
  EK_CHECK(false);
}

}  // namespace evenkeel::explained
