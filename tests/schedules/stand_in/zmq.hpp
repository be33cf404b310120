#pragma once
// Stands in for cppzmq where programs run in a simulated world (tests/schedules): the few names of
// it that services use.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace evenkeel::schedules {
class Network;
}

namespace zmq {

class message_t {
 public:
  message_t() = default;
  explicit message_t(std::string_view bytes) : bytes_(bytes) {}
  const void* data() const { return bytes_.data(); }
  std::size_t size() const { return bytes_.size(); }
  std::string to_string() const { return bytes_; }

 private:
  std::string bytes_;
};

/// The network that a program is on.
class context_t {
 public:
  explicit context_t(evenkeel::schedules::Network& on) : network(&on) {}
  evenkeel::schedules::Network* network;
};

/// What a socket is to be; it is made when a channel takes it.
class socket_t {
 public:
  enum class Kind { kRouter, kDealer, kPub, kSub };
  evenkeel::schedules::Network* network = nullptr;
  Kind kind = Kind::kDealer;
  std::string endpoint;
  std::vector<std::string> topics = {};
  std::size_t queue = 1000;
};

}  // namespace zmq
