#include "services/agent/store/chunk_name.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace evenkeel::agent {
namespace {

constexpr std::size_t kChunkDigits = 16;
constexpr std::uint64_t kNumberMax = INT64_MAX;  // what the wire and SQLite can hold

bool lower_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::optional<std::uint64_t> number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc{} || rest != end || value > kNumberMax) return std::nullopt;
  return value;
}

}  // namespace

std::string file_name(const ReplicaKey& key, const Checksum& checksum) {
  std::array<std::uint8_t, 8> chunk{};
  for (std::size_t i = 0; i < 8; ++i) {
    chunk[i] = static_cast<std::uint8_t>(key.chunk.value() >> (56 - 8 * i));
  }
  return to_hex(chunk) + "." + to_string(key.version) + "." + to_string(checksum);
}

std::optional<ChunkName> parse_name(std::string_view name) {
  if (name.size() < kChunkDigits + 2 || name[kChunkDigits] != '.') return std::nullopt;
  const std::string_view chunk_text = name.substr(0, kChunkDigits);
  const auto chunk = lower_hex(chunk_text) ? number(chunk_text, 16) : std::nullopt;
  const std::string_view rest = name.substr(kChunkDigits + 1);
  const std::size_t dot = rest.find('.');
  const std::string_view version_text = rest.substr(0, dot);
  const auto version = number(version_text, 10);
  if (!chunk || !version || (version_text.size() > 1 && version_text[0] == '0'))
    return std::nullopt;
  ChunkName parsed{{ChunkId(*chunk), ChunkVersion(*version)}, std::nullopt};
  if (dot == std::string_view::npos) return parsed;
  const std::string_view checksum_text = rest.substr(dot + 1);
  if (!lower_hex(checksum_text)) return std::nullopt;
  parsed.checksum = Checksum::parse(checksum_text);
  return parsed.checksum ? std::optional(parsed) : std::nullopt;
}

}  // namespace evenkeel::agent
