#include "services/agent/io/frame_reader.h"

#include <algorithm>

namespace evenkeel::agent {
namespace {

constexpr std::size_t kPlaceFrom = 16 * 1024;

Buffer framed(const wire::FrameHeader& header, std::span<const std::uint8_t> payload) {
  const auto head = wire::encode(header);
  Buffer frame(head.size() + payload.size());
  std::copy(head.begin(), head.end(), frame.begin());
  std::copy(payload.begin(), payload.end(),
            frame.begin() + static_cast<std::ptrdiff_t>(head.size()));
  return frame;
}

}  // namespace

std::optional<std::string> FrameReader::feed(std::span<const std::uint8_t> bytes,
                                             const OnFrame& on_frame) {
  while (!bytes.empty() || (head_had_ == head_.size() && header_.length == 0)) {
    if (head_had_ < head_.size()) {
      const std::size_t count = std::min(head_.size() - head_had_, bytes.size());
      std::copy_n(bytes.begin(), count, head_.begin() + static_cast<std::ptrdiff_t>(head_had_));
      head_had_ += count;
      bytes = bytes.subspan(count);
      if (head_had_ < head_.size()) return std::nullopt;
      if (auto fault = read_header()) return fault;
    }
    const std::size_t count = std::min(payload_.size() - payload_had_, bytes.size());
    std::uint8_t* const place = payload_.data() + payload_had_;
    if (bytes.data() != place) std::copy_n(bytes.begin(), count, place);
    payload_had_ += count;
    bytes = bytes.subspan(count);
    if (payload_had_ < payload_.size()) return std::nullopt;
    head_had_ = 0;
    // Moved out first: the owner of this object may be gone when on_frame returns.
    const wire::FrameHeader header = header_;
    if (!on_frame(header, std::exchange(payload_, {}))) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<std::string> FrameReader::read_header() {
  const auto header = wire::decode_frame_header(head_);
  if (!header) return header.error().what;
  header_ = *header;
  payload_.resize(header_.length);
  payload_had_ = 0;
  return std::nullopt;
}

std::span<std::uint8_t> FrameReader::place() {
  if (head_had_ < head_.size() || payload_.size() - payload_had_ < kPlaceFrom) return {};
  return std::span(payload_).subspan(payload_had_);
}

Buffer frame_of(wire::FrameType type, std::uint64_t transfer, std::string_view payload) {
  const wire::FrameHeader header{type, static_cast<std::uint32_t>(payload.size()), transfer, 0};
  return framed(header, {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()});
}

Buffer data_head(std::uint64_t transfer, std::uint64_t offset, std::uint64_t length) {
  Buffer head(wire::kFrameHeaderBytes);
  write_data_head(head, transfer, offset, length);
  return head;
}

void write_data_head(Buffer& frame, std::uint64_t transfer, std::uint64_t offset,
                     std::uint64_t length) {
  const auto head = wire::encode(wire::FrameHeader{
      wire::FrameType::kData, static_cast<std::uint32_t>(length), transfer, offset});
  std::copy(head.begin(), head.end(), frame.begin());
}

Buffer data_frame(std::uint64_t transfer, std::uint64_t offset,
                  std::span<const std::uint8_t> payload) {
  const auto length = static_cast<std::uint32_t>(payload.size());
  return framed({wire::FrameType::kData, length, transfer, offset}, payload);
}

}  // namespace evenkeel::agent
