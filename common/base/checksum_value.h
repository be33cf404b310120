#pragma once
#include "common/base/fixed_bytes.h"

namespace evenkeel {

/// What a chunk's bytes add up to; how it is computed is said in common/checksum/checksum.h.
using Checksum = FixedBytes<struct ChecksumTag, 16>;

}  // namespace evenkeel
