#pragma once
#include <string>
#include <vector>

#include <zmq.hpp>

#include "common/base/bytes.h"
#include "common/base/time.h"

/// The one place where ZeroMQ sockets are made, so that each has the same protections: bounded
/// queues and messages, a bound on handshakes, dead peers found by TCP's keepalive.
///
/// ZeroMQ's own heartbeats stay off: with a full inbound queue and a peer that dies, libzmq 4.3.4
/// aborts the process (zeromq/libzmq#4364). Services send heartbeats of their own.
namespace evenkeel {

enum class Attach { kBind, kConnect };

struct SocketSettings {
  std::string endpoint;  // "tcp://127.0.0.1:7401"; bound to port "*" it takes any that is free
  Attach attach = Attach::kConnect;
  int send_queue_messages = 1000;  // for each peer; what happens beyond is said at each function
  int receive_queue_messages = 1000;
  Bytes frame_max = 8_MiB;      // a peer that sends a longer one is disconnected
  Duration linger{200};         // how long the context waits at its end for unsent messages
  std::string routing_id = {};  // how a ROUTER names this DEALER; made up by ZeroMQ if empty
  std::vector<std::string> topics = {};  // what a SUB wants: prefixes; {""} is everything
};

/// All throw std::runtime_error naming the endpoint when it cannot be bound or is not one.
///
/// ROUTER: each message begins with a frame naming the peer. Sending to a peer that is not there is
/// Sent::kUnreachable, to one whose queue is full Sent::kFull. A peer that comes again under its
/// name takes over from its old connection. The name is the peer's own claim.
zmq::socket_t make_router(zmq::context_t& context, const SocketSettings& settings);
/// DEALER: queues while its peer is away, up to the send queue; then Sent::kFull.
zmq::socket_t make_dealer(zmq::context_t& context, const SocketSettings& settings);
/// PUB and XPUB: never full; a subscriber whose queue is full loses messages without a word, so
/// messages need numbers. XPUB also receives each subscription: "\1topic", and "\0topic" when the
/// last subscriber of a topic goes.
zmq::socket_t make_pub(zmq::context_t& context, const SocketSettings& settings);
zmq::socket_t make_xpub(zmq::context_t& context, const SocketSettings& settings);
/// SUB: what was published before the subscription arrived there is not seen.
zmq::socket_t make_sub(zmq::context_t& context, const SocketSettings& settings);

/// Where the socket really is, "tcp://127.0.0.1:40123", for one that was bound to port "*".
std::string bound_endpoint(const zmq::socket_t& socket);

}  // namespace evenkeel
