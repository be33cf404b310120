#include "common/reactor/sockets.h"

#include <stdexcept>
#include <utility>

namespace evenkeel {
namespace {

/// Options are copied when a socket is bound or connected; later ones do nothing.
void protect(zmq::socket_t& socket, const SocketSettings& settings) {
  namespace opt = zmq::sockopt;
  socket.set(opt::sndhwm, settings.send_queue_messages);
  socket.set(opt::rcvhwm, settings.receive_queue_messages);
  socket.set(opt::maxmsgsize, static_cast<std::int64_t>(settings.frame_max.count()));
  socket.set(opt::linger, static_cast<int>(settings.linger.count()));
  socket.set(opt::tcp_keepalive, 1);
  socket.set(opt::tcp_keepalive_idle, 5);   // s
  socket.set(opt::tcp_keepalive_intvl, 2);  // s
  socket.set(opt::tcp_keepalive_cnt, 3);
  socket.set(opt::reconnect_ivl, 100);       // ms
  socket.set(opt::reconnect_ivl_max, 2000);  // ms
  socket.set(opt::handshake_ivl, 2000);      // ms
  socket.set(opt::backlog, 4096);
}

void attach(zmq::socket_t& socket, const SocketSettings& settings) {
  const bool bind = settings.attach == Attach::kBind;
  try {
    bind ? socket.bind(settings.endpoint) : socket.connect(settings.endpoint);
  } catch (const zmq::error_t& error) {
    throw std::runtime_error(std::string("cannot ") + (bind ? "bind " : "connect to ") +
                             settings.endpoint + ": " + error.what());
  }
}

zmq::socket_t make(zmq::context_t& context, zmq::socket_type type) {
  return zmq::socket_t(context, type);
}

zmq::socket_t attached(zmq::socket_t socket, const SocketSettings& settings) {
  protect(socket, settings);
  attach(socket, settings);
  return socket;
}

void set_routing_id(zmq::socket_t& socket, const SocketSettings& settings) {
  if (!settings.routing_id.empty()) socket.set(zmq::sockopt::routing_id, settings.routing_id);
}

}  // namespace

zmq::socket_t make_router(zmq::context_t& context, const SocketSettings& settings) {
  zmq::socket_t socket = make(context, zmq::socket_type::router);
  socket.set(zmq::sockopt::router_mandatory, true);  // without it, what cannot be sent is dropped
  socket.set(zmq::sockopt::router_handover, true);   // without it, a peer that restarts is ignored
  set_routing_id(socket, settings);
  return attached(std::move(socket), settings);
}

zmq::socket_t make_dealer(zmq::context_t& context, const SocketSettings& settings) {
  zmq::socket_t socket = make(context, zmq::socket_type::dealer);
  set_routing_id(socket, settings);
  return attached(std::move(socket), settings);
}

zmq::socket_t make_pub(zmq::context_t& context, const SocketSettings& settings) {
  return attached(make(context, zmq::socket_type::pub), settings);
}

zmq::socket_t make_xpub(zmq::context_t& context, const SocketSettings& settings) {
  zmq::socket_t socket = make(context, zmq::socket_type::xpub);
  socket.set(zmq::sockopt::xpub_verbose, true);  // a second subscriber of a topic is news as well
  return attached(std::move(socket), settings);
}

zmq::socket_t make_sub(zmq::context_t& context, const SocketSettings& settings) {
  zmq::socket_t socket = make(context, zmq::socket_type::sub);
  for (const std::string& topic : settings.topics) socket.set(zmq::sockopt::subscribe, topic);
  return attached(std::move(socket), settings);
}

std::string bound_endpoint(const zmq::socket_t& socket) {
  return socket.get(zmq::sockopt::last_endpoint);
}

}  // namespace evenkeel
