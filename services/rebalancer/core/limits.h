#pragma once
#include "common/base/bytes.h"
#include "common/base/time.h"
#include "common/model/approval.h"
#include "services/rebalancer/core/budgets.h"

namespace evenkeel {

using namespace std::chrono_literals;

/// What bounds a plan. The defaults are the product's.
struct Limits {
  int default_goal = 3;
  Bytes chunk_size{64ull << 20};  ///< files that are put are split into chunks of this size

  /// A reader that does not end keeps the database's log from being begun anew. When it has grown
  /// to this, as little as possible is written.
  Bytes log_limit{1ull << 30};

  int commands_per_turn = 256;  ///< keeps a turn to some 20 ms
  int examined_per_turn = 8192;
  std::size_t looks_per_turn = 400'000;  ///< at servers for one chunk or other; about 10 ms
  std::size_t sorted_per_turn = 8'192;   ///< chunks of servers that are lost or back; about 8 ms

  int copies_in = 1024;   ///< in flight to one server; the agent itself runs fewer at a time
  int copies_out = 1024;  ///< in flight from one server
  Bytes bytes_in{512ull << 20};
  Bytes bytes_out{512ull << 20};
  int checks = 256;    ///< verifies and deletes in flight on one server
  Bytes copy_rate{0};  ///< a second and copy; 0: no limit
  Budgets budgets;
  /// Copies are to be acknowledged within it. Where they take longer, a server is given less at a
  /// time, down to a sixteenth of bytes_in; where they take half of it, more, up to four times.
  Duration copy_pace = 5s;
  Ratio fill_limit{0.925};  ///< HDFS and Ceph stop between 0.90 and 0.95
  /// Two-sided band around its share within which a server is left in peace, as a part of it.
  Ratio dead_band{0.0025};

  Duration copy_allowed = 10min;
  Duration verify_allowed = 5min;
  Duration presence_fresh = 10min;
  Duration content_fresh = 336h;
  Duration retire_after = 72h;  ///< GFS waits three days before it collects garbage
  Duration put_allowed = 1h;    ///< after it an unfinished put is given up
  Duration aside = 5s;
  Duration full_for = 30s;  ///< how long a server that said "full" is not asked again

  Ratio safe_mode_share{0.999};  ///< of the live servers must have reported (HDFS: 0.999)
  Duration safe_mode_time = 30s;

  bool prefer_spread = true;  ///< racks and zones of their own, where the policy does not demand it
  /// How many others a server shares chunks with, at the least; 0: any. See Copysets.
  int scatter_width = 0;
  bool note_losers = true;  ///< with each decision, who else there was
  bool prefer_near = true;  ///< of targets that are used alike, the nearest to the source
  /// Larger chunks first among those that are at equal risk: makes servers more even in the end,
  /// for the price of sorting all of them.
  bool largest_first = false;

  /// How long a server that is away is awaited before what it holds is made up for, where a chunk
  /// keeps two valid replicas in two failure domains meanwhile.
  Duration patience_planned_stop = 15min;  ///< it said that it goes: a restart, an upgrade
  Duration patience_server = 10min;        ///< a reboot; HDFS waits 10.5 minutes, Ceph 10
  Duration patience_rack = 30min;          ///< a switch, a fuse: somebody has to go there
  Duration patience_report = 1min;         ///< it is back, and has to say what it holds
  /// The brake holds when more servers than this share, and so many at least, go within the window;
  /// or a zone, where there are others.
  Ratio brake_share{0.05};
  int brake_servers = 3;
  Duration brake_window = 5min;

  Operations two_people;           ///< what one asks for and another one has to approve
  Duration approval_expires = 1h;  ///< what is proposed is approved by then or not at all
};

/// Of one copy, for its agent to keep: what is asked for it, and no more than a server's budget.
inline Bytes rate_of_copy(const Limits& limits) {
  Bytes rate = limits.copy_rate;
  for (const Bytes budget : {limits.budgets.server_in, limits.budgets.server_out}) {
    if (budget > Bytes(0) && (rate == Bytes(0) || budget < rate)) rate = budget;
  }
  return rate;
}

}  // namespace evenkeel
