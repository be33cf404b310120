#include "services/rebalancer/core/nearness.h"

#include <arpa/inet.h>

#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace evenkeel {
namespace {

constexpr int kBits = 128;
constexpr int kLevel = kBits + 1;  // one level counts for more than any prefix

int shared_levels(std::string_view a, std::string_view b) {
  int levels = 0;
  while (!a.empty() && !b.empty()) {
    const auto end_a = a.find('/'), end_b = b.find('/');
    if (a.substr(0, end_a) != b.substr(0, end_b)) break;
    ++levels;
    if (end_a == std::string_view::npos || end_b == std::string_view::npos) break;
    a.remove_prefix(end_a + 1);
    b.remove_prefix(end_b + 1);
  }
  return levels;
}

/// "10.0.0.7:7420" -> "10.0.0.7", "[fe80::1]:7420" -> "fe80::1".
std::string host_of(std::string_view address) {
  std::string_view host = address.substr(0, address.rfind(':'));
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return std::string(host);
}

struct Numeric {
  int family;
  int length;  // bytes
  std::array<std::uint8_t, 16> bytes;
};

/// Reads what is written; asks nobody.
std::optional<Numeric> numeric(const std::string& host) {
  Numeric read{AF_INET, 4, {}};
  if (inet_pton(AF_INET, host.c_str(), read.bytes.data()) == 1) return read;
  read = {AF_INET6, 16, {}};
  if (inet_pton(AF_INET6, host.c_str(), read.bytes.data()) == 1) return read;
  return std::nullopt;
}

int common_prefix(const std::string& a, const std::string& b) {
  if (a == b) return kBits;
  const auto left = numeric(a), right = numeric(b);
  if (!left || !right || left->family != right->family) return 0;
  for (int i = 0; i < left->length; ++i) {
    const auto place = static_cast<std::size_t>(i);
    const auto differs = static_cast<std::uint8_t>(left->bytes[place] ^ right->bytes[place]);
    if (differs != 0) return 8 * i + std::countl_zero(differs);
  }
  return kBits;  // the same, written in two ways
}

}  // namespace

bool says_where(const Member& member) {
  return member.location.find('/') != std::string::npos;
}

int nearness(const Member& a, const Member& b) {
  const int levels = kLevel * shared_levels(a.location, b.location);
  if (levels > 0 || says_where(a) || says_where(b)) return levels;
  return common_prefix(host_of(a.address), host_of(b.address));
}

}  // namespace evenkeel
