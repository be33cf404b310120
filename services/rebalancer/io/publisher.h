#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/reactor/loop.h"
#include "common/reactor/zmq_channel.h"
#include "common/wire/codec.h"
#include "services/rebalancer/core/cluster_view.h"
#include "services/rebalancer/core/limits.h"
#include "services/rebalancer/io/keys.h"
#include "services/rebalancer/io/rejects.h"
#include "services/rebalancer/rebalancer.h"

namespace evenkeel {

/// Outbox to agents. What a commit has issued is published at once; what stays open is published
/// again with growing pauses, and at once when a subscription of its server arrives. A publication
/// is only ever a hint: the beacon tells agents what they should have, and they pull.
class Publisher {
 public:
  struct Settings {
    std::string cluster;
    std::string endpoint;
    Duration beacon_every = std::chrono::seconds(1);
    Duration again_first = std::chrono::seconds(2);
    Duration again_max = std::chrono::seconds(30);
  };

  Publisher(Loop& loop, zmq::context_t& context, const Settings& settings, const Limits& limits,
            const ClusterView& view, const Keys& keys, const Clock& clock);

  void committed(const Committed& committed);

  /// The open commands of `server` with ids above `after`, oldest first: the answer to a pull.
  Commands open_commands(ServerId server, std::optional<CommandId> after);

 private:
  struct Again {
    Instant at;
    Duration pause;
  };

  void on_subscription(Frames&& frames);
  void publish(ServerId server, const std::vector<CommandId>& commands);
  void withdraw(const Committed& committed);
  void send(const Withdraw& withdraw);
  void send(const Commands& commands);
  void beacons();
  void repeat();
  Command message_of(const CommandRecord& record) const;
  std::vector<Source> sources_of(const CommandRecord& record) const;

  const Settings settings_;
  const Limits& limits_;
  const ClusterView& view_;
  const Keys& keys_;
  const Clock& clock_;
  Rejects rejects_;
  ZmqChannel channel_;
  Timer beacon_;
  Timer repeat_;
  std::map<ServerId, std::set<CommandId>> open_;  ///< the outbox, by server
  std::map<ServerId, CommandId> last_;            ///< the last command issued to each
  std::map<CommandId, Again> again_;
  std::deque<std::pair<Instant, Withdraw>> withdrawn_;  ///< to be said once more, then forgotten
};

}  // namespace evenkeel
