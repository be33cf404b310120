#include "services/rebalancer/core/metering.h"

#include <algorithm>
#include <cmath>

namespace evenkeel {
namespace {

constexpr double kSecond = 1e9;  // ns

std::int64_t ns(Instant at) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count();
}

std::int64_t time_for(Bytes size, double rate) {
  return std::llround(static_cast<double>(size.count()) / rate * kSecond);
}

}  // namespace

Urgency urgency_of(Queue queue) {
  switch (queue) {
    case Queue::kRisk1:
    case Queue::kRiskDomain:
      return Urgency::kAtRisk;
    case Queue::kDrain:
    case Queue::kSpread:
      return Urgency::kBackground;
    default:
      return Urgency::kRepair;
  }
}

bool Metering::may(const Debts& debts, std::size_t of, Bytes rate, Urgency urgency,
                   Instant now) const {
  if (rate == Bytes(0) || urgency == Urgency::kAtRisk || of >= debts.size()) return true;
  const std::int64_t until = ns(now) + static_cast<std::int64_t>(kSecond);
  const Debt& debt = debts[of];
  return debt.all < until && (urgency == Urgency::kRepair || debt.background < until);
}

void Metering::add(Debts& debts, std::size_t of, Bytes rate, const Order& order,
                   Instant now) const {
  if (rate == Bytes(0)) return;
  if (of >= debts.size()) debts.resize(of + 1);
  const auto bytes = static_cast<double>(rate.count());
  Debt& debt = debts[of];
  debt.all = std::max(debt.all, ns(now)) + time_for(order.size, bytes);
  if (order.urgency != Urgency::kBackground) return;
  const double part = bytes * budgets_.background.value();
  debt.background = std::max(debt.background, ns(now)) + time_for(order.size, part);
}

bool Metering::may_take(ServerSlot server, Urgency urgency, Instant now) const {
  return may(in_, server, budgets_.server_in, urgency, now);
}

bool Metering::may_give(ServerSlot server, Urgency urgency, Instant now) const {
  return may(out_, server, budgets_.server_out, urgency, now);
}

bool Metering::may_cross(std::uint32_t from, std::uint32_t to, Urgency urgency, Instant now) const {
  if (from == to) return true;
  return may(rack_out_, from, budgets_.rack_out, urgency, now) &&
         may(rack_in_, to, budgets_.rack_in, urgency, now);
}

void Metering::spend(const Order& order, Instant now) {
  add(out_, order.source, budgets_.server_out, order, now);
  add(in_, order.target, budgets_.server_in, order, now);
  if (order.source_rack == order.target_rack) return;
  add(rack_out_, order.source_rack, budgets_.rack_out, order, now);
  add(rack_in_, order.target_rack, budgets_.rack_in, order, now);
}

}  // namespace evenkeel
