#pragma once
#include "common/model/control.h"
#include "services/rebalancer/core/change.h"
#include "services/rebalancer/core/limits.h"
#include "services/rebalancer/store/store.h"

namespace evenkeel {

/// What a request leads to: changes to be made, and the answer once they are. Tokens and
/// epochs of answers are left empty; whoever sends the answer signs it.
struct Outcomes {
  Changes changes;
  Answer answer = Deleted{};
};

/// Requests about files of many chunks are answered in parts, so that no commit takes long; or at
/// once, where all or nothing is to be done.
enum class Parts { kBounded, kAllAtOnce };

/// What clients and operators ask, whoever they are. Decides; changes nothing itself.
Outcomes answer_request(const ClusterView& view, Store& store, const Limits& limits, Instant now,
                        const Request& request, Parts parts = Parts::kBounded);

/// What takes a file that was never completed out of the way.
Changes remove_file(const ClusterView& view, Store& store, const Limits& limits, Instant now,
                    FileId file);

}  // namespace evenkeel
