#pragma once
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/hex.h"

namespace evenkeel {

/// `N` bytes that mean one kind of thing, shown and read as hex. Like StrongId it has no default
/// value and converts to nothing.
template <class Tag, std::size_t N>
class FixedBytes {
 public:
  static constexpr std::size_t kSize = N;
  using Array = std::array<std::uint8_t, N>;

  explicit constexpr FixedBytes(const Array& bytes) : bytes_(bytes) {}
  constexpr const Array& bytes() const { return bytes_; }
  /// The same bytes for message formats and SQLite blobs; valid as long as this object.
  std::string_view view() const { return {reinterpret_cast<const char*>(bytes_.data()), N}; }
  friend constexpr auto operator<=>(const FixedBytes&, const FixedBytes&) = default;

  /// From hex; nothing if `text` is not exactly 2N digits.
  static std::optional<FixedBytes> parse(std::string_view text) {
    const auto bytes = from_hex<N>(text);
    return bytes ? std::optional(FixedBytes(*bytes)) : std::nullopt;
  }
  /// From raw bytes; nothing if there are not exactly N of them.
  static std::optional<FixedBytes> from_raw(std::string_view raw) {
    if (raw.size() != N) return std::nullopt;
    Array bytes{};
    std::memcpy(bytes.data(), raw.data(), N);
    return FixedBytes(bytes);
  }

 private:
  Array bytes_;
};

template <class Tag, std::size_t N>
std::string to_string(const FixedBytes<Tag, N>& value) {
  return to_hex(value.bytes());
}

}  // namespace evenkeel

template <class Tag, std::size_t N>
struct std::hash<evenkeel::FixedBytes<Tag, N>> {
  std::size_t operator()(const evenkeel::FixedBytes<Tag, N>& value) const noexcept {
    return std::hash<std::string_view>{}(value.view());
  }
};
