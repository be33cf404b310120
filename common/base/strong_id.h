#pragma once
#include <charconv>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace evenkeel {

/// A number that names one thing and is no other kind of number.
///
/// There is no default value and no conversion in either direction: a ServerId cannot be passed
/// where a ChunkId is wanted, and an id cannot be added to anything. `Tag::prefix` is the letter
/// that ids of this kind carry in logs, tests and the CLI ("c42", "s7").
template <class Tag>
class StrongId {
 public:
  explicit constexpr StrongId(std::uint64_t value) : value_(value) {}
  constexpr std::uint64_t value() const { return value_; }
  friend constexpr auto operator<=>(StrongId, StrongId) = default;

  /// The id in `text`, with or without its letter; nothing if it is anything else.
  static std::optional<StrongId> parse(std::string_view text) {
    if (text.starts_with(Tag::prefix)) text.remove_prefix(1);
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || rest != end) return std::nullopt;
    return StrongId(value);
  }

 private:
  std::uint64_t value_;
};

/// A number that only grows: epochs, versions, incarnations, sequence numbers.
template <class Tag>
class StrongCounter {
 public:
  explicit constexpr StrongCounter(std::uint64_t value) : value_(value) {}
  constexpr std::uint64_t value() const { return value_; }
  constexpr StrongCounter next() const { return StrongCounter(value_ + 1); }
  friend constexpr auto operator<=>(StrongCounter, StrongCounter) = default;

 private:
  std::uint64_t value_;
};

template <class Tag>
std::string to_string(StrongId<Tag> id) {
  return Tag::prefix + std::to_string(id.value());
}
template <class Tag>
std::string to_string(StrongCounter<Tag> counter) {
  return std::to_string(counter.value());
}

}  // namespace evenkeel

template <class Tag>
struct std::hash<evenkeel::StrongId<Tag>> {
  std::size_t operator()(evenkeel::StrongId<Tag> id) const noexcept {
    return std::hash<std::uint64_t>{}(id.value());
  }
};
template <class Tag>
struct std::hash<evenkeel::StrongCounter<Tag>> {
  std::size_t operator()(evenkeel::StrongCounter<Tag> counter) const noexcept {
    return std::hash<std::uint64_t>{}(counter.value());
  }
};
