#pragma once
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
  kTooFull,
  kBusy
};
const char* to_string(Refusal refusal);

/// The parts of a location: "zone1/rack3/host7" has the host "zone1/rack3/host7", the rack
/// "zone1/rack3" and the zone "zone1". Where a level is missing, the one below stands for it.
std::string_view rack_of(std::string_view location);
std::string_view zone_of(std::string_view location);
/// How many levels two locations share from the top: 0 nothing, 1 the zone, 2 the rack, ...
int shared_levels(std::string_view a, std::string_view b);

/// The rules, cheapest first: nothing that merely passes by itself. A server that passes them may
/// hold a replica of `chunk`; whether it may be given one now is a matter of budget. The replica on
/// `leaving`, if any, counts as gone.
std::optional<Refusal> refusal(const Draft& draft, const Chunk& chunk, ServerSlot candidate,
                               std::optional<ServerSlot> leaving = std::nullopt);
/// The same, for whoever has the chunk's spread at hand.
struct Spread;
std::optional<Refusal> refusal(const Draft& draft, const Chunk& chunk, ServerSlot candidate,
                               const Spread& others);

struct Choice {
  std::optional<ServerSlot> server;
  std::map<ServerId, Refusal> refused;  ///< every server that was not taken for a reason
};

/// Picks where a new replica of `chunk` goes. Rules first; then the spread over racks and zones,
/// which is worth waiting for: if only busy servers have it, none is chosen. Among equals the least
/// filled, differences of a chunk or less aside, then the nearest to `near`, then the lowest id.
Choice choose_target(const Draft& draft, const Chunk& chunk,
                     std::optional<ServerSlot> near = std::nullopt,
                     const std::vector<ServerId>& avoid = {});

/// Picks the replica to copy from: valid, on a live server that has reported, not busy; the one
/// with the fewest copies in flight, then the nearest to `near`.
std::optional<ServerSlot> choose_source(const Draft& draft, const Chunk& chunk,
                                        std::optional<ServerSlot> near = std::nullopt);

/// "s3: too full, s4: same host", at most five of them; for people.
std::string in_words(const std::map<ServerId, Refusal>& refused);

/// The domains that `chunk` is on or coming to, that on `leaving` left out.
struct Spread {
  std::vector<std::string_view> hosts, racks, zones;
};
Spread spread_of(const Draft& draft, const Chunk& chunk,
                 std::optional<ServerSlot> leaving = std::nullopt);

}  // namespace evenkeel
