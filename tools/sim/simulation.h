#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "services/rebalancer/core/event.h"
#include "services/rebalancer/core/limits.h"
#include "tools/sim/agents.h"
#include "tools/sim/forecast.h"
#include "tools/sim/scenario.h"
#include "tools/sim/tally.h"
#include "tools/sim/timeline.h"

namespace evenkeel::sim {

struct Options {
  Duration detection{30'000};  ///< from a server's silence until membership calls it dead
  bool now = false;            ///< who is away is known not to come back: no patience, no brake
  Duration longest = std::chrono::hours(24 * 365);  ///< of one step; then it is cut off
};

/// The real core of the rebalancer on a virtual clock, with agents that take the time which rates
/// say. Nothing is stored, nothing waits, and equal arguments give equal forecasts.
class Simulation {
 public:
  /// `view`: as resume() leaves it. What is under way in it goes on.
  Simulation(ClusterView view, const Limits& limits, const Rates& rates, const Options& options);
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  /// Lets the step happen, and runs until nothing moves any more. An error if the step names what
  /// is not there; nothing has happened then.
  Result<Forecast> run(const Step& step);

  const ClusterView& view() const { return view_; }
  const Tally& tally() const { return tally_; }
  const Timeline& timeline() const { return timeline_; }
  Amount under_way() const { return {flights_.size(), in_flight_}; }

 private:
  struct Flight {
    Bytes size;
    Reason reason;
    ServerId source, target;
  };
  /// A step whose names have been found.
  struct Known {
    std::vector<ServerId> lost, drained;
    std::vector<Add> added;
  };

  Result<Known> look_up(const Step& step) const;
  void learn(const Known& known);
  template <class Below>
  void count_missing(const std::set<ChunkSlot>& touched, Below below,
                     const std::function<void()>& happen);
  std::set<ChunkSlot> chunks_of(const std::vector<ServerId>& servers) const;
  void learn_of_loss(const std::vector<ServerId>& lost);
  void learn_of_drain(ServerId id);
  void learn_of_new(const Add& wish);
  void learn_of_member(MemberEventKind kind, const Member& member);

  void run_to_rest(const Known& known);
  std::optional<Instant> next_turn(std::optional<Instant> learning);
  std::optional<Instant> next_when_quiet();
  void turn();
  void look_at_absences();
  void take_in(const Event& event);
  void record(const Changes& changes);
  void note(const Change& change);
  void issued(const CommandRecord& command);
  void closed(const CommandClosed& change);
  void look_at_health();
  CommandAcknowledged acknowledged(const CommandRecord& command, bool done);
  std::optional<ServerId> other_source(CommandId command) const;
  void sum_up();
  std::string why_not_whole(const Chunk& chunk) const;

  Nanos nanos(Instant at) const { return at - start_; }
  Duration since_known() const { return std::max(Duration(0), now_ - zero_); }

  ClusterView view_;
  const Limits limits_;
  const Options options_;
  Tally tally_;
  Agents agents_;
  Timeline timeline_;

  const Instant start_;
  Instant now_, zero_;  // zero_: when it is known what happened
  std::unordered_map<CommandId, Flight> flights_;
  Bytes in_flight_, copied_;
  std::vector<CommandId> answers_;  // commands other than copies, acknowledged with the next turn
  std::unordered_map<ServerId, JournalNumber> journals_;
  std::unordered_map<ChunkId, std::string> why_aside_;
  std::unordered_set<ChunkId> lost_before_;
  std::uint64_t at_risk_ = 0, not_whole_ = 0;
  std::size_t issued_in_turn_ = 0;
  bool more_to_do_ = false;
  Instant house_kept_;
  std::optional<Instant> quiet_since_, quiet_until_;
  Forecast forecast_;
};

}  // namespace evenkeel::sim
