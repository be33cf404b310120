#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "services/rebalancer/core/cluster_view.h"

namespace evenkeel::sim {

/// An amount, in chunks or replicas and in bytes.
struct Amount {
  std::uint64_t count = 0;
  Bytes bytes;
  void add(Bytes size, std::uint64_t times = 1) {
    count += times;
    bytes += size * times;
  }
};

/// Chunks, of which the first few are named.
struct Chunks {
  static constexpr std::size_t kNamed = 8;
  Amount amount;  ///< bytes: of one replica each
  std::vector<ChunkId> some;
  void add(const Chunk& chunk) {
    amount.add(chunk.size);
    if (some.size() < kNamed) some.push_back(chunk.id);
  }
};

/// What a server takes in and gives out, by copies.
struct Traffic {
  Amount in, out;
  Bytes both() const { return in.bytes + out.bytes; }
};

/// What will come of a step. Times count from when it is known what happened: for servers that are
/// lost that is when membership calls them dead.
struct Forecast {
  std::string words;      ///< the step's
  Duration detection{0};  ///< before that, if servers were lost
  Amount missing;  ///< replicas that the step leaves to be made up for: of chunks below their goal
  std::map<Reason, Amount> copied;
  Amount deleted;
  std::map<ServerId, Traffic> traffic;
  std::optional<Duration> first_copy, last_copy;  ///< the first is ordered, the last is done
  std::optional<Duration> safe, whole;      ///< the last chunk was at risk, was below its goal
  Duration rest{0};                         ///< nothing moves any more
  bool cut_off = false;                     ///< it would have gone on for longer than was allowed
  Chunks lost;                              ///< no valid replica is left; those lost before apart
  std::map<std::string, Chunks> not_whole;  ///< below their goal in the end, or on a server that is
                                            ///< drained, by the reason
  std::string held;  ///< what the rebalancer as a whole does not do in the end, and why

  Amount copied_in_all() const {
    Amount all;
    for (const auto& [reason, amount] : copied) {
      all.count += amount.count;
      all.bytes += amount.bytes;
    }
    return all;
  }
  /// The server that moves the most bytes.
  std::optional<ServerId> hottest() const {
    std::optional<ServerId> found;
    for (const auto& [id, each] : traffic) {
      if (!found || each.both() > traffic.at(*found).both()) found = id;
    }
    return found;
  }
};

}  // namespace evenkeel::sim
