#pragma once
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <zmq.hpp>

#include "common/reactor/loop.h"

namespace evenkeel {

using Frames = std::vector<zmq::message_t>;

enum class [[nodiscard]] Sent{
    kTaken,        // queued; not yet delivered, and may still be lost with the connection
    kFull,         // the peer's queue is full, or there is no peer yet and no queue for it
    kUnreachable,  // a ROUTER knows no peer of that name
};

/// The bytes of a frame; valid as long as the frame.
inline std::string_view bytes_of(const zmq::message_t& frame) {
  return {static_cast<const char*>(frame.data()), frame.size()};
}

/// A ZeroMQ socket that delivers its messages on a Loop.
///
/// ZeroMQ's file descriptor says only that something may have changed, and says it once: it is
/// edge-triggered, and sending can use the edge up. So the descriptor only wakes the loop, and
/// the socket itself is asked what it has, after everything else in a turn that may have used it:
/// last thing before the loop waits, and again after it has waited.
class ZmqChannel {
 public:
  using OnMessage = std::function<void(Frames&&)>;

  struct Limits {
    int messages_per_turn = 128;  // so that a busy peer cannot starve timers and other sockets
    std::size_t frames_per_message = 32;  // longer messages are dropped and counted
  };

  /// Messages are delivered from the loop, never from inside this constructor. The channel may be
  /// destroyed inside `on_message`; the rest of that turn's messages is then lost with the socket.
  ZmqChannel(Loop& loop, zmq::socket_t socket, OnMessage on_message);
  ZmqChannel(Loop& loop, zmq::socket_t socket, OnMessage on_message, Limits limits);

  /// One message of these frames, all or nothing. Not to be called from a uv_prepare callback.
  Sent send(Frames frames);
  Sent send(std::initializer_list<std::string_view> frames);

  /// As bound_endpoint() in sockets.h.
  std::string endpoint() const;
  /// Messages that were dropped as they had too many frames.
  std::uint64_t refused() const { return state_->refused; }

 private:
  /// libuv's part. Its memory stays until all handles have closed, even if the channel is destroyed
  /// in its own handler; the socket closes with the channel, because ZeroMQ's context waits at its
  /// end for every socket.
  struct State {
    uv_poll_t bell;
    uv_prepare_t before_waiting;
    uv_check_t after_waiting;
    uv_idle_t do_not_wait;  // runs while messages are left over
    int handles_open = 0;
    Loop* loop = nullptr;
    zmq::socket_t socket;
    OnMessage on_message;
    Limits limits;
    std::uint64_t refused = 0;
    bool closed = false;
  };
  struct Close {
    void operator()(State* state) const;
  };
  static void start(State& state);
  static void ask(State& state);
  static void drain(State& state);
  static bool receive(State& state, Frames& frames);

  std::unique_ptr<State, Close> state_;
};

}  // namespace evenkeel
