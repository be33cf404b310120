#include "common/log/log.h"

#include <atomic>
#include <charconv>
#include <cmath>
#include <cstdio>

#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "common/base/check.h"
#include "common/base/overloaded.h"
#include "common/base/system_clock.h"
#include "common/base/time_text.h"

namespace evenkeel::log {
namespace {

/// spdlog brings the sinks and their locks; the lines are ours.
struct Output {
  std::string service;
  Level level;
  Format format;
  spdlog::logger logger;
};

std::shared_ptr<Output> make_output(std::string service, const Settings& settings) {
  std::vector<spdlog::sink_ptr> sinks{std::make_shared<spdlog::sinks::stderr_sink_mt>()};
  if (settings.file) {
    sinks.push_back(std::make_shared<spdlog::sinks::basic_file_sink_mt>(settings.file->string()));
  }
  spdlog::logger logger("evenkeel", sinks.begin(), sinks.end());
  logger.set_pattern("%v");
  logger.set_level(spdlog::level::trace);
  logger.flush_on(spdlog::level::trace);  // a line must outlive the crash that it explains
  return std::make_shared<Output>(
      Output{std::move(service), settings.level, settings.format, std::move(logger)});
}

std::atomic<std::shared_ptr<Output>>& output() {
  static std::atomic<std::shared_ptr<Output>> current{make_output("-", {})};
  return current;
}

std::atomic<Capture*> capture{nullptr};

const char* word(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarn:
      return "warn";
    case Level::kError:
      return "error";
  }
  return "?";
}

/// Length of the valid UTF-8 sequence that `text` begins with, 0 if it begins with none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if (lead == 0xE0 && byte(1) < 0xA0) return 0;  // longer than need be
  if (lead == 0xED && byte(1) > 0x9F) return 0;  // half of a surrogate pair
  if (lead == 0xF0 && byte(1) < 0x90) return 0;
  if (lead == 0xF4 && byte(1) > 0x8F) return 0;  // beyond the last code point
  return length;
}

/// A JSON string; also how values are quoted in lines of text.
std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const char c = text.front();
    if (length == 0) {
      out += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if ((c >= 0 && c < 0x20) || c == 0x7F) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
      out += escaped;
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out += '"';
}

bool plain(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c >= 0x7F || c == '"' || c == '=' || c == '\\') return false;
  }
  return !text.empty();
}

std::string number(double value) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  EK_CHECK(error == std::errc{});
  return std::string(text, end);
}

std::string in_text(const Value& value) {
  return std::visit(Overloaded{
                        [](bool v) { return std::string(v ? "true" : "false"); },
                        [](std::int64_t v) { return std::to_string(v); },
                        [](std::uint64_t v) { return std::to_string(v); },
                        [](double v) { return number(v); },
                        [](const std::string& v) { return plain(v) ? v : in_quotes(v); },
                    },
                    value.variant());
}

std::string in_json(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value.variant())) return in_quotes(*text);
  if (const auto* real = std::get_if<double>(&value.variant()); real && !std::isfinite(*real)) {
    return in_quotes(number(*real));  // JSON has no word for them
  }
  return in_text(value);
}

}  // namespace

std::optional<Level> parse_level(std::string_view text) {
  for (const Level level : {Level::kDebug, Level::kInfo, Level::kWarn, Level::kError}) {
    if (text == word(level)) return level;
  }
  return std::nullopt;
}

void init(std::string service, const Settings& settings) {
  output() = make_output(std::move(service), settings);
}

std::string text_line(Level level, std::string_view service, std::string_view name, Fields fields) {
  std::string line = word(level);
  if (!service.empty()) (line += ' ') += service;
  (line += ' ') += name;
  for (const Field& field : fields) {
    line.append(" ").append(field.key).append("=").append(in_text(field.value));
  }
  return line;
}

std::string json_line(std::string_view time, Level level, std::string_view service,
                      std::string_view name, Fields fields) {
  std::string line = "{\"time\":" + in_quotes(time) + ",\"level\":\"" + word(level) +
                     "\",\"service\":" + in_quotes(service) + ",\"event\":" + in_quotes(name);
  for (const Field& field : fields) {
    line.append(",").append(in_quotes(field.key)).append(":").append(in_json(field.value));
  }
  return line += '}';
}

void write(Level level, std::string_view name, Fields fields) {
  if (Capture* test = capture.load()) {
    const std::lock_guard lock(test->mutex_);
    test->lines_.push_back(text_line(level, "", name, fields));
    return;
  }
  const std::shared_ptr<Output> out = output().load();
  if (level < out->level) return;
  const std::string time = iso8601(SystemClock().wall_now());
  const std::string line = out->format == Format::kJson
                               ? json_line(time, level, out->service, name, fields)
                               : time + ' ' + text_line(level, out->service, name, fields);
  out->logger.log(spdlog::level::info, spdlog::string_view_t(line));
}

Capture::Capture() {
  EK_CHECK(capture.exchange(this) == nullptr);
}

Capture::~Capture() {
  capture = nullptr;
}

std::vector<std::string> Capture::lines() const {
  const std::lock_guard lock(mutex_);
  return lines_;
}

}  // namespace evenkeel::log
