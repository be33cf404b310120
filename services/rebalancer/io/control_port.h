#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "common/reactor/loop.h"
#include "common/reactor/zmq_channel.h"
#include "common/wire/codec.h"
#include "services/rebalancer/io/keys.h"
#include "services/rebalancer/io/rejects.h"
#include "services/rebalancer/rebalancer.h"

namespace evenkeel {

/// Requests of operators and clients. Checks receipts before they become events, signs the tokens
/// of answers, and answers after the commit.
class ControlPort {
 public:
  struct Settings {
    std::string cluster;
    std::string endpoint;
    std::string version;
    /// Name of an operator -> SHA-256 of his token: what is kept here proves nothing to anybody.
    std::map<std::string, std::string> operators = {};
  };

  ControlPort(Loop& loop, zmq::context_t& context, const Settings& settings,
              const ClusterView& view, const Keys& keys, const Clock& clock,
              std::function<void(Event)> on_event, std::function<void(Asked)> on_asked);

 private:
  void on_message(Frames&& frames);
  void refuse(const std::string& route, std::string_view bytes, const Error& error);
  void take(const std::string& route, ControlRequest&& request);
  std::optional<std::string> whose(const std::string& token) const;
  bool take_receipts(const PutClose& put, std::string& fault);
  void answer(const std::string& route, std::uint64_t request, Answer answer);
  void sign(Answer& answer) const;

  const Settings settings_;
  const ClusterView& view_;
  const Keys& keys_;
  Rejects rejects_;
  std::function<void(Event)> on_event_;
  std::function<void(Asked)> on_asked_;
  ZmqChannel channel_;
};

}  // namespace evenkeel
