#include <cstdio>

#include "common/model/text.h"
#include "tools/cli/text.h"
#include "tools/sim/report.h"

namespace evenkeel::sim {
namespace {

using cli::bytes_text;
using cli::count_of;

/// Tenths of seconds count here, more than elsewhere in the program.
std::string time_text(Duration time) {
  char text[40];
  const double seconds = static_cast<double>(time.count()) / 1000;
  if (seconds < 120) {
    std::snprintf(text, sizeof text, "%.*f s", seconds < 10 ? 2 : 1, seconds);
  } else if (seconds < 7200) {
    std::snprintf(text, sizeof text, "%.1f min", seconds / 60);
  } else {
    std::snprintf(text, sizeof text, "%.1f h", seconds / 3600);
  }
  return text;
}

std::string line(const std::string& head, const std::string& rest) {
  return "   " + head + std::string(head.size() < 15 ? 15 - head.size() : 1, ' ') + rest + "\n";
}

std::string amount_text(const Amount& amount, std::string_view what) {
  return count_of(amount.count, what) + ", " + bytes_text(amount.bytes.count());
}

std::string rate_text(Bytes rate) {
  return rate == Bytes() ? "no limit" : bytes_text(rate.count()) + "/s";
}

std::string some_of(const Chunks& chunks) {
  std::string text = count_of(chunks.amount.count, "chunk") + ":";
  for (const ChunkId id : chunks.some) text += " " + to_string(id);
  return text + (chunks.amount.count > chunks.some.size() ? " ..." : "");
}

std::string basis_text(const Basis& basis) {
  std::string text = "Simulated on a copy of " + cli::printable(basis.database) + ": " +
                     count_of(basis.servers, "server") + ", " + count_of(basis.chunks, "chunk") +
                     ".\n";
  if (basis.under_way.count + basis.below_goal > 0) {
    text += "It is not at rest: " + amount_text(basis.under_way, "replica") + " being copied; " +
            count_of(basis.below_goal, "chunk") + " below goal, " + std::to_string(basis.lost) +
            " of them lost. This is part of what follows.\n";
  }
  const Rates& rates = basis.rates;
  text += "Rates: network " + rate_text(rates.network) + " for each machine and direction, disk " +
          rate_text(rates.disk) + " for each server, " + std::to_string(rates.copy_cost.count()) +
          " ms for each copy beside that, " + std::to_string(rates.copies_at_once) +
          " at once to a server (" + rates.rest_on + ").\n";
  if (basis.now) text += "Patience and brake are left aside (--now).\n";
  return text;
}

std::string copied_text(const Forecast& forecast) {
  const Amount all = forecast.copied_in_all();
  std::string text = amount_text(all, "replica");
  if (all.count == 0) return "nothing";
  std::string reasons;
  for (const auto& [reason, amount] : forecast.copied) {
    reasons += (reasons.empty() ? "" : "; ") + std::string(to_text(reason)) + " " +
               amount_text(amount, "replica");
  }
  return text + " (" + reasons + ")";
}

std::string times_text(const Forecast& forecast) {
  std::string text;
  const auto add = [&](const std::string& what, const std::optional<Duration>& time) {
    if (time) text += (text.empty() ? "" : "; ") + what + " after " + time_text(*time);
  };
  add("first copy ordered", forecast.first_copy);
  add("no chunk at risk", forecast.safe);
  add("all that can be has its goal", forecast.whole);
  add("last copy done", forecast.last_copy);
  if (forecast.cut_off) return text + "; cut off, as it went on for too long";
  return text + (text.empty() ? "" : "; ") + "at rest after " + time_text(forecast.rest);
}

std::string hottest_text(const Forecast& forecast) {
  const auto id = forecast.hottest();
  if (!id) return "none";
  const Traffic& traffic = forecast.traffic.at(*id);
  return to_string(*id) + ": " + bytes_text(traffic.in.bytes.count()) + " in, " +
         bytes_text(traffic.out.bytes.count()) + " out";
}

std::string forecast_text(const Forecast& forecast, std::size_t number) {
  std::string text = std::to_string(number) + ". " + cli::printable(forecast.words) + "\n";
  if (forecast.detection > Duration(0)) {
    text += line("detection", time_text(forecast.detection) +
                                  " until membership calls it dead (--detection); not in the times "
                                  "below");
  }
  if (forecast.missing.count > 0) {
    text += line("to make up for", amount_text(forecast.missing, "replica"));
  }
  text += line("copied", copied_text(forecast));
  if (forecast.deleted.count > 0) {
    text += line("deleted", amount_text(forecast.deleted, "replica"));
  }
  text += line("time", times_text(forecast));
  text += line("hottest", hottest_text(forecast));
  text += line("lost", forecast.lost.amount.count == 0
                           ? "none"
                           : some_of(forecast.lost) + " (no valid replica left)");
  if (forecast.not_whole.empty()) text += line("not made whole", "none");
  for (const auto& [why, chunks] : forecast.not_whole) {
    text += line("not made whole", some_of(chunks) + " (" + cli::printable(why) + ")");
  }
  if (!forecast.held.empty()) text += line("held back", cli::printable(forecast.held));
  return text;
}

}  // namespace

std::string text(const Basis& basis, const std::vector<Forecast>& forecasts) {
  std::string all = basis_text(basis);
  std::size_t number = 0;
  for (const Forecast& forecast : forecasts) all += "\n" + forecast_text(forecast, ++number);
  return all;
}

}  // namespace evenkeel::sim
