#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "services/rebalancer/core/cluster_view.h"
#include "services/rebalancer/core/limits.h"
#include "services/rebalancer/core/server_heap.h"

namespace evenkeel {

/// A copy that was decided on, in few bytes: plans may hold hundreds of thousands of them.
struct Copy {
  ChunkSlot chunk;
  ServerSlot source;
  ServerSlot target;
  ServerSlot drop;  ///< of a move: the replica that is surplus afterwards; or kNoServer
  Reason reason;
  std::uint8_t valid;  ///< replicas, when it was decided
  float target_use;    ///< as a share of its capacity, before
  float drop_use;
};

enum class Refusal;
/// A server that was looked at and not chosen: for what it refuses or, if nothing, because there
/// was a better one.
struct Loser {
  ServerSlot server = kNoServer;
  std::optional<Refusal> refusal;
  float use = 0;  ///< as a share of its capacity, before
};
/// The best few of them.
class Losers {
 public:
  bool full() const { return size_ == kMax; }
  void add(const Loser& loser) {
    if (!full()) all_[size_++] = loser;
  }
  const Loser* begin() const { return all_.data(); }
  const Loser* end() const { return all_.data() + size_; }

 private:
  static constexpr std::size_t kMax = 3;
  std::array<Loser, kMax> all_{};
  std::size_t size_ = 0;
};

/// A plan while it is being made: what has been ordered so far, and what servers may still be part
/// of, everything in flight counted in.
class Draft {
 public:
  Draft(const ClusterView& view, const Limits& limits, Instant now);

  const ClusterView& view() const { return view_; }
  const Limits& limits() const { return limits_; }
  Instant now() const { return now_; }

  /// What is decided from now on is this urgent; it tells which budgets it has to keep.
  void set_urgency(Urgency urgency) { urgency_ = urgency; }

  int commands() const { return commands_; }  ///< so far
  bool full() const { return commands_ >= limits_.commands_per_turn; }
  bool touched(ChunkSlot chunk) const { return touched_.contains(chunk); }
  /// Something was left for a later plan only because this one has touched its chunk already.
  bool left_over() const { return left_over_; }
  void leave_over() { left_over_ = true; }
  /// Nothing is to be decided about it in this plan.
  void exclude(ChunkSlot chunk) {
    if (!excluded_.contains(chunk)) excluded_.insert(chunk);
  }
  bool excluded(ChunkSlot chunk) const { return excluded_.contains(chunk); }

  std::int64_t projected(ServerSlot server) const { return budget(server).projected; }
  /// The most that the server may be filled to.
  std::int64_t room_limit(ServerSlot server) const;
  double use(ServerSlot server) const;  ///< projected, as a share of its capacity
  double capacity(ServerSlot server) const { return budget(server).capacity; }
  /// Calls with each server that may take replicas.
  template <class Look>
  void each_target(Look look) const {
    for (ServerSlot slot = 0; slot < view_.server_slots(); ++slot) {
      if (budget(slot).target) look(slot);
    }
  }
  /// Differences in use below this do not decide where a chunk of `size` goes: one chunk, or what
  /// balancing would leave in peace. The same for all servers, so that comparing is an order.
  double use_step(Bytes size) const;
  bool fits(ServerSlot server, Bytes size) const;
  bool may_copy_in(ServerSlot server, Bytes size) const;
  bool may_copy_out(ServerSlot server, Bytes size) const;
  /// Whether a copy may be made over the uplinks of their racks, where they have different ones.
  bool may_cross(ServerSlot source, ServerSlot target) const;
  bool may_check(ServerSlot server) const;
  /// Counts `size` in on a server that a client is going to store it on.
  void book(ServerSlot server, Bytes size);
  int copies_out(ServerSlot server) const { return budget(server).copies_out; }
  Bytes bytes_out(ServerSlot server) const { return budget(server).bytes_out; }

  /// No server is to take more than `bytes` in this plan, or three chunks, while another can.
  void set_share(Bytes bytes) { share_ = bytes; }
  bool within_share(ServerSlot server, Bytes size) const {
    return !share_ || budget(server).planned_in + size <= std::max(*share_, size * 3);
  }
  bool has_share() const { return share_.has_value(); }
  /// The share is that of parallel work, which evenness does not come before.
  bool within_least_share(ServerSlot server, Bytes size) const {
    return share_ != Bytes(0) || within_share(server, size);
  }

