#include "common/reactor/zmq_channel.h"

#include <cerrno>
#include <utility>

#include "common/base/check.h"

namespace evenkeel {
namespace {

template <class Handle>
void close_handle(Handle* handle, uv_close_cb closed) {
  uv_close(reinterpret_cast<uv_handle_t*>(handle), closed);
}

/// False if there is nothing to take, or a signal came in between: the socket is asked again.
bool receive_frame(zmq::socket_t& socket, zmq::message_t& frame) {
  if (zmq_msg_recv(frame.handle(), socket.handle(), ZMQ_DONTWAIT) >= 0) return true;
  if (errno == EAGAIN || errno == EINTR) return false;
  throw zmq::error_t();
}

}  // namespace

ZmqChannel::ZmqChannel(Loop& loop, zmq::socket_t socket, OnMessage on_message)
    : ZmqChannel(loop, std::move(socket), std::move(on_message), Limits{}) {}

ZmqChannel::ZmqChannel(Loop& loop, zmq::socket_t socket, OnMessage on_message, Limits limits)
    : state_(new State) {
  EK_CHECK(limits.messages_per_turn > 0);
  EK_CHECK(limits.frames_per_message > 0);
  state_->loop = &loop;
  state_->socket = std::move(socket);
  state_->on_message = std::move(on_message);
  state_->limits = limits;
  start(*state_);
}

void ZmqChannel::start(State& state) {
  uv_loop_t* loop = state.loop->handle();
  const auto descriptor = static_cast<uv_os_sock_t>(state.socket.get(zmq::sockopt::fd));
  EK_CHECK(uv_poll_init_socket(loop, &state.bell, descriptor) == 0);
  EK_CHECK(uv_prepare_init(loop, &state.before_waiting) == 0);
  EK_CHECK(uv_check_init(loop, &state.after_waiting) == 0);
  EK_CHECK(uv_idle_init(loop, &state.do_not_wait) == 0);
  state.handles_open = 4;
  state.bell.data = state.before_waiting.data = state.after_waiting.data = state.do_not_wait.data =
      &state;

  EK_CHECK(uv_poll_start(&state.bell, UV_READABLE, [](uv_poll_t*, int, int) {}) == 0);
  uv_prepare_start(&state.before_waiting, [](uv_prepare_t* uv) {
    auto* self = static_cast<State*>(uv->data);
    self->loop->guard([&] { ask(*self); });
  });
  uv_check_start(&state.after_waiting, [](uv_check_t* uv) {
    auto* self = static_cast<State*>(uv->data);
    self->loop->guard([&] { drain(*self); });
  });
  // The bell alone keeps the loop alive.
  uv_unref(reinterpret_cast<uv_handle_t*>(&state.before_waiting));
  uv_unref(reinterpret_cast<uv_handle_t*>(&state.after_waiting));
}

void ZmqChannel::Close::operator()(State* state) const {
  state->closed = true;
  const uv_close_cb closed = [](uv_handle_t* handle) {
    auto* self = static_cast<State*>(handle->data);
    if (--self->handles_open == 0) delete self;
  };
  close_handle(&state->bell, closed);
  close_handle(&state->before_waiting, closed);
  close_handle(&state->after_waiting, closed);
  close_handle(&state->do_not_wait, closed);
  state->socket.close();
}

/// The last that is done with the socket before the loop waits: asking takes ZeroMQ's news from the
/// descriptor, and if there are messages now, no ring will tell of them.
void ZmqChannel::ask(State& state) {
  if ((state.socket.get(zmq::sockopt::events) & ZMQ_POLLIN) == 0) return;
  uv_idle_start(&state.do_not_wait, [](uv_idle_t*) {});
}

void ZmqChannel::drain(State& state) {
  uv_idle_stop(&state.do_not_wait);
  for (int taken = 0; taken < state.limits.messages_per_turn && !state.closed; ++taken) {
    Frames frames;
    if (!receive(state, frames)) return;
    if (frames.empty()) continue;
    state.loop->guard([&] { state.on_message(std::move(frames)); });
  }
}

/// False if there is no message. ZeroMQ delivers the frames of a message together.
bool ZmqChannel::receive(State& state, Frames& frames) {
  bool too_many = false;
  for (bool more = true; more;) {
    zmq::message_t frame;
    if (!receive_frame(state.socket, frame)) {
      EK_CHECK(frames.empty() && !too_many);
      return false;
    }
    more = frame.more();
    if (frames.size() == state.limits.frames_per_message) too_many = true;
    if (!too_many) frames.push_back(std::move(frame));
  }
  if (too_many) {
    frames.clear();
    ++state.refused;
  }
  return true;
}

Sent ZmqChannel::send(Frames frames) {
  EK_CHECK(!frames.empty());
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const int more = i + 1 < frames.size() ? ZMQ_SNDMORE : 0;
    while (zmq_msg_send(frames[i].handle(), state_->socket.handle(), ZMQ_DONTWAIT | more) < 0) {
      if (errno == EINTR) continue;
      const bool nothing_sent = i == 0;  // ZeroMQ takes the rest of a message that has begun
      if (nothing_sent && errno == EAGAIN) return Sent::kFull;
      if (nothing_sent && errno == EHOSTUNREACH) return Sent::kUnreachable;
      throw zmq::error_t();
    }
  }
  return Sent::kTaken;
}

Sent ZmqChannel::send(std::initializer_list<std::string_view> frames) {
  Frames copied;
  for (const std::string_view frame : frames) copied.emplace_back(frame.data(), frame.size());
  return send(std::move(copied));
}

std::string ZmqChannel::endpoint() const {
  return state_->socket.get(zmq::sockopt::last_endpoint);
}

}  // namespace evenkeel
