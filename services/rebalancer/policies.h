#pragma once
#include "services/rebalancer/files.h"

namespace evenkeel {

/// What operators ask about policies. Decides; changes nothing itself.
class PolicyRequests {
 public:
  PolicyRequests(const ClusterView& view, Store& store, Parts parts)
      : view_(view), store_(store), parts_(parts) {}

  Outcomes operator()(const SetPolicy& wish) const;
  Outcomes operator()(const RemovePolicy& wish) const;
  Outcomes operator()(const ApplyPolicy& wish) const;

 private:
  Outcomes apply_to_chunk(const Policy& policy, ChunkId chunk) const;
  Outcomes apply_to_file(const Policy& policy, const std::string& name, std::uint64_t first) const;
  bool change(const Policy& policy, ChunkId id, Changes& changes) const;

  const ClusterView& view_;
  Store& store_;
  const Parts parts_;
};

}  // namespace evenkeel
