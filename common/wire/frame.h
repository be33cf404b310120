#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "common/base/result.h"

namespace evenkeel::wire {

/// The frames of the data port (schema/wire/README.md, section 7).
enum class FrameType : std::uint8_t {
  kOpen = 1,
  kManifest,
  kRead,
  kData,
  kDone,
  kError,
  kStore,
  kStored
};

inline constexpr std::size_t kFrameHeaderBytes = 24;
inline constexpr std::size_t kFramePayloadMax = std::size_t{1} << 20;

struct FrameHeader {
  FrameType type = FrameType::kError;
  std::uint32_t length = 0;    ///< of the payload, in bytes
  std::uint64_t transfer = 0;  ///< chosen by the side that connected
  std::uint64_t offset = 0;    ///< of data in the chunk
};

std::array<char, kFrameHeaderBytes> encode(const FrameHeader& header);
/// kMalformed: not ours, another protocol, an unknown type, or a payload beyond the limit.
Result<FrameHeader> decode_frame_header(std::span<const char, kFrameHeaderBytes> bytes);

}  // namespace evenkeel::wire
