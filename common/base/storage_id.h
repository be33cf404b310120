#pragma once
#include "common/base/fixed_bytes.h"

namespace evenkeel {

/// Names one storage directory for ever: drawn at random when the directory is first used and kept
/// in it, so that a disk that was swapped or wiped is not taken for the one before.
using StorageId = FixedBytes<struct StorageIdTag, 16>;

}  // namespace evenkeel
