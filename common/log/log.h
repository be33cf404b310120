#pragma once
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// One line for each thing that happened, as `name key=value ...`, on stderr:
///
///     log::info("commit", {{"events", 3}, {"took_ms", 4}});
///     2026-02-03T04:05:06.789Z info rebalancer commit events=3 took_ms=4
///
/// The edge logs, the middle answers: files under core/ and store/ do not include this.
/// May be called from any thread. Never throws once init() has returned.
namespace evenkeel::log {

enum class Level { kDebug, kInfo, kWarn, kError };
enum class Format { kText, kJson };

/// "debug", "info", "warn", "error"; nothing for any other word.
std::optional<Level> parse_level(std::string_view word);

struct Settings {
  Level level = Level::kInfo;  // lines below it are not written
  Format format = Format::kText;
  std::optional<std::filesystem::path> file = std::nullopt;  // as well as stderr; appended to
};

/// Begins logging as `service`. Without it, lines go to stderr as the service "-". Throws
/// std::exception if the file cannot be opened.
void init(std::string service, const Settings& settings);

/// A number, a truth, a text, or anything with a to_string() such as an id.
class Value {
 public:
  using Variant = std::variant<bool, std::int64_t, std::uint64_t, double, std::string>;
  Value(bool value) : value_(value) {}
  Value(std::signed_integral auto value) : value_(static_cast<std::int64_t>(value)) {}
  Value(std::unsigned_integral auto value) : value_(static_cast<std::uint64_t>(value)) {}
  Value(std::floating_point auto value) : value_(static_cast<double>(value)) {}
  Value(std::string_view value) : value_(std::string(value)) {}
  Value(const std::string& value) : value_(value) {}
  Value(const char* value) : value_(std::string(value)) {}
  template <class T>
  requires requires(const T& value) {
    { to_string(value) } -> std::convertible_to<std::string>;
  }
  Value(const T& value) : value_(std::string(to_string(value))) {}
  const Variant& variant() const { return value_; }

 private:
  Variant value_;
};

struct Field {
  std::string_view key;  // snake_case, with the unit last: "took_ms"
  Value value;
};
using Fields = std::initializer_list<Field>;

void write(Level level, std::string_view name, Fields fields);
inline void debug(std::string_view name, Fields fields = {}) {
  write(Level::kDebug, name, fields);
}
inline void info(std::string_view name, Fields fields = {}) {
  write(Level::kInfo, name, fields);
}
inline void warn(std::string_view name, Fields fields = {}) {
  write(Level::kWarn, name, fields);
}
inline void error(std::string_view name, Fields fields = {}) {
  write(Level::kError, name, fields);
}

/// While it lives, lines of every level go to it and nowhere else. For tests; one at a time.
class Capture {
 public:
  Capture();
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  /// Each as "info commit events=3", without time and service.
  std::vector<std::string> lines() const;

 private:
  friend void write(Level, std::string_view, Fields);
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

/// What follows the time in a line of text. A value that holds anything but plain characters is
/// quoted and escaped, so that no value can pass for another field or line.
std::string text_line(Level level, std::string_view service, std::string_view name, Fields fields);

/// A whole line of JSON; always valid UTF-8, whatever the values hold.
std::string json_line(std::string_view time, Level level, std::string_view service,
                      std::string_view name, Fields fields);

}  // namespace evenkeel::log
