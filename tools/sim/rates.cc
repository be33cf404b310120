#include "tools/sim/rates.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <map>
#include <set>

#include "common/sqlite/statement.h"

namespace evenkeel::sim {
namespace {

constexpr std::size_t kEnoughCopies = 16;
constexpr double kEnoughSeconds = 0.05;
constexpr std::size_t kBusyTimes = 200;  // the longest; more would not tell more

/// A time in which a machine had copies under way without a pause.
struct BusyTime {
  double seconds = 0;
  double copies = 0;
  double bytes = 0;
  double at_once = 1;  ///< copies that ran side by side, those that only waited not counted
};

/// The same while it is gathered.
struct Gathered {
  std::int64_t first_ms, last_ms;
  std::int64_t waited_ms = 0;  // of all copies
  double bytes = 0;
  std::size_t copies = 0;
  std::set<ServerId> targets;

  BusyTime ended(int copies_at_once) const {
    BusyTime busy{static_cast<double>(last_ms - first_ms) / 1000, static_cast<double>(copies),
                  bytes, 1};
    if (busy.seconds <= 0) return busy;
    const double under_way = static_cast<double>(waited_ms) / 1000 / busy.seconds;
    const auto slots = static_cast<double>(targets.size()) * copies_at_once;
    busy.at_once = std::clamp(under_way, 1.0, slots);
    return busy;
  }
};

std::vector<Gathered> gathered(std::vector<const DoneCopy*> copies) {
  std::ranges::stable_sort(copies, {}, [](const DoneCopy* copy) { return copy->issued_ms; });
  std::vector<Gathered> all;
  for (const DoneCopy* copy : copies) {
    if (all.empty() || copy->issued_ms > all.back().last_ms) {
      all.push_back(Gathered{copy->issued_ms, copy->closed_ms, 0, 0, 0, {}});
    }
    Gathered& busy = all.back();
    busy.last_ms = std::max(busy.last_ms, copy->closed_ms);
    busy.waited_ms += copy->closed_ms - copy->issued_ms;
    busy.bytes += static_cast<double>(copy->size.count());
    ++busy.copies;
    busy.targets.insert(copy->target);
  }
  return all;
}

std::vector<BusyTime> busy_times(const std::vector<DoneCopy>& copies, int copies_at_once) {
  std::map<std::string, std::vector<const DoneCopy*>> by_machine;
  for (const DoneCopy& copy : copies) by_machine[copy.machine].push_back(&copy);
  std::vector<BusyTime> all;
  for (const auto& [machine, of_it] : by_machine) {
    for (const Gathered& busy : gathered(of_it)) all.push_back(busy.ended(copies_at_once));
  }
  return all;
}

/// How long it would have taken with these rates: copies side by side share the bytes' way, and not
/// what each costs beside them.
double expected_seconds(const BusyTime& busy, double copy_seconds, double rate) {
  const double rounds = std::max(1.0, busy.copies / busy.at_once);
  const double one = copy_seconds + busy.bytes / busy.copies / rate;
  return std::max(rounds * one, copy_seconds + busy.bytes / rate);
}

struct Fit {
  double copy_seconds, rate, fault;
};

/// Both over wide ranges in small steps: two numbers, so every pair is tried. Where the evidence
/// does not tell the cost of a copy from that of its bytes, as with chunks all alike, the cost
/// stays near the default.
Fit best_fit(const std::vector<BusyTime>& all) {
  const double usual = static_cast<double>(Rates{}.copy_cost.count()) / 1000;
  double total = 0;
  for (const BusyTime& busy : all) total += std::sqrt(busy.seconds);
  Fit best{usual, 1, INFINITY};
  for (int c = -20; c <= 20; ++c) {
    const double copy_seconds = usual * std::pow(10, c / 10.0);
    for (int r = 0; r <= 480; ++r) {
      const double rate = 1e5 * std::pow(10, r / 80.0);
      double fault = 3e-3 * (c / 10.0) * (c / 10.0) + 1e-7 * r;
      for (const BusyTime& busy : all) {
        const double off = std::log(expected_seconds(busy, copy_seconds, rate) / busy.seconds);
        fault += std::sqrt(busy.seconds) / total * off * off;  // the long ones tell more
      }
      if (fault < best.fault) best = {copy_seconds, rate, fault};
    }
  }
  return best;
}

std::string evidence(std::size_t copies, double bytes, double seconds) {
  char text[120];
  std::snprintf(text, sizeof text, "measured from %zu copies of %.1f MiB in %.1f s", copies,
                bytes / (1 << 20), seconds);
  return text;
}

}  // namespace

std::string machine_of(ServerId server, const std::string& address) {
  const std::string host = address.substr(0, address.rfind(':'));
  return host.empty() ? to_string(server) : host;
}

std::vector<DoneCopy> done_copies(const sqlite::Database& db, std::int64_t limit) {
  sqlite::Statement row(
      db,
      "SELECT k.server_id, s.address, k.size_bytes, k.issued_ms, k.closed_ms FROM command k "
      "JOIN server s USING (server_id) WHERE k.kind = 0 AND k.state = 1 "
      "AND k.closed_ms >= k.issued_ms ORDER BY k.command_id DESC LIMIT ?");
  std::vector<DoneCopy> copies;
  for (row.open(limit); row.step();) {
    const ServerId target(static_cast<std::uint64_t>(row.integer(0)));
    copies.push_back({target, machine_of(target, row.text(1)),
                      Bytes(static_cast<std::uint64_t>(row.integer(2))), row.integer(3),
                      row.integer(4)});
  }
  std::ranges::reverse(copies);
  return copies;
}

std::optional<Rates> measured(const std::vector<DoneCopy>& copies, int copies_at_once) {
  std::vector<BusyTime> all = busy_times(copies, copies_at_once);
  std::erase_if(all, [](const BusyTime& busy) { return busy.seconds <= 0; });
  std::ranges::stable_sort(all, std::greater{}, &BusyTime::seconds);
  if (all.size() > kBusyTimes) all.resize(kBusyTimes);
  double seconds = 0, bytes = 0, count = 0;
  for (const BusyTime& busy : all) {
    seconds += busy.seconds;
    bytes += busy.bytes;
    count += busy.copies;
  }
  if (count < kEnoughCopies || seconds < kEnoughSeconds) return std::nullopt;
  const Fit fit = best_fit(all);
  Rates rates{.disk = Bytes(0),
              .network = Bytes(static_cast<std::uint64_t>(fit.rate)),
              .copy_cost = Duration(std::lround(fit.copy_seconds * 1000)),
              .copies_at_once = copies_at_once};
  rates.rest_on = evidence(static_cast<std::size_t>(count), bytes, seconds);
  return rates;
}

}  // namespace evenkeel::sim
