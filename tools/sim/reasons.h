#pragma once
#include <string>

namespace evenkeel::sim {

/// Why a chunk was set aside, without the servers that are named in it, so that chunks with the
/// same reason on other servers can be counted together: "no server can take it: s1: too full,
/// s2: holds a replica, s4: too full" becomes "no server can take it: holds a replica, too full".
std::string reason_in_short(const std::string& why);

}  // namespace evenkeel::sim
