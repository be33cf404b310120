#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace evenkeel::fuzz {

/// Reads any bytes at all with one of our readers. What is wrong with the reader ends the program:
/// a failed check, a sanitizer, an exception.
struct Target {
  std::string_view name;  ///< also of its folder in corpus/
  void (*read)(std::span<const std::uint8_t> bytes);
};
std::span<const Target> targets();

}  // namespace evenkeel::fuzz
