#pragma once
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

/// A run of bytes of a file, to be sent.
struct FilePiece {
  int descriptor = -1;
  std::shared_ptr<const void> owner;  ///< keeps the descriptor open
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

/// One TCP connection on a Loop, for bulk data. Any of its callbacks may destroy it; after that no
/// other is called.
class TcpStream {
 public:
  struct Handlers {
    /// The connection stands. Not called for accepted ones, which stand already.
    std::function<void()> on_connected;
    /// Bytes as they come, up to 256 KiB at once; valid during the call only.
    std::function<void(std::span<const std::uint8_t>)> on_data;
    /// Where the next bytes should go, so that they need not be moved there: on_data is then given
    /// the beginning of it. Empty: it does not matter. Must stay valid until the next on_data.
    std::function<std::span<std::uint8_t>()> place = nullptr;
    /// The end, once, and the last callback: empty if the peer (or close_when_written()) ended the
    /// connection in order, otherwise what went wrong. What was not written is dropped.
    std::function<void(const std::string& why)> on_close;
  };

  /// Begins to connect to "host:port" or "[v6 address]:port"; an IPv4 address of a name is
  /// preferred. Failures, a wrong address included, come by on_close, from the loop. There is no
  /// time limit of its own: whoever wants one destroys the stream.
  static std::unique_ptr<TcpStream> connect(Loop& loop, const std::string& host_port,
                                            Handlers handlers);

  /// For accepted streams: begins to read. Until then nothing is called.
  void start(Handlers handlers);

  /// Queues `bytes`; `on_written` is called when the kernel has them all, and not at all if the
  /// connection ends before. May be called before on_connected. After the end it does nothing.
  void write(Buffer bytes, std::function<void()> on_written = nullptr);
  /// Queues `head` and behind it a piece of a file, which goes from the page cache to the socket
  /// without a stop in between; a thread of the pool waits for the disk. on_written as for write().
  /// A file that ends too early ends the connection.
  void write_file(Buffer head, FilePiece piece, std::function<void()> on_written = nullptr);
  /// What was given to write() and has not been taken by the kernel: for back-pressure.
  std::size_t queued_bytes() const;

  /// No on_data until resume(): the peer then comes to a halt when the kernel's buffers are full.
  /// The end of the connection is noticed after resume() only.
  void pause();
  void resume();

  /// Ends the connection when everything queued is written; on_close tells of it.
  void close_when_written();

  /// "address:port" of the other end; empty while it is not connected.
  std::string peer() const;

 private:
  friend class TcpListener;
  struct State;
  struct Close {
    void operator()(std::shared_ptr<State>* state) const;
  };
  explicit TcpStream(std::shared_ptr<State> state);

  std::unique_ptr<std::shared_ptr<State>, Close> state_;
};

/// Accepts TCP connections.
class TcpListener {
 public:
  using OnAccept = std::function<void(std::unique_ptr<TcpStream>)>;

  struct Settings {
    std::string host_port;              // as TcpStream::connect; port 0 takes any that is free
    std::size_t connections_max = 256;  // one more is closed as soon as it comes
    int backlog = 128;
  };

  /// Throws std::runtime_error naming the address if it cannot listen there. May be destroyed in
  /// `on_accept`; its streams live on.
  TcpListener(Loop& loop, const Settings& settings, OnAccept on_accept);
  ~TcpListener();

  std::uint16_t port() const;       ///< the real one
  std::size_t connections() const;  ///< accepted and not yet ended
  std::uint64_t refused() const;    ///< closed for being one too many

 private:
  struct State;
  static void accept(State& state);

  UvOwner<State> state_;
};

}  // namespace evenkeel
