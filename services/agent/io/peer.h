#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "services/agent/io/frame_reader.h"

namespace evenkeel::agent {

/// A connection to the data port of another agent, carrying many transfers.
class Peer : public std::enable_shared_from_this<Peer> {
 public:
  /// What a transfer hears. Any of them may end the transfer.
  struct Ears {
    std::function<void(const wire::Message&)> on_message;
    std::function<void(std::uint64_t offset, Buffer&&)> on_data;
    /// The connection is gone, and the transfer with it.
    std::function<void(const std::string& why)> on_lost;
  };
  static std::shared_ptr<Peer> connect(Loop& loop, std::string cluster, const std::string& address);

  std::uint64_t begin(Ears ears);
  void say(std::uint64_t transfer, wire::FrameType type, const wire::Message& message);
  /// Nothing more is heard of it; the other side is told unless it ended the transfer itself.
  void end(std::uint64_t transfer, bool tell);

  /// The same, with a word on what is wrong with it.
  void fail(std::uint64_t transfer, const std::string& code, const std::string& what);

  bool lost() const { return lost_; }
  bool idle() const { return transfers_.empty(); }

 private:
  explicit Peer(std::string cluster) : cluster_(std::move(cluster)) {}
  bool on_frame(const wire::FrameHeader& header, Buffer&& payload);
  void lose(const std::string& why);

  const std::string cluster_;
  std::unique_ptr<TcpStream> stream_;
  FrameReader frames_;
  std::map<std::uint64_t, std::shared_ptr<Ears>> transfers_;
  std::uint64_t next_ = 1;
  bool lost_ = false;
};

/// Kept connections, one for each address.
class Peers {
 public:
  Peers(Loop& loop, std::string cluster) : loop_(loop), cluster_(std::move(cluster)) {}
  std::shared_ptr<Peer> at(const std::string& address);
  /// Nothing new begins on it: a way that swallows everything looks like one that is slow.
  void avoid(const std::shared_ptr<Peer>& peer);
  /// Closes what has had no transfer since the last call.
  void close_idle();

 private:
  struct Kept {
    std::shared_ptr<Peer> peer;
    bool was_idle = false;
  };
  Loop& loop_;
  const std::string cluster_;
  std::map<std::string, Kept> peers_;
};

}  // namespace evenkeel::agent
