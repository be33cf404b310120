#pragma once
#include "services/rebalancer/core/loads.h"
#include "services/rebalancer/core/tally.h"
#include "services/rebalancer/store/store.h"

namespace evenkeel {

/// Keeps what operators watch in the database, in the same transactions that make it so. How the
/// cluster is and what became of commands is exact as of the last commit; what each server carries
/// is a second old, where there are thousands of servers some turns more.
class Watch {
 public:
  Watch(Store& store, const ClusterView& view, Instant now);

  /// Before and after it is applied to the view.
  void before(const Change& change, const ClusterView& view);
  void after(const Change& change, const ClusterView& view) { health_.after(change, view); }
  /// Towards the end of a transaction. `changed`: whether anything has, in it. At most `looks`
  /// chunks are looked at, of those whose servers have come or gone.
  void write(Store::Transaction& transaction, const ClusterView& view, Instant now, Timestamp wall,
             bool changed, std::size_t looks);

  /// Whether there is more to look at than one transaction was allowed.
  bool behind() const { return health_.behind() > 0 || loads_.in_round(); }
  const Tally& tally() const { return tally_; }
  const HealthBook& health() const { return health_; }

 private:
  void write_sample(Store::Transaction& transaction, const ClusterView& view, Timestamp wall);

  HealthBook health_;
  Tally tally_;
  Loads loads_;
  std::optional<Instant> second_;  // when what is written each second was written
  std::int64_t sampled_s_ = 0;
};

}  // namespace evenkeel
