#pragma once
#include "services/rebalancer/files.h"

namespace evenkeel {

/// What is asked, by whom: done at once, or left for a second person where the settings want two.
/// What one has proposed and another one approves is worked out anew, and done with the approval in
/// one transaction or not at all. Decides; changes nothing itself.
class Approvals {
 public:
  Approvals(const ClusterView& view, Store& store, const Limits& limits, Instant now)
      : view_(view), store_(store), limits_(limits), now_(now) {}

  /// `who`: the operator, as is proven; empty: anybody.
  Outcomes answer(const Request& request, const std::string& who) const;
  /// Closes what nobody has decided about in time.
  Changes expired() const;

 private:
  /// Not for what changes nothing: it is only asked, impossible, refused, or so already.
  bool wants_two(const Request& request, const Changes& changes) const;
  Outcomes propose(const Request& request, const Outcomes& outcomes, const std::string& who) const;
  Outcomes approve(const ApproveProposal& wish, const std::string& who) const;
  Outcomes reject(ProposalId id, const std::string& who) const;
  std::string meant_by(const Request& request) const;
  Outcomes all_of(const Request& request) const;

  const ClusterView& view_;
  Store& store_;
  const Limits& limits_;
  const Instant now_;
};

}  // namespace evenkeel
