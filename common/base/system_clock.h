#pragma once
#include "common/base/time.h"

namespace evenkeel {

/// The machine's own time. now() goes on while the machine sleeps (CLOCK_BOOTTIME): a server that
/// was suspended for an hour must see that its deadlines have passed.
class SystemClock final : public Clock {
 public:
  Instant now() const override;
  Timestamp wall_now() const override;
};

}  // namespace evenkeel
