#pragma once
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "services/rebalancer/core/cluster_view.h"

namespace evenkeel {

/// What is told of what a server carries.
struct ServerLoad {
  struct Left {  ///< what rests on a server that leaves
    std::uint64_t chunks = 0;
    Bytes bytes;
    friend bool operator==(const Left&, const Left&) = default;
  };
  std::uint64_t replicas = 0;
  Bytes used, incoming, outgoing;
  int copies_in = 0, copies_out = 0;
  std::optional<Left> left;

  friend bool operator==(const ServerLoad&, const ServerLoad&) = default;
};

/// Remembers what was told of each server, so that only what has changed is told again; and counts
/// what rests on those that leave, bit by bit, as each of their chunks has to be looked at for it.
class Loads {
 public:
  static constexpr std::size_t kLooks = 50'000;  ///< at chunks, for one round
  static constexpr std::size_t kServers = 500;   ///< told of at once: ten thousand are a long turn

  /// Goes on with the round that is under way, or begins another look at all servers.
  std::vector<std::pair<ServerId, ServerLoad>> changed(const ClusterView& view);
  bool in_round() const { return in_round_; }  ///< there are servers that were not looked at yet

 private:
  void begin_round(const ClusterView& view);
  void count_what_is_left(const ClusterView& view);
  std::optional<ServerSlot> next_leaving(const ClusterView& view) const;

  ServerSlot next_ = 0;  // to look at, in this round
  bool in_round_ = false;
  std::vector<std::optional<ServerLoad>> told_;        // by server slot
  std::vector<std::optional<ServerLoad::Left>> left_;  // by server slot
  std::optional<ServerSlot> looking_;                  // who is being counted
  std::size_t cell_ = 0;                               // how far, in the server's set of chunks
  ServerLoad::Left so_far_;
  ServerSlot last_ = 0;  // who was counted last
};

}  // namespace evenkeel
