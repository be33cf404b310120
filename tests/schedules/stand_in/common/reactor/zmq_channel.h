#pragma once
// Stands in for common/reactor/zmq_channel.h where programs run in a simulated world
// (tests/schedules).
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

enum class [[nodiscard]] Sent{kTaken, kFull, kUnreachable};

inline std::string_view bytes_of(const zmq::message_t& frame) {
  return {static_cast<const char*>(frame.data()), frame.size()};
}

class ZmqChannel {
 public:
  using OnMessage = std::function<void(Frames&&)>;

  ZmqChannel(Loop& loop, zmq::socket_t socket, OnMessage on_message);
  ~ZmqChannel();
  ZmqChannel(const ZmqChannel&) = delete;
  ZmqChannel& operator=(const ZmqChannel&) = delete;

  Sent send(Frames frames);
  Sent send(std::initializer_list<std::string_view> frames);
  std::string endpoint() const;
  std::uint64_t refused() const { return 0; }

  struct Socket;

 private:
  std::shared_ptr<Socket> socket_;
};

}  // namespace evenkeel
