#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <zmq.hpp>

#include "common/model/control.h"
#include "common/reactor/loop.h"
#include "common/reactor/zmq_channel.h"

namespace evenkeel::cli {

/// The control socket of a rebalancer whose answers the test makes.
class FakeRebalancer {
 public:
  /// What to send back for a request, each text as it is; nothing if there are none.
  using Answers = std::function<std::vector<std::string>(const ControlRequest&)>;

  FakeRebalancer(Loop& loop, zmq::context_t& context, Answers answers);
  std::string endpoint() const { return channel_.endpoint(); }

  std::vector<ControlRequest> heard;

 private:
  Answers answers_;
  ZmqChannel channel_;
};

/// The bytes of an answer to `request`.
std::string answer(const ControlRequest& request, Answer what);

}  // namespace evenkeel::cli
