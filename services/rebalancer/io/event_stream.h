#pragma once
#include <string>

#include "common/reactor/loop.h"
#include "common/reactor/zmq_channel.h"
#include "services/rebalancer/store/store.h"

namespace evenkeel {

/// Publishes the rows of the table `event` as event.<kind>, in order, after the commit that wrote
/// them; logs each as a line too.
class EventStream {
 public:
  EventStream(Loop& loop, zmq::context_t& context, const std::string& cluster,
              const std::string& endpoint, Store& store, EventNumber published);

  /// Publishes up to the event with number `last`.
  void publish_up_to(EventNumber last);

 private:
  const std::string cluster_;
  Store& store_;
  ZmqChannel channel_;
  EventNumber published_;
};

}  // namespace evenkeel
