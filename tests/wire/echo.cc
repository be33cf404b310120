// Reads messages from standard input, one a line and in hex. Writes for each of them, as one line,
// "ok" and what encode() makes of what decode() has made of it; or "no", the code and the reason.
// So programs in other languages can be tested against the codec.
#include <iostream>

#include "common/base/hex.h"
#include "common/wire/codec.h"

namespace {

using namespace evenkeel;

std::string bytes_of(const std::string& line) {
  std::string bytes;
  for (std::size_t at = 0; at + 1 < line.size(); at += 2) {
    const auto byte = from_hex<1>(std::string_view(line).substr(at, 2));
    bytes += static_cast<char>(byte ? (*byte)[0] : 0);
  }
  return bytes;
}

std::string hex_of(std::string_view bytes) {
  return to_hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const auto decoded = wire::decode("golden", bytes_of(line));
    if (decoded) {
      std::cout << "ok " << hex_of(wire::encode("golden", *decoded)) << '\n';
    } else {
      std::cout << "no " << to_string(decoded.error().code) << ": " << decoded.error().what << '\n';
    }
  }
}
