#pragma once
#include <algorithm>

#include "common/base/bytes.h"

namespace evenkeel {

/// How many bytes a second copies may move; 0: no limit. Clients' own traffic is not counted.
struct Budgets {
  Bytes server_in{0};
  Bytes server_out{0};
  Bytes rack_in{0};  ///< over the uplink of a rack: from servers in other racks
  Bytes rack_out{0};
  /// Of each of them, what drains, spreading and balancing may use together. The rest is kept for
  /// repair, so that it need not wait for what was begun for less.
  Ratio background{0.75};

  bool any() const { return server_in + server_out + rack_in + rack_out > Bytes(0); }
  friend bool operator==(const Budgets&, const Budgets&) = default;
};

}  // namespace evenkeel