  /// Servers that may take replicas, the least used first.
  const ServerHeap& by_use() const;
  /// Zones with a server that may take replicas.
  std::size_t target_zones() const;
  /// How often this plan may still look at a server for one chunk. It bounds a plan in which
  /// nothing fits: the rest is for the next one.
  bool may_look(std::size_t servers) const { return looks_left_ >= servers; }
  void looked(std::size_t servers) const;

  /// Adds a command about `chunk` with what all commands have in common filled in, and books it.
  void replicate(ChunkSlot chunk, ServerSlot source, ServerSlot target, Reason reason,
                 std::optional<ServerSlot> drop = std::nullopt, int valid = 0);
  /// Who might have taken the last copy.
  void instead_of(const Losers& losers);
  void verify(ChunkSlot chunk, ServerSlot holder, VerifyLevel level, std::string because);
  void remove(ChunkSlot chunk, ServerSlot holder, ChunkVersion version, Reason reason,
              std::vector<Holder> evidence, bool retired, std::string because);
  void report(ServerSlot server, std::string because);
  /// Of one that has reported: it is wanted again, if this one does not come, from `next` on.
  void report_again(ServerSlot server, bool ask, Instant next);
  void set_aside(ChunkSlot chunk, std::string why, Duration pause);
  /// What was chosen to go is needed after all.
  void keep_surplus(ChunkSlot chunk);
  void keep_surplus(ChunkSlot chunk, ServerSlot holder);
  void add(Change change) { changes_.push_back(std::move(change)); }

  const std::vector<Copy>& copies() const { return copies_; }
  /// Sends a copy to another server instead.
  void retarget(std::size_t copy, ServerSlot target);
  /// All of it, copies first but for those for evenness, with command ids given out in this order.
  Changes changes() &&;

 private:
  void ask_for_report(ServerSlot server, std::string because);

  struct Budget {
    std::int64_t projected = 0;
    std::int64_t arrived = 0;  ///< projected, but for what has not left yet
    std::int64_t limit = 0;    ///< of arrived
    double capacity = 0;
    int copies_in = 0;
    int copies_out = 0;
    int most_in = 0;  ///< copies
    Bytes window;     ///< of bytes_in
    Bytes bytes_in;
    Bytes bytes_out;
    Bytes planned_in;  ///< by this plan
    int checks = 0;
    bool target = false;  ///< may take replicas
  };
  const Metering& metering() const { return metering_ ? *metering_ : view_.metering(); }
  const Budget& budget(ServerSlot server) const { return budgets()[server]; }
  Budget& budget(ServerSlot server) { return budgets()[server]; }
  std::vector<Budget>& budgets() const;
  void draw_up_budgets() const;
  void meter(const Copy& copy, ServerSlot target);
  void on_projected(ServerSlot server, std::int64_t more);
  std::string because(const Copy& copy) const;
  CommandRecord command(ChunkSlot chunk, ServerSlot server, CommandKind kind, Reason reason,
                        std::string because) const;
  CommandRecord command(const Copy& copy) const;
  std::string candidates(const Losers& losers, ServerSlot chosen) const;
  void count_out(ChunkSlot chunk, ServerSlot holder);
  void issue(CommandRecord command, ChunkSlot chunk);

  const ClusterView& view_;
  const Limits& limits_;
  const Instant now_;
  const bool metered_;  // there are budgets
  // Made when first asked for: most turns have nothing to plan.
  mutable std::vector<Budget> budgets_;  // by server slot
  mutable ServerHeap by_use_;
  mutable bool by_use_made_ = false;
  mutable std::size_t target_zones_ = 0;
  mutable double mean_capacity_ = 1;
  mutable double mean_use_ = 0;
  mutable std::size_t looks_left_;
  SlotSet touched_{UINT64_MAX}, excluded_{UINT64_MAX - 1};
  std::optional<Bytes> share_;
  Urgency urgency_ = Urgency::kRepair;
  std::optional<Metering> metering_;  // the view's, and what this plan adds; once it has added
  bool left_over_ = false;
  int commands_ = 0;
  std::vector<Copy> copies_;
  std::vector<std::pair<std::size_t, Losers>> losers_;  // by place in copies_, ascending
  Changes changes_;
};

}  // namespace evenkeel
