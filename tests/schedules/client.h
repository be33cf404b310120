#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/checksum/checksum.h"
#include "common/model/control.h"
#include "common/reactor/tcp.h"
#include "common/reactor/zmq_channel.h"
#include "services/agent/io/frame_reader.h"

namespace evenkeel::schedules {

/// Puts and deletes files, and asks what operators ask. Repeats each request until it is answered
/// or a while is over.
class Client {
 public:
  Client(World& world, zmq::context_t& context, const std::shared_ptr<Run>& run);
  ~Client();

  using OnAnswer = std::function<void(const Answer*)>;  ///< null: none came
  void ask(Request request, OnAnswer on_answer);

  struct Put {
    std::string name;
    int goal = 1;
    Buffer bytes;
    std::function<void()> on_placed;
    std::function<void(const ChunkContent& content, bool done)> on_end;
    ChunkContent content{ChunkId(0), ChunkVersion(0), Bytes(), Checksum({})};
  };
  void put(Put put);
  /// Requests and puts that are under way.
  std::size_t busy() const { return waiting_.size() + static_cast<std::size_t>(puts_); }

 private:
  struct Question {
    ControlRequest request;
    OnAnswer on_answer;
    int left = 6;
    std::unique_ptr<Timer> again;
  };
  struct Storing;
  void send(std::uint64_t id);
  void on_message(Frames&& frames);
  void placed(const std::shared_ptr<Put>& put, FileId file, const PutPlaced& answer);
  void close(const std::shared_ptr<Put>& put, FileId file, std::vector<Receipt> receipts);
  void end(const std::shared_ptr<Put>& put, bool done);

  Loop loop_;
  std::map<std::uint64_t, Question> waiting_;
  std::uint64_t next_ = 1;
  int puts_ = 0;
  std::vector<std::shared_ptr<Storing>> storing_;
  ZmqChannel channel_;
};

}  // namespace evenkeel::schedules
