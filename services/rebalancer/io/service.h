#pragma once
#include <optional>
#include <vector>

#include "common/reactor/loop.h"
#include "common/reactor/turn.h"
#include "common/reactor/work.h"
#include "services/rebalancer/io/agents_port.h"
#include "services/rebalancer/io/control_port.h"
#include "services/rebalancer/io/event_stream.h"
#include "services/rebalancer/io/keys.h"
#include "services/rebalancer/io/membership_feed.h"
#include "services/rebalancer/io/publisher.h"
#include "services/rebalancer/rebalancer.h"
#include "services/rebalancer/settings.h"

namespace evenkeel {

/// The rebalancer on its sockets: gathers what comes in during a turn of the loop, hands it to
/// Rebalancer in one commit, and tells the world afterwards.
class Service {
 public:
  Service(Loop& loop, zmq::context_t& context, const RebalancerSettings& settings,
          const Clock& clock, Store& store, Rebalancer& rebalancer);
  ~Service();

  std::function<void(Duration)> on_turn;  ///< how long it took, its commit included

 private:
  using Input = std::variant<Event, Asked>;
  void turn(std::vector<Input>&& inputs);
  void look_at_the_time();
  void keep_house();

  const RebalancerSettings& settings_;
  const Clock& clock_;
  Store& store_;
  Rebalancer& rebalancer_;
  const Keys keys_;
  Turn<Input> turn_;
  EventStream events_;
  Publisher publisher_;
  AgentsPort agents_;
  ControlPort control_;
  MembershipFeed membership_;
  Timer time_;
  Timer again_;
  Timer house_;
  Work copying_;
};

}  // namespace evenkeel
