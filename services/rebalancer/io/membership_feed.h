#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/reactor/loop.h"
#include "common/reactor/zmq_channel.h"
#include "common/wire/codec.h"
#include "services/rebalancer/core/event.h"
#include "services/rebalancer/io/rejects.h"

namespace evenkeel {

/// Hears a membership publisher, ours or another. Passes its events on in order and without gaps;
/// whenever it cannot be sure of that (a gap, another stream, silence, the start) it says so and
/// asks for the snapshot, again and again until it comes.
class MembershipFeed {
 public:
  struct Settings {
    std::string cluster;
    std::string events;                          ///< endpoint of the publisher
    std::string requests;                        ///< endpoint for snapshots
    Duration silence = std::chrono::seconds(3);  ///< three beacons missed
    Duration ask_every = std::chrono::milliseconds(500);
    Duration refresh_every = std::chrono::seconds(30);  ///< a snapshot though nothing is amiss
  };

  MembershipFeed(Loop& loop, zmq::context_t& context, const Settings& settings, const Clock& clock,
                 std::function<void(Event)> on_event);

 private:
  struct Snapshot {
    std::uint64_t request = 0;
    std::uint64_t parts = 0;
    std::map<std::uint64_t, MemberSnapshot> received;
  };

  void on_published(Frames&& frames);
  void on_answer(Frames&& frames);
  void take(const MemberEvent& event);
  void unsure(const std::string& why);
  void ask();
  void complete();
  void tick();

  const Settings settings_;
  const Clock& clock_;
  std::function<void(Event)> on_event_;
  Rejects rejects_;
  ZmqChannel events_;
  ZmqChannel requests_;
  Timer timer_;

  bool in_step_ = false;
  std::optional<StorageId> stream_;
  EventNumber number_{0};
  std::vector<MemberEvent> early_;  ///< came while the snapshot was under way
  Snapshot snapshot_;
  std::uint64_t last_request_ = 0;
  Instant heard_;
  Instant asked_;
  Instant refreshed_;
};

}  // namespace evenkeel
