#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/time.h"

/// How numbers and names are written for people.
namespace evenkeel::cli {

/// "0 B", "17 KiB", "1.5 GiB": three digits say enough.
std::string bytes_text(std::uint64_t bytes);
/// "1,234,567".
std::string count_text(std::uint64_t count);
/// "1 chunk", "1,234 chunks".
std::string count_of(std::uint64_t count, std::string_view what);
/// "42.5%" of a share from 0 to 1.
std::string share_text(double share);
/// "300 ms", "12 s", "5 min", "3 h", "2 d"; what is not positive is "now".
std::string duration_text(Duration duration);

/// `text` with everything that could steer a terminal made visible: names come from other people.
std::string printable(std::string_view text);
/// Columns of a terminal that `text` takes: code points, for what printable() gave.
std::size_t width_of(std::string_view text);
/// At most `width` columns of `text`, with a mark where something was left out.
std::string shortened(const std::string& text, std::size_t width);

enum class Colour { kNone, kRed, kYellow, kGreen, kFaint };

/// What the output can show.
struct Style {
  bool colours = false;
  std::size_t width = 0;  ///< columns; 0: as many as it takes
  std::string paint(Colour colour, const std::string& text) const;
};

/// The style of the file descriptor: colours on a terminal unless NO_COLOR is set, its width, and
/// for anything else neither.
Style style_of(int fd);

}  // namespace evenkeel::cli
