#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "services/rebalancer/core/draft.h"

namespace evenkeel {

/// Why a server cannot take a replica of a chunk. Shown as it is by operators' tools.
enum class Refusal {
  kNotAlive,
  kNotReported,
  kNotInService,
  kHoldsReplica,
  kSameHost,
  kSameRack,
  kSameZone,
  kLabels,  ///< the policy's rule on labels
  kTooFull,
  kBusy
};
const char* to_string(Refusal refusal);

/// The parts of a location: "zone1/rack3/host7" has the host "zone1/rack3/host7", the rack
/// "zone1/rack3" and the zone "zone1". Where a level is missing, the one below stands for it.
std::string_view rack_of(std::string_view location);
std::string_view zone_of(std::string_view location);

/// The domains that the replicas of a chunk are in or coming to; each as often as it is used.
struct Spread {
  SmallList<Place, 6> places;

  bool has(SpreadLevel level, std::uint32_t domain) const {
    for (const Place& place : places) {
      if (place.at(level) == domain) return true;
    }
    return false;
  }
};
/// Who holds it or will, of those that stay. That on `leaving` left out.
using Holding = SmallList<ServerSlot, 6>;
Holding holding(const Draft& draft, const Chunk& chunk,
                std::optional<ServerSlot> leaving = std::nullopt);
/// Their domains.
Spread spread_of(const Draft& draft, const Chunk& chunk,
                 std::optional<ServerSlot> leaving = std::nullopt);

/// The rules, cheapest first: nothing that merely passes by itself. A server that passes them may
/// hold a replica of `chunk`; whether it may be given one now is a matter of budget. The replica on
/// `leaving`, if any, counts as gone.
std::optional<Refusal> refusal(const Draft& draft, const Chunk& chunk, ServerSlot candidate,
                               std::optional<ServerSlot> leaving = std::nullopt);
/// The same, for whoever has the chunk's spread at hand.
std::optional<Refusal> refusal(const Draft& draft, const Chunk& chunk, ServerSlot candidate,
                               const Spread& others);

struct Choice {
  std::optional<ServerSlot> server;
  bool only_busy = false;  ///< none, but only because those that could take it have enough to do
  Losers losers;           ///< emptier ones that refused, and the second best
};

/// Picks where a new replica of `chunk` goes. Rules first; then, where a scatter width is set, a
/// server that shares a copyset with the other holders, if the rules leave one; then the spread
/// over racks and zones, which is worth waiting for: if only busy servers have it, none is chosen.
/// Among equals those with the labels that the policy prefers, then the least filled, differences
/// of a chunk or less aside, then the nearest to `near`. The replica on `leaving` counts as gone.
Choice choose_target(const Draft& draft, const Chunk& chunk,
                     std::optional<ServerSlot> near = std::nullopt,
                     const std::vector<ServerId>& avoid = {},
                     std::optional<ServerSlot> leaving = std::nullopt);

/// Picks the replica to copy from: valid, on a live server that has reported, not busy; the one
/// with the fewest bytes in flight, then the nearest to `near`.
std::optional<ServerSlot> choose_source(const Draft& draft, const Chunk& chunk,
                                        std::optional<ServerSlot> near = std::nullopt);

/// Whether any replica can be copied from at all.
bool any_source(const ClusterView& view, const Chunk& chunk);

/// Why the first `at_most` servers, by id, cannot take a replica; those that can are left out.
std::map<ServerId, Refusal> refusals(const Draft& draft, const Chunk& chunk,
                                     std::size_t at_most = SIZE_MAX);
/// All that a server has against a replica, and not only the first; nothing: it may take one now.
std::vector<Refusal> all_refusals(const Draft& draft, const Chunk& chunk, ServerSlot candidate,
                                  const Spread& others);
/// "s3: too full, s4: same host", at most five of them; for people.
std::string in_words(const std::map<ServerId, Refusal>& refused);

}  // namespace evenkeel
