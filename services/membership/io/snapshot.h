#pragma once
#include <vector>

#include "common/model/member.h"

namespace evenkeel::membership {

/// `of`: whose answer, in which stream, as of which number; its parts and members are filled in.
/// A part holds as many members as a message may, and as fit into one. Without members there is one
/// part that says so.
std::vector<MemberSnapshot> snapshot_parts(const MemberSnapshot& of,
                                           const std::vector<Member>& members);

}  // namespace evenkeel::membership
