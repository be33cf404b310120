#pragma once
#include "common/base/result.h"
#include "services/rebalancer/core/certificate.h"
#include "services/rebalancer/files.h"

namespace evenkeel {

/// Answers what operators ask for: servers drained, forgotten or in maintenance, passes paused,
/// copies cancelled, goals changed. Decides; changes nothing itself.
class Operators {
 public:
  Operators(const ClusterView& view, Store& store, const Limits& limits, Instant now,
            Parts parts = Parts::kBounded)
      : view_(view), store_(store), limits_(limits), now_(now), parts_(parts) {}

  Outcomes operator()(const DrainServer& wish) const;
  Outcomes operator()(const UndrainServer& wish) const;
  Outcomes operator()(const MaintainServer& wish) const;
  Outcomes operator()(const PausePass& wish) const;
  Outcomes operator()(const CancelCommand& wish) const;
  Outcomes operator()(const SetGoal& wish) const;

 private:
  Forecast estimate(const Proposal& proposal) const;
  Outcomes of_server(ServerId server, Result<Changes> changes, const Intent& intent,
                     const Proposal& proposal) const;
  Outcomes of_chunks(const SetGoal& wish, const std::vector<ChunkId>& chunks, GoalSet answer,
                     Changes first) const;

  const ClusterView& view_;
  Store& store_;
  const Limits& limits_;
  const Instant now_;
  const Parts parts_;
};

}  // namespace evenkeel
