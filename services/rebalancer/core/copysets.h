#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "services/rebalancer/core/chunk.h"
#include "services/rebalancer/core/place.h"

namespace evenkeel {

/// Which servers hold chunks together, so that few sets of servers do (Cidon et al., "Copysets",
/// USENIX ATC 2013). With replicas anywhere, nearly every set of three servers of a large cluster
/// holds some chunk, and any three that fail at once lose data. With few sets they hardly ever
/// do; when they do, more is lost at once, and a failed server is made up for by fewer others.
///
/// Sets are cut from orders of all servers that are drawn by their ids, as many orders as the
/// scatter width asks for: (goal - 1) more servers that a server shares chunks with for each order.
/// A set has a rack for each of its servers where there are that many, or a host for each.
class Copysets {
 public:
  struct Member {
    ServerSlot server;
    std::uint64_t id;
    Place place;
  };
  Copysets(std::span<const Member> members, int goal, int scatter_width);

  std::size_t count() const { return sets_.size(); }
  /// Whether some set has all of them.
  bool together(std::span<const ServerSlot> servers) const;
  /// The others of the sets that have all of `holders`; in no order.
  std::vector<ServerSlot> beside(std::span<const ServerSlot> holders) const;

 private:
  using Set = std::vector<ServerSlot>;
  void cut(std::vector<Member> order, std::size_t goal, bool by_rack);
  bool has_all(const Set& set, std::span<const ServerSlot> servers) const;
  std::span<const std::uint32_t> sets_of(ServerSlot server) const;

  std::vector<Set> sets_;
  std::vector<std::vector<std::uint32_t>> of_;  // by server slot: places in sets_
};

}  // namespace evenkeel
