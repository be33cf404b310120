#include "tools/sim/rates.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tools/sim/agents.h"

namespace evenkeel::sim {
namespace {

/// Copies as the model makes them: what is measured of these must be what they were made with.
std::vector<DoneCopy> copies_at(const Rates& rates, int targets, int copies, std::uint64_t bytes,
                                std::int64_t from_ms, std::vector<DoneCopy> all = {}) {
  Agents agents(rates, [](CommandId) { return std::nullopt; });
  agents.add(ServerId(100), "source");
  for (int t = 1; t <= targets; ++t) {
    agents.add(ServerId(static_cast<std::uint64_t>(t)), "m" + std::to_string(t));
  }
  for (int k = 0; k < copies; ++k) {
    agents.take({CommandId(static_cast<std::uint64_t>(k)),
                 ServerId(static_cast<std::uint64_t>(k % targets + 1)), ServerId(100), Bytes(bytes),
                 Bytes(0)},
                Nanos(0));
  }
  while (const auto next = agents.next()) {
    for (const auto& end : agents.ended(*next)) {
      const auto ms = std::chrono::ceil<Duration>(*next).count();
      all.push_back({end.target, machine_of(end.target, "m" + to_string(end.target) + ":1"),
                     Bytes(bytes), from_ms, from_ms + ms});
    }
  }
  return all;
}

double off(double a, double b) {
  return std::abs(std::log(a / b));
}

TEST(SimRates, AreThoseThatTheCopiesWereMadeWith) {
  for (const std::uint64_t rate : {1ull << 20, 100ull << 20, 2ull << 30}) {
    for (const int cost : {5, 50, 400}) {
      Rates made{.disk = Bytes(0), .network = Bytes(rate), .copy_cost = Duration(cost)};
      auto copies = copies_at(made, 1, 400, 1, 0);
      copies = copies_at(made, 1, 60, rate, 10'000'000, std::move(copies));
      const auto found = measured(copies, made.copies_at_once);
      ASSERT_TRUE(found);
      EXPECT_LT(off(static_cast<double>(found->network.count()), static_cast<double>(rate)), 0.15);
      EXPECT_LT(off(static_cast<double>(found->copy_cost.count()), cost), 0.3) << cost;
    }
  }
}

TEST(SimRates, TellHowLongTheSameWouldTakeAgainWhereAllChunksAreAlike) {
  for (const std::uint64_t bytes : {1ull << 10, 1ull << 20, 64ull << 20}) {
    const Rates made{.disk = Bytes(0), .network = Bytes(80 << 20), .copy_cost = Duration(20)};
    const auto copies = copies_at(made, 1, 200, bytes, 0);
    const auto found = measured(copies, made.copies_at_once);
    ASSERT_TRUE(found);
    const auto again = copies_at(*found, 1, 200, bytes, 0);
    EXPECT_LT(off(static_cast<double>(again.back().closed_ms),
                  static_cast<double>(copies.back().closed_ms)),
              0.2)
        << bytes;
  }
}

TEST(SimRates, FewCopiesTellNothing) {
  EXPECT_FALSE(measured({}, 8));
  const Rates made{.disk = Bytes(0), .network = Bytes(1 << 20)};
  EXPECT_FALSE(measured(copies_at(made, 1, 10, 1 << 20, 0), 8));
}

TEST(SimRates, MachinesAreTheHostsOfAddresses) {
  EXPECT_EQ(machine_of(ServerId(1), "10.0.0.7:7420"), "10.0.0.7");
  EXPECT_EQ(machine_of(ServerId(1), "[fe80::1]:7420"), "[fe80::1]");
  EXPECT_EQ(machine_of(ServerId(1), ""), "s1");
}

}  // namespace
}  // namespace evenkeel::sim
