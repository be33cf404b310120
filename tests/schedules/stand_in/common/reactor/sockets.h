#pragma once
// Stands in for common/reactor/sockets.h where programs run in a simulated world (tests/schedules).
#include <string>
#include <vector>

#include <zmq.hpp>

#include "common/base/bytes.h"
#include "common/base/time.h"

namespace evenkeel {

enum class Attach { kBind, kConnect };

struct SocketSettings {
  std::string endpoint;
  Attach attach = Attach::kConnect;
  int send_queue_messages = 1000;
  int receive_queue_messages = 1000;
  Bytes frame_max{8 << 20};
  Duration linger{200};
  std::string routing_id = {};
  std::vector<std::string> topics = {};
};

inline zmq::socket_t socket_of(zmq::context_t& context, zmq::socket_t::Kind kind,
                               const SocketSettings& settings) {
  return {context.network, kind, settings.endpoint, settings.topics,
          static_cast<std::size_t>(settings.send_queue_messages)};
}
inline zmq::socket_t make_router(zmq::context_t& context, const SocketSettings& settings) {
  return socket_of(context, zmq::socket_t::Kind::kRouter, settings);
}
inline zmq::socket_t make_dealer(zmq::context_t& context, const SocketSettings& settings) {
  return socket_of(context, zmq::socket_t::Kind::kDealer, settings);
}
inline zmq::socket_t make_pub(zmq::context_t& context, const SocketSettings& settings) {
  return socket_of(context, zmq::socket_t::Kind::kPub, settings);
}
inline zmq::socket_t make_xpub(zmq::context_t& context, const SocketSettings& settings) {
  return socket_of(context, zmq::socket_t::Kind::kPub, settings);
}
inline zmq::socket_t make_sub(zmq::context_t& context, const SocketSettings& settings) {
  return socket_of(context, zmq::socket_t::Kind::kSub, settings);
}

}  // namespace evenkeel
