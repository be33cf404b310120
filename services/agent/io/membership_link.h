#pragma once
#include <functional>
#include <string>

#include "common/model/member.h"
#include "common/reactor/zmq_channel.h"
#include "services/agent/io/storage.h"

namespace evenkeel::agent {

/// Tells membership that this agent is there, again and again.
class MembershipLink {
 public:
  struct Self {
    std::string location;
    std::string address;  ///< of the data port, as others reach it
    Labels labels = {};
  };
  MembershipLink(Loop& loop, zmq::context_t& context, Storage& storage,
                 const MembershipSettings& settings, Self self);

  /// It goes by plan; nothing more is said after that.
  void leave();
  bool left() const { return left_; }
  /// Called when a higher incarnation had to be taken, and when the leaving was heard.
  std::function<void()> on_new_incarnation, on_left;

 private:
  void say();
  void send(const std::string& bytes);
  void on_message(Frames&& frames);
  void on_reply(const HeartbeatReply& reply);

  Storage& storage_;
  const std::string cluster_;
  const Self self_;
  bool left_ = false;
  std::uint64_t malformed_ = 0;
  Instant next_complaint_{};
  ZmqChannel channel_;
  Timer timer_;
};

}  // namespace evenkeel::agent
