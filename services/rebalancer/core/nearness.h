#pragma once
#include "common/model/member.h"

namespace evenkeel {

/// How near two servers are; larger is nearer. To be compared for one and the same server on one
/// side. Servers that say where they are (a location with more than one part) are the nearer the
/// more of its levels they share, from the top. Of servers that both do not, only those of one host
/// share a level; below that the longest common prefix of their addresses tells, in bits. Host
/// names that are no numeric addresses share nothing unless they are the same.
int nearness(const Member& a, const Member& b);

/// Whether its location has more than one part.
bool says_where(const Member& member);

}  // namespace evenkeel
