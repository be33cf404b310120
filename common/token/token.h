#pragma once
#include <cstddef>
#include <string>
#include <string_view>

/// What is needed to sign a short text and to see whether it was signed with our key.
namespace evenkeel {

/// HMAC-SHA256: 32 raw bytes. The key should be 32 bytes of random_bytes(), or as good.
std::string hmac_sha256(std::string_view key, std::string_view text);

/// SHA-256 of any bytes: 32 raw bytes.
std::string sha256(std::string_view text);

/// Whether both are the same, in a time that depends on their sizes only: a signature must not be
/// found out byte by byte.
bool equal_in_constant_time(std::string_view a, std::string_view b);

/// `count` bytes from the kernel, good enough for keys. Throws std::system_error if it has none.
std::string random_bytes(std::size_t count);

}  // namespace evenkeel
