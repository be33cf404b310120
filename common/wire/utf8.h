#pragma once
#include <string>
#include <string_view>

namespace evenkeel::wire {

/// Whether others can read `text` as a msgpack str: well-formed UTF-8 (RFC 3629).
bool is_utf8(std::string_view text);

/// `text` as it can be sent: every byte that is not UTF-8 becomes '?', and what is beyond `max`
/// bytes is left out, never half a character.
std::string readable(std::string_view text, std::size_t max);

}  // namespace evenkeel::wire
