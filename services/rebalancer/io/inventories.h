#pragma once
#include <deque>
#include <functional>
#include <map>
#include <optional>

#include "common/model/report.h"
#include "services/rebalancer/core/event.h"

namespace evenkeel {

/// Puts inventories together from their parts, and cuts what is complete into stretches that can
/// each be taken in within one short transaction.
class Inventories {
 public:
  /// Takes a part whose header was found acceptable. `asked`: when the full inventory of that
  /// server was asked for. Rows beyond the bound are refused: false.
  bool add(Inventory part, Instant asked);

  /// The next stretch, if there is one.
  std::optional<InventoryRead> next();
  bool waiting() const { return !stretches_.empty(); }

 private:
  struct Partial {
    std::map<std::uint64_t, Inventory> received;
  };
  void cut(Partial& whole, Instant asked);

  std::map<ServerId, Partial> partial_;
  std::deque<InventoryRead> stretches_;
};

}  // namespace evenkeel
