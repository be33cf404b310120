#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "common/reactor/tcp.h"
#include "common/wire/codec.h"
#include "common/wire/frame.h"

namespace evenkeel::agent {

/// Cuts a stream of bytes into the frames of the data port.
class FrameReader {
 public:
  /// False: this connection is of no more use; nothing more is taken from it.
  using OnFrame = std::function<bool(const wire::FrameHeader&, Buffer&&)>;

  /// Hands on every frame that is whole. Why the stream must end: garbage; nothing if it may go on
  /// or if `on_frame` said no.
  std::optional<std::string> feed(std::span<const std::uint8_t> bytes, const OnFrame& on_frame);
  /// Where the rest of a long payload goes: bytes that are put there need not be moved by feed().
  /// Empty: what comes next is short, or not known yet.
  std::span<std::uint8_t> place();

 private:
  std::optional<std::string> read_header();
  std::array<char, wire::kFrameHeaderBytes> head_{};
  std::size_t head_had_ = 0;
  wire::FrameHeader header_;
  Buffer payload_;
  std::size_t payload_had_ = 0;
};

/// A frame as it goes out; its data may follow by another way.
Buffer data_head(std::uint64_t transfer, std::uint64_t offset, std::uint64_t length);
/// Into the first bytes of a frame whose data is in its place already.
void write_data_head(Buffer& frame, std::uint64_t transfer, std::uint64_t offset,
                     std::uint64_t length);
Buffer frame_of(wire::FrameType type, std::uint64_t transfer, std::string_view payload);
Buffer data_frame(std::uint64_t transfer, std::uint64_t offset,
                  std::span<const std::uint8_t> payload);

inline std::string_view text_of(const Buffer& payload) {
  return {reinterpret_cast<const char*>(payload.data()), payload.size()};
}

}  // namespace evenkeel::agent
