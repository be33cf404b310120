#include "tools/cli/text.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <sys/ioctl.h>
#include <unistd.h>

namespace evenkeel::cli {
namespace {

constexpr std::string_view kLeftOut = "…";

bool begins_code_point(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

const char* code_of(Colour colour) {
  switch (colour) {
    case Colour::kNone:
      return "";
    case Colour::kRed:
      return "\033[1;31m";
    case Colour::kYellow:
      return "\033[33m";
    case Colour::kGreen:
      return "\033[32m";
    case Colour::kFaint:
      return "\033[2m";
  }
  return "";
}

/// Length of the well-formed UTF-8 sequence that `text` begins with; 0 if it begins with none, or
/// with a control character of C0 or C1.
std::size_t visible_sequence(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return first >= 0x20 && first != 0x7F ? 1 : 0;
  const std::size_t length = first >= 0xF0 && first < 0xF5   ? 4
                             : first >= 0xE0 && first < 0xF0 ? 3
                             : first >= 0xC2 && first < 0xE0 ? 2
                                                             : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if (begins_code_point(text[i])) return 0;
  }
  const bool c1 = first == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0;
  return c1 ? 0 : length;
}

}  // namespace

std::string bytes_text(std::uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1023.5 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  char text[32];
  const int decimals = unit == 0 || value >= 99.95 ? 0 : 1;
  std::snprintf(text, sizeof text, "%.*f %s", decimals, value, kUnits[unit]);
  return text;
}

std::string count_text(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::string count_of(std::uint64_t count, std::string_view what) {
  return count_text(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

std::string share_text(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f%%", share * 100);
  return text;
}

std::string duration_text(Duration duration) {
  const auto seconds = duration.count() / 1000;
  if (duration <= Duration::zero()) return "now";
  if (seconds < 1) return std::to_string(duration.count()) + " ms";
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 120 * 60) return std::to_string(seconds / 60) + " min";
  if (seconds < 48 * 3600) return std::to_string(seconds / 3600) + " h";
  return std::to_string(seconds / 86400) + " d";
}

std::string printable(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const std::size_t length = visible_sequence(text);
    if (length > 0) {
      shown += text.substr(0, length);
    } else {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned char>(text[0]));
      shown += escaped;
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return shown;
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_code_point));
}

std::string shortened(const std::string& text, std::size_t width) {
  if (width_of(text) <= width) return text;
  if (width == 0) return "";
  std::size_t end = 0;
  for (std::size_t columns = 0; end < text.size(); ++end) {
    if (begins_code_point(text[end]) && columns++ == width - 1) break;
  }
  return text.substr(0, end) + std::string(kLeftOut);
}

std::string Style::paint(Colour colour, const std::string& text) const {
  if (!colours || colour == Colour::kNone) return text;
  return code_of(colour) + text + "\033[0m";
}

Style style_of(int fd) {
  Style style;
  if (isatty(fd) == 0) return style;
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  style.colours = (no_color == nullptr || *no_color == '\0') &&
                  (terminal == nullptr || std::string_view(terminal) != "dumb");
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0) style.width = size.ws_col;
  return style;
}

}  // namespace evenkeel::cli
