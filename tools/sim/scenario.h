#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "services/rebalancer/core/cluster_view.h"

namespace evenkeel::sim {

/// Servers, by what they are called or by where they are.
struct Place {
  enum class Kind { kServer, kHost, kRack, kZone };
  Kind kind = Kind::kServer;
  std::string name;  ///< "s3", or a location or the last part of it: "zone1/rack3", "rack3"
};

/// What is tried out.
struct Lose {
  Place place;
};
struct Drain {
  Place place;
};
struct Add {
  int servers = 1;
  std::optional<Bytes> capacity;  ///< none: the mean of those that are there
  std::string rack;               ///< empty: those that are there, in turn
};
using Act = std::variant<Lose, Drain, Add>;

/// Acts of the same moment. One step begins when the cluster has come to rest after the one before.
struct Step {
  std::string words;  ///< as they were given
  std::vector<Act> acts;
};

/// "lose server s3", "lose s3 and s4", "lose rack zone1/rack3", "drain s7", "add 10 servers",
/// "add 2 servers of 4TiB in zone1/rack9", and several of these with "and" or a comma between.
/// The error says what was not understood.
Result<Step> parse_step(std::string_view words);

/// The servers of that place, in order; an error if there are none, or it could be several places.
/// Those that were removed are none.
Result<std::vector<ServerId>> servers_at(const ClusterView& view, const Place& place);

}  // namespace evenkeel::sim
