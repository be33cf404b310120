#pragma once
#include "common/base/bytes.h"

namespace evenkeel::agent {

/// How full a storage is, with what is coming counted in.
struct Space {
  Bytes capacity;   ///< what it may hold in chunks, reserve included
  Bytes reserve;    ///< of that, what must stay free
  Bytes disk_free;  ///< what the file system has left for us now
  Bytes trash;      ///< deleted replicas, removed when the space is needed
  Bytes used;       ///< chunks held
  Bytes in_flight;  ///< full size of the chunks that are being written
  Bytes written;    ///< of those, what is on the disk already

  /// Free now, trash counted as free.
  Bytes free() const;
  /// Whether `size` more bytes may be begun.
  bool admits(Bytes size) const;
  /// How much trash has to go before `size` more bytes, and what is in flight, fit on the disk.
  Bytes trash_to_empty(Bytes size) const;
};

/// The reserve where the settings name none: 5 % of the capacity and at least 1 GiB, but never more
/// than a tenth, or a small disk would be all reserve.
Bytes default_reserve(Bytes capacity);

}  // namespace evenkeel::agent
