#include "common/wire/frame.h"

#include "common/base/check.h"
#include "common/wire/limits.h"

namespace evenkeel::wire {
namespace {

constexpr std::uint64_t kMagic = 0x454B;  // "EK"

void put(std::span<char> place, std::uint64_t value) {
  for (std::size_t i = place.size(); i > 0; --i, value >>= 8) {
    place[i - 1] = static_cast<char>(value & 0xFF);
  }
}

std::uint64_t get(std::span<const char> place) {
  std::uint64_t value = 0;
  for (const char byte : place) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

bool is_type(std::uint64_t type) {
  return type >= static_cast<std::uint64_t>(FrameType::kOpen) &&
         type <= static_cast<std::uint64_t>(FrameType::kStored);
}

}  // namespace

std::array<char, kFrameHeaderBytes> encode(const FrameHeader& header) {
  EK_CHECK(header.length <= kFramePayloadMax);
  EK_CHECK(header.offset <= kAmountMax);
  EK_CHECK(header.type == FrameType::kData || header.offset == 0);
  std::array<char, kFrameHeaderBytes> bytes{};
  const std::span<char> all(bytes);
  put(all.subspan(0, 2), kMagic);
  put(all.subspan(2, 1), kProtocol);
  put(all.subspan(3, 1), static_cast<std::uint64_t>(header.type));
  put(all.subspan(4, 4), header.length);
  put(all.subspan(8, 8), header.transfer);
  put(all.subspan(16, 8), header.offset);
  return bytes;
}

Result<FrameHeader> decode_frame_header(std::span<const char, kFrameHeaderBytes> bytes) {
  const std::span<const char> all(bytes);
  const std::uint64_t protocol = get(all.subspan(2, 1)), type = get(all.subspan(3, 1));
  const std::uint64_t length = get(all.subspan(4, 4)), offset = get(all.subspan(16, 8));
  const auto refuse = [](std::string what) {
    return fail(ErrorCode::kMalformed, "frame: " + what);
  };
  if (get(all.subspan(0, 2)) != kMagic) return refuse("not ours");
  if (protocol != kProtocol) {
    return refuse("protocol " + std::to_string(protocol) + ", ours is " +
                  std::to_string(kProtocol));
  }
  if (!is_type(type)) return refuse("type " + std::to_string(type));
  if (length > kFramePayloadMax) return refuse("payload of " + std::to_string(length) + " bytes");
  if (offset > kAmountMax) return refuse("offset " + std::to_string(offset));
  if (offset != 0 && static_cast<FrameType>(type) != FrameType::kData) {
    return refuse("an offset without data");
  }
  return FrameHeader{.type = static_cast<FrameType>(type),
                     .length = static_cast<std::uint32_t>(length),
                     .transfer = get(all.subspan(8, 8)),
                     .offset = offset};
}

}  // namespace evenkeel::wire
