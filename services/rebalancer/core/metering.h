#pragma once
#include <cstdint>
#include <vector>

#include "common/base/time.h"
#include "services/rebalancer/core/budgets.h"
#include "services/rebalancer/core/chunk.h"

namespace evenkeel {

/// What a copy is for, as budgets have it.
enum class Urgency {
  kAtRisk,      ///< one valid replica or failure domain is left: never waits for a budget
  kRepair,      ///< may use all of them
  kBackground,  ///< for order or evenness: may use its part
};

Urgency urgency_of(Queue queue);

/// Holds orders to the budgets, as leaky buckets: each order has to be paid for at the rate of
/// every budget that it is under, and what was ordered but is not paid for may never take longer
/// than a second. Over any stretch of time the bytes ordered are thus at most what the rate allows,
/// and that second's, and one chunk. A copy that fails has been paid for all the same.
class Metering {
 public:
  Metering() = default;
  explicit Metering(const Budgets& budgets) : budgets_(budgets) {}

  bool any() const { return budgets_.any(); }
  bool may_take(ServerSlot server, Urgency urgency, Instant now) const;
  bool may_give(ServerSlot server, Urgency urgency, Instant now) const;
  /// Between racks, by their numbers (Place::rack).
  bool may_cross(std::uint32_t from, std::uint32_t to, Urgency urgency, Instant now) const;

  struct Order {
    ServerSlot source, target;
    std::uint32_t source_rack, target_rack;
    Bytes size;
    Urgency urgency;
  };
  void spend(const Order& order, Instant now);

 private:
  /// When everything that was ordered will have been paid for, in ns.
  struct Debt {
    std::int64_t all = INT64_MIN;
    std::int64_t background = INT64_MIN;
  };
  using Debts = std::vector<Debt>;  // by server slot or rack; shorter where nothing was ordered yet

  bool may(const Debts& debts, std::size_t of, Bytes rate, Urgency urgency, Instant now) const;
  void add(Debts& debts, std::size_t of, Bytes rate, const Order& order, Instant now) const;

  Budgets budgets_;
  Debts in_, out_, rack_in_, rack_out_;
};

}  // namespace evenkeel
