#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/reactor/loop.h"
#include "common/reactor/tcp.h"
#include "common/wire/frame.h"

namespace evenkeel::cli {

/// Why a transfer ended without its purpose. The code is one of the data port's
/// (schema/wire/README.md, section 7), or "unreachable", or "stalled".
struct DataFault {
  std::string code;
  std::string what;
};
std::string to_string(const DataFault& fault);

/// The connection to one data port, shared by any number of transfers. Made when the first transfer
/// wants it, kept, and made anew for the next transfer after it has ended.
class DataConnection {
 public:
  /// What a transfer hears; none of it after end(), and nothing after on_fault.
  struct Handlers {
    std::function<void(const wire::FrameHeader&, std::span<const std::uint8_t>)> on_frame;
    /// The connection is gone, or what came over it was no frame.
    std::function<void(const DataFault&)> on_fault;
    /// The next frame to send once more() was called; nothing when there are none left.
    std::function<std::optional<Buffer>()> next_frame;
  };

  DataConnection(Loop& loop, std::string address);

  std::uint64_t begin(Handlers handlers);
  void send(Buffer frame);
  /// The transfer has frames to send. They take turns with those of other transfers, and only as
  /// many are asked for as the network takes.
  void more(std::uint64_t transfer);
  void end(std::uint64_t transfer);
  /// Ends the connection if it does not stand yet: who waited for it has waited long enough.
  void give_up_connecting();

  const std::string& address() const { return address_; }

 private:
  void connect();
  void take(std::span<const std::uint8_t> bytes);
  void deliver(const wire::FrameHeader& header, std::span<const std::uint8_t> payload);
  void pump();
  void break_off(const DataFault& fault);

  Loop* loop_;
  std::string address_;
  std::uint64_t last_transfer_ = 0;
  std::map<std::uint64_t, std::shared_ptr<Handlers>> transfers_;
  std::deque<std::uint64_t> with_frames_;
  Buffer received_;  // the beginning of a frame
  bool connected_ = false;
  std::uint64_t connections_ = 0;  // made so far
  std::unique_ptr<TcpStream> stream_;
};

/// A whole frame of the data port.
Buffer frame_of(wire::FrameType type, std::uint64_t transfer, std::string_view payload,
                std::uint64_t offset = 0);

}  // namespace evenkeel::cli
