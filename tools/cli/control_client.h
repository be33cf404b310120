#pragma once
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>

#include "common/base/result.h"
#include "common/model/control.h"
#include "common/reactor/loop.h"
#include "common/reactor/zmq_channel.h"

namespace evenkeel::cli {

/// Asks the rebalancer. Any number of requests may be under way. One that is not answered within
/// half of the time is sent again, once and under the same number: a repeated request changes
/// nothing. Only put_open is not repeated, as a second one begins the file anew. An answer that
/// comes twice, too late or unasked is dropped.
class ControlClient {
 public:
  struct Settings {
    std::string endpoint;
    std::string cluster;
    Duration timeout;
    std::string token = {};  ///< of the operator who asks: 32 bytes, or none
  };
  /// What the rebalancer said; kBusy, naming the endpoint, if it said nothing in time. A "no" of
  /// the rebalancer is an error too. Never called from inside ask().
  template <class T>
  using Then = std::function<void(Result<T>)>;

  /// Throws std::runtime_error if the endpoint is not one.
  ControlClient(Loop& loop, zmq::context_t& context, Settings settings);

  template <class T>
  void ask(Request what, Then<T> then) {
    ask_any(std::move(what), [this, then = std::move(then)](Result<Answer> answer) {
      if (!answer) return then(tl::unexpected(answer.error()));
      if (T* wanted = std::get_if<T>(&*answer)) return then(std::move(*wanted));
      then(tl::unexpected(error_of(*answer)));
    });
  }

  /// What may be left for a second person to approve.
  template <class T>
  void order(Request what, Then<std::variant<T, ProposalTold>> then) {
    ask_any(std::move(what), [this, then = std::move(then)](Result<Answer> answer) {
      if (!answer) return then(tl::unexpected(answer.error()));
      if (T* wanted = std::get_if<T>(&*answer)) return then(std::move(*wanted));
      if (auto* told = std::get_if<ProposalTold>(&*answer)) return then(std::move(*told));
      then(tl::unexpected(error_of(*answer)));
    });
  }

  const std::string& endpoint() const { return settings_.endpoint; }

 private:
  struct Pending {
    std::string bytes;
    Then<Answer> then;
    bool repeated = false;  // or not to be repeated
    std::unique_ptr<Timer> timer;
  };
  void ask_any(Request what, Then<Answer> then);
  void send(const Pending& pending);
  void half_time(std::uint64_t request);
  void heard(const Frames& frames);
  void answered(std::uint64_t request, Result<Answer> answer);
  Error error_of(const Answer& answer) const;

  Loop* loop_;
  Settings settings_;
  std::uint64_t last_request_ = 0;
  std::unordered_map<std::uint64_t, Pending> pending_;
  ZmqChannel channel_;
};

}  // namespace evenkeel::cli
