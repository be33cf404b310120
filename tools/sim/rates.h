#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/time.h"
#include "common/model/ids.h"
#include "common/sqlite/database.h"

namespace evenkeel::sim {

/// How fast the simulated agents are. A rate of 0 is no limit.
///
/// The defaults are those of one hard disk for each server and ten gigabits a second for each
/// machine; the cost of a copy is what our own agent takes for its rounds, syncs and renames, and
/// so many copies at once are its `copies_in`.
struct Rates {
  Bytes disk{100ull << 20};          ///< a second, of one server: what it reads and writes together
  Bytes network{1ull << 30};         ///< a second, of one machine, in and out each
  Duration copy_cost{50};            ///< what a copy takes beside its bytes
  int copies_at_once = 8;            ///< to one server; others wait for their turn
  std::string rest_on = "defaults";  ///< what they are known by, in words
};

/// A copy that was done: the evidence for rates.
struct DoneCopy {
  ServerId target;
  std::string machine;  ///< of the target
  Bytes size;
  std::int64_t issued_ms, closed_ms;
};

/// The newest copies in the database that were done, `limit` at most, by the time of their issue.
std::vector<DoneCopy> done_copies(const sqlite::Database& db, std::int64_t limit);

/// Where a server is, as far as it shares its network: the host of its address, which is alike for
/// all disks of one machine. What has no address is a machine of its own.
std::string machine_of(ServerId server, const std::string& address);

/// The rates at which copies have been made; none if there are too few to tell. Between the first
/// copy under way to a machine and the last, that machine is busy: the rates are those with which
/// the model of Agents comes nearest to all such times. One limit is found, whether it is that of
/// the disks or of the network.
std::optional<Rates> measured(const std::vector<DoneCopy>& copies, int copies_at_once);

}  // namespace evenkeel::sim
