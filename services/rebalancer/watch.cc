#include "services/rebalancer/watch.h"

namespace evenkeel {
namespace {

constexpr Duration kEach = std::chrono::seconds(1);
constexpr Duration kSeldom = std::chrono::minutes(1);  // where as little as can be is written
constexpr std::int64_t kSampleEachS = 10;

}  // namespace

Watch::Watch(Store& store, const ClusterView& view, Instant now)
    : health_(view), tally_(view, store.command_counts(), store.risk_totals(), now) {}

void Watch::before(const Change& change, const ClusterView& view) {
  health_.before(change, view);
  if (const auto* issued = std::get_if<CommandIssued>(&change)) {
    tally_.opened(issued->command);
  } else if (const auto* closed = std::get_if<CommandClosed>(&change)) {
    tally_.closed(*view.find(closed->command), closed->end);
  } else if (std::holds_alternative<ServerAdminSet>(change)) {
    second_.reset();  // who has asked for it looks at once
  }
}

void Watch::write(Store::Transaction& transaction, const ClusterView& view, Instant now,
                  Timestamp wall, bool changed, std::size_t looks) {
  changed |= health_.catch_up(view, looks);
  tally_.advance(health_, now);
  for (const CommandKey& key : tally_.take_changed()) {
    transaction.save(key, tally_.commands().at(key));
  }
  const bool due = !second_ || now - *second_ >= (view.log_held() ? kSeldom : kEach);
  if (changed || due) transaction.save(state_of(view, health_, tally_));
  if (due || loads_.in_round()) {
    for (const auto& [server, load] : loads_.changed(view)) transaction.save(server, load);
  }
  if (!due) return;
  second_ = now;
  write_sample(transaction, view, wall);
}

void Watch::write_sample(Store::Transaction& transaction, const ClusterView& view, Timestamp wall) {
  const std::int64_t wall_s = wall.time_since_epoch().count() / 1000;
  const std::int64_t stretch = wall_s - wall_s % kSampleEachS;
  if (stretch == sampled_s_) return;
  sampled_s_ = stretch;
  transaction.save(sample_of(view, health_, tally_, stretch));
}

}  // namespace evenkeel
