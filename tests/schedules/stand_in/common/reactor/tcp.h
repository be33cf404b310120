#pragma once
// Stands in for common/reactor/tcp.h where programs run in a simulated world (tests/schedules).
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/base/buffer.h"
#include "common/reactor/loop.h"

namespace evenkeel {

struct FilePiece {
  int descriptor = -1;
  std::shared_ptr<const void> owner;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

class TcpStream {
 public:
  struct Handlers {
    std::function<void()> on_connected;
    std::function<void(std::span<const std::uint8_t>)> on_data;
    std::function<std::span<std::uint8_t>()> place = nullptr;  // not asked: bytes may be moved
    std::function<void(const std::string& why)> on_close;
  };

  static std::unique_ptr<TcpStream> connect(Loop& loop, const std::string& host_port,
                                            Handlers handlers);
  ~TcpStream();
  void start(Handlers handlers);
  void write(Buffer bytes, std::function<void()> on_written = nullptr);
  void write_file(Buffer head, FilePiece piece, std::function<void()> on_written = nullptr);
  std::size_t queued_bytes() const;
  void pause();
  void resume();
  void close_when_written();
  std::string peer() const;

  struct End;
  explicit TcpStream(std::shared_ptr<End> end) : end_(std::move(end)) {}

 private:
  std::shared_ptr<End> end_;
};

class TcpListener {
 public:
  using OnAccept = std::function<void(std::unique_ptr<TcpStream>)>;
  struct Settings {
    std::string host_port;
    std::size_t connections_max = 256;
    int backlog = 128;
  };
  TcpListener(Loop& loop, const Settings& settings, OnAccept on_accept);
  ~TcpListener();
  TcpListener(const TcpListener&) = delete;
  TcpListener& operator=(const TcpListener&) = delete;
  std::uint16_t port() const;
  std::size_t connections() const { return 0; }
  std::uint64_t refused() const { return 0; }

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace evenkeel
