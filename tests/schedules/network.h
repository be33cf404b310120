#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/reactor/tcp.h"
#include "common/reactor/zmq_channel.h"
#include "tests/schedules/world.h"

namespace evenkeel::schedules {

/// The wires between machines. Messages may be lost, come twice, overtake each other or come very
/// late; a way from one machine to another may be cut while the way back is not.
class Network {
 public:
  /// In how many of 1,000 messages, and how long a message takes.
  struct Weather {
    std::uint64_t lost = 0;
    std::uint64_t repeated = 0;
    std::uint64_t reordered = 0;
    std::uint64_t late = 0;
    Nanos shortest = kMs / 10;
    Nanos longest = 3 * kMs;
    Nanos latest = 20 * kSecond;
  };

  explicit Network(World& world) : world_(world) {}
  World& world() { return world_; }

  Weather weather;
  void cut(const std::string& from, const std::string& to) { cuts_.insert({from, to}); }
  void mend() { cuts_.clear(); }
  void mend(const std::string& from, const std::string& to) { cuts_.erase({from, to}); }
  bool is_cut(const std::string& from, const std::string& to) const {
    return !cuts_.empty() && cuts_.contains({from, to});
  }

  /// Sees every message as it is sent: for whoever looks on from outside.
  std::function<void(const Run& from, std::string_view message)> on_message;

  // For channels and streams.
  using Socket = ZmqChannel::Socket;
  /// Asked about every message as it arrives. True: whoever is asked sees to its delivery.
  std::function<bool(const std::shared_ptr<Socket>& at, const Frames& message)> on_arrival;
  using End = TcpStream::End;
  /// The router that a run has bound there; none: it has not.
  std::shared_ptr<Socket> router_of(const Run& run, const std::string& endpoint) const;
  void open(const std::shared_ptr<Socket>& socket);
  void close(Socket& socket);
  Sent send(Socket& from, Frames frames);
  void listen(const std::string& address, const std::shared_ptr<TcpListener::State>& listener);
  std::shared_ptr<TcpListener::State> listener_at(const std::string& address);
  std::uint64_t next_number() { return ++numbers_; }

 private:
  struct Link {
    Rng rng;
    Nanos last = 0;
  };
  Link& link(std::uint64_t from, std::uint64_t to);
  void deliver(Socket& from, const std::shared_ptr<Socket>& to, const Frames& frames);
  void arrive(Socket& from, const std::shared_ptr<Socket>& to, const Frames& frames, Nanos when);
  void subscribe(const std::shared_ptr<Socket>& publisher, const std::shared_ptr<Socket>& sub);
  std::shared_ptr<Socket> router_for(const Socket& dealer);

  World& world_;
  std::set<std::pair<std::string, std::string>> cuts_;
  std::map<std::uint64_t, std::shared_ptr<Socket>> sockets_;
  std::map<std::string, std::weak_ptr<Socket>> routes_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, Link> links_;
  std::map<std::string, std::weak_ptr<TcpListener::State>> listeners_;
  std::uint64_t numbers_ = 0;
};

}  // namespace evenkeel::schedules

namespace evenkeel {

struct ZmqChannel::Socket {
  schedules::Network* network;
  std::shared_ptr<schedules::Run> run;
  zmq::socket_t made;
  OnMessage on_message;
  std::uint64_t number = 0;
  std::string route = {};  // of a dealer
  bool open = true;
  std::deque<Frames> waiting = {};                              // of a dealer whose router is away
  std::map<std::uint64_t, std::vector<std::string>> subs = {};  // of a publisher
};

}  // namespace evenkeel
