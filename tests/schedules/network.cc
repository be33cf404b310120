#include "tests/schedules/network.h"

#include <algorithm>

namespace evenkeel::schedules {

using Kind = zmq::socket_t::Kind;

Network::Link& Network::link(std::uint64_t from, std::uint64_t to) {
  const auto found = links_.find({from, to});
  if (found != links_.end()) return found->second;
  return links_.emplace(std::pair(from, to), Link{world_.stream("link", from * 100'000 + to)})
      .first->second;
}

void Network::open(const std::shared_ptr<Socket>& socket) {
  socket->number = next_number();
  if (socket->made.kind == Kind::kDealer) {
    socket->route = socket->run->program + "#" + std::to_string(socket->number);
    routes_.insert_or_assign(socket->route, socket);
  }
  sockets_.emplace(socket->number, socket);
  for (const auto& [number, other] : sockets_) {
    if (other == socket || other->made.endpoint != socket->made.endpoint) continue;
    if (socket->made.kind == Kind::kSub && other->made.kind == Kind::kPub) {
      subscribe(other, socket);
    } else if (socket->made.kind == Kind::kPub && other->made.kind == Kind::kSub) {
      subscribe(socket, other);
    } else if (socket->made.kind == Kind::kRouter && other->made.kind == Kind::kDealer) {
      for (const Frames& frames : std::exchange(other->waiting, {}))
        deliver(*other, socket, frames);
    }
  }
}

void Network::close(Socket& socket) {
  socket.open = false;
  routes_.erase(socket.route);
  for (const auto& [number, other] : sockets_) other->subs.erase(socket.number);
  sockets_.erase(socket.number);  // the last: it may be the last to hold it
}

/// What is published before this has gone through is not heard.
void Network::subscribe(const std::shared_ptr<Socket>& publisher,
                        const std::shared_ptr<Socket>& sub) {
  const Nanos wait =
      weather.shortest +
      static_cast<Nanos>(
          link(sub->number, publisher->number).rng.below(static_cast<std::uint64_t>(20 * kMs)));
  world_.after(wait, publisher->run, [this, publisher, weak = std::weak_ptr(sub)] {
    const auto subscriber = weak.lock();
    if (!publisher->open || !subscriber || !subscriber->open) return;
    if (is_cut(subscriber->run->machine, publisher->run->machine)) {
      world_.after(kSecond / 2, nullptr, [this, publisher, weak] {
        if (const auto again = weak.lock()) subscribe(publisher, again);
      });
      return;
    }
    publisher->subs.insert_or_assign(subscriber->number, subscriber->made.topics);
    for (const std::string& topic : subscriber->made.topics) {
      const auto tell = publisher->on_message;
      Frames frames;
      frames.emplace_back("\1" + topic);
      tell(std::move(frames));
      if (!publisher->open) return;
    }
  });
}

/// The newest one that is bound there. Where an older one still is, some of its connections are
/// still there too.
std::shared_ptr<Network::Socket> Network::router_for(const Socket& dealer) {
  std::vector<std::shared_ptr<Socket>> bound;
  for (const auto& [number, other] : sockets_) {
    if (other->made.kind == Kind::kRouter && other->made.endpoint == dealer.made.endpoint) {
      bound.push_back(other);
    }
  }
  if (bound.empty()) return nullptr;
  if (bound.size() > 1 && link(dealer.number, 0).rng.chance(1, 4)) return bound.front();
  return bound.back();
}

std::shared_ptr<Network::Socket> Network::router_of(const Run& run,
                                                    const std::string& endpoint) const {
  for (const auto& [number, socket] : sockets_) {
    const bool same = socket->run.get() == &run && socket->made.endpoint == endpoint;
    if (same && socket->made.kind == Kind::kRouter) return socket;
  }
  return nullptr;
}

Sent Network::send(Socket& from, Frames frames) {
  world_.act("send");
  if (on_message && !frames.empty()) on_message(*from.run, bytes_of(frames.back()));
  switch (from.made.kind) {
    case Kind::kPub: {
      const std::string_view topic = bytes_of(frames.at(0));
      for (const auto& [number, topics] : std::map(from.subs)) {
        const bool wanted = std::any_of(topics.begin(), topics.end(),
                                        [&](const auto& t) { return topic.starts_with(t); });
        const auto to = sockets_.find(number);
        if (wanted && to != sockets_.end()) deliver(from, to->second, frames);
      }
      return Sent::kTaken;
    }
    case Kind::kDealer: {
      if (const auto to = router_for(from)) {
        deliver(from, to, frames);
        return Sent::kTaken;
      }
      if (from.waiting.size() >= from.made.queue) return Sent::kFull;
      from.waiting.push_back(std::move(frames));
      return Sent::kTaken;
    }
    case Kind::kRouter: {
      const auto route = routes_.find(std::string(bytes_of(frames.at(0))));
      const auto to = route == routes_.end() ? nullptr : route->second.lock();
      if (!to) return Sent::kUnreachable;
      frames.erase(frames.begin());
      deliver(from, to, frames);
      return Sent::kTaken;
    }
    case Kind::kSub:
      break;
  }
  return Sent::kUnreachable;
}

void Network::deliver(Socket& from, const std::shared_ptr<Socket>& to, const Frames& frames) {
  ++world_.messages;
  if (is_cut(from.run->machine, to->run->machine)) return world_.fire("message cut off");
  Link& way = link(from.number, to->number);
  if (way.rng.chance(weather.lost, 1000)) return world_.fire("message lost");
  const auto takes = [&] {
    return weather.shortest + static_cast<Nanos>(way.rng.below(
                                  static_cast<std::uint64_t>(weather.longest - weather.shortest)));
  };
  Nanos when = world_.now() + takes();
  const bool late = way.rng.chance(weather.late, 1000);
  const bool reordered = way.rng.chance(weather.reordered, 1000);
  if (late) {
    when += static_cast<Nanos>(way.rng.below(static_cast<std::uint64_t>(weather.latest)));
    world_.fire("message late");
  } else if (reordered) {
    when += 5 * takes();
    world_.fire("message reordered");
  } else {
    when = way.last = std::max(when, way.last + 1);
  }
  arrive(from, to, frames, when);
  if (!way.rng.chance(weather.repeated, 1000)) return;
  world_.fire("message repeated");
  const bool much_later = way.rng.chance(1, 4);
  const Nanos more = static_cast<Nanos>(
      way.rng.below(static_cast<std::uint64_t>(much_later ? weather.latest : 4 * weather.longest)));
  arrive(from, to, frames, when + more);
}

void Network::arrive(Socket& from, const std::shared_ptr<Socket>& to, const Frames& frames,
                     Nanos when) {
  Frames whole;
  if (to->made.kind == Kind::kRouter) whole.emplace_back(from.route);
  whole.insert(whole.end(), frames.begin(), frames.end());
  world_.at(when, to->run, [this, weak = std::weak_ptr(to), whole = std::move(whole)]() mutable {
    const auto socket = weak.lock();
    if (!socket || !socket->open) return;
    world_.note(bytes_of(whole.back()), socket->number);
    if (on_arrival && on_arrival(socket, whole)) return;
    const auto tell = socket->on_message;  // which may destroy the channel
    tell(std::move(whole));
  });
}

void Network::listen(const std::string& address,
                     const std::shared_ptr<TcpListener::State>& listener) {
  listeners_.insert_or_assign(address, listener);
}

std::shared_ptr<TcpListener::State> Network::listener_at(const std::string& address) {
  const auto found = listeners_.find(address);
  return found == listeners_.end() ? nullptr : found->second.lock();
}

}  // namespace evenkeel::schedules

namespace evenkeel {

ZmqChannel::ZmqChannel(Loop& loop, zmq::socket_t socket, OnMessage on_message)
    : socket_(std::make_shared<Socket>(
          Socket{socket.network, loop.run(), socket, std::move(on_message)})) {
  socket_->network->open(socket_);
}

ZmqChannel::~ZmqChannel() {
  socket_->network->close(*socket_);
}

Sent ZmqChannel::send(Frames frames) {
  return socket_->network->send(*socket_, std::move(frames));
}

Sent ZmqChannel::send(std::initializer_list<std::string_view> frames) {
  Frames made;
  for (const std::string_view frame : frames) made.emplace_back(frame);
  return send(std::move(made));
}

std::string ZmqChannel::endpoint() const {
  return socket_->made.endpoint;
}

}  // namespace evenkeel
