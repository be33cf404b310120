#include "common/wire/topics.h"

#include "common/model/text.h"

namespace evenkeel::wire {

std::string command_topic(ServerId server) {
  return "command." + std::to_string(server.value()) + '.';
}

std::string member_topic(MemberEventKind kind) {
  return std::string(kMemberTopics).append(to_text(kind));
}

std::string event_topic(const std::string& kind) {
  return "event." + kind;
}

}  // namespace evenkeel::wire
