#pragma once
#include <functional>
#include <string>

#include "services/agent/io/data_port.h"
#include "services/agent/io/membership_link.h"
#include "services/agent/io/rebalancer_link.h"
#include "services/agent/io/scrubber.h"
#include "services/agent/io/watcher.h"

namespace evenkeel::agent {

/// An agent with all its parts, on one loop. Throws std::exception from its constructor if the
/// directory or the port cannot be had; runs from then on until stop().
class Agent {
 public:
  Agent(Loop& loop, zmq::context_t& context, const Clock& clock, const Settings& settings);

  /// Says that it goes, and calls `on_stopped` when that was heard, or after a second.
  void stop(std::function<void()> on_stopped);

  const std::string& address() const { return address_; }
  Storage& storage() { return storage_; }
  const Storage& storage() const { return storage_; }
  const Executor& executor() const { return executor_; }
  const Scrubber& scrubber() const { return scrubber_; }
  const DataPort& data_port() const { return data_port_; }
  Committer& committer() { return committer_; }

 private:
  std::string advertised(const DataPortSettings& settings) const;

  Storage storage_;
  Committer committer_;
  Peers peers_;
  Executor executor_;
  DataPort data_port_;
  const std::string address_;
  MembershipLink membership_;
  RebalancerLink rebalancer_;
  Watcher watcher_;
  Scrubber scrubber_;
  Timer housekeeping_;
  Timer stopping_;
  std::function<void()> on_stopped_;
};

}  // namespace evenkeel::agent
