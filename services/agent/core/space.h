#pragma once
#include <optional>

#include "common/base/bytes.h"
#include "common/base/time.h"

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

/// What the file system had left when it was last asked, less what was written since: to ask it for
/// each of many small chunks takes longer than to count.
class FreeLately {
 public:
  bool is_old(Instant now) const { return !asked_ || now - *asked_ >= kLately; }
  void asked(Bytes free, Instant now);
  void wrote(Bytes bytes) { written_since_ += bytes; }
  Bytes free() const;

 private:
  static constexpr Duration kLately{50};
  std::optional<Instant> asked_;
  Bytes free_, written_since_;
};

/// The reserve where the settings name none: 5 % of the capacity and at least 1 GiB, but never more
/// than a tenth, or a small disk would be all reserve.
Bytes default_reserve(Bytes capacity);

}  // namespace evenkeel::agent
