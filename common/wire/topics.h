#pragma once
#include <string>

#include "common/model/ids.h"
#include "common/model/member.h"

namespace evenkeel::wire {

/// With a dot at the end: a subscription is a prefix, and 7 must not hear what is for 70.
std::string command_topic(ServerId server);
std::string member_topic(MemberEventKind kind);              ///< "membership.joined"
inline constexpr const char* kMemberTopics = "membership.";  ///< prefix of them all
std::string event_topic(const std::string& kind);            ///< "event.server"

}  // namespace evenkeel::wire
