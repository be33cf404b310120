#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace evenkeel::schedules {

/// Which chunks each server holds, with their sizes. All servers are as large as each other, none
/// is full, and no two are on one host.
using Holdings = std::map<std::string, std::map<std::uint64_t, std::uint64_t>>;

/// A chunk that ought to go from one server to another, if nothing counts but that all hold alike:
/// from one that holds more than its share to one that holds less and not that chunk, one of the
/// two by more than the size of a chunk that is neither large nor small, and so that both are
/// nearer to their share in sum.
std::optional<std::string> uneven(const Holdings& holdings);

}  // namespace evenkeel::schedules
