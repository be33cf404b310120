#pragma once
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "services/rebalancer/core/cluster_view.h"
#include "services/rebalancer/core/limits.h"

namespace evenkeel {

/// A plan while it is being made: what has been ordered so far, and what servers may still be part
/// of, everything in flight counted in.
class Draft {
 public:
  Draft(const ClusterView& view, const Limits& limits, Instant now);

  const ClusterView& view() const { return view_; }
  const Limits& limits() const { return limits_; }
  Instant now() const { return now_; }

  bool full() const { return commands_ >= limits_.commands_per_turn; }
  bool touched(ChunkSlot chunk) const { return touched_.contains(chunk); }

  std::int64_t projected(ServerSlot server) const { return budgets_[server].projected; }
  /// The most that the server may be filled to.
  std::int64_t room_limit(ServerSlot server) const;
  double use(ServerSlot server) const;  ///< projected, as a share of its capacity
  /// Differences in use below this do not decide where a chunk of `size` goes: one chunk, or what
  /// balancing would leave in peace. The same for all servers, so that comparing is an order.
  double use_step(Bytes size) const;
  bool fits(ServerSlot server, Bytes size) const;
  bool may_copy_in(ServerSlot server, Bytes size) const;
  bool may_copy_out(ServerSlot server, Bytes size) const;
  bool may_check(ServerSlot server) const;
  /// Counts `size` in on a server that a client is going to store it on.
  void book(ServerSlot server, Bytes size);
  int copies_out(ServerSlot server) const { return budgets_[server].copies_out; }

  /// Adds a command about `chunk` with what all commands have in common filled in, and books it.
  void replicate(ChunkSlot chunk, ServerSlot source, ServerSlot target, Reason reason,
                 std::optional<ServerSlot> drop, std::string because);
  void verify(ChunkSlot chunk, ServerSlot holder, VerifyLevel level, std::string because);
  void remove(ChunkSlot chunk, ServerSlot holder, ChunkVersion version, Reason reason,
              std::vector<Holder> evidence, bool retired, std::string because);
  void report(ServerSlot server, std::string because);
  void set_aside(ChunkSlot chunk, std::string why, Duration pause);
  /// What was chosen to go is needed after all.
  void keep_surplus(ChunkSlot chunk);
  void add(Change change) { changes_.push_back(std::move(change)); }

  Changes changes() && { return std::move(changes_); }

 private:
  struct Budget {
    std::int64_t projected = 0;
    std::int64_t arrived = 0;  ///< projected, but for what has not left yet
    int copies_in = 0;
    int copies_out = 0;
    Bytes bytes_in;
    Bytes bytes_out;
    int checks = 0;
  };
  CommandRecord command(ChunkSlot chunk, ServerSlot server, CommandKind kind, Reason reason,
                        std::string because);
  void issue(CommandRecord command, ChunkSlot chunk);

  const ClusterView& view_;
  const Limits& limits_;
  const Instant now_;
  std::vector<Budget> budgets_;  // by server slot
  double mean_capacity_ = 1;
  double mean_use_ = 0;
  std::set<ChunkSlot> touched_;
  CommandId next_;
  int commands_ = 0;
  Changes changes_;
};

}  // namespace evenkeel
