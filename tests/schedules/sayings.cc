#include "tests/schedules/sayings.h"

#include <iterator>

#include "common/model/text.h"
#include "common/wire/codec.h"

namespace evenkeel::schedules {
namespace {

constexpr const char* kCluster = "evenkeel";

/// Most messages are of no interest here, and need not be decoded: the kind is one of the first
/// words.
bool begins_with_word(std::string_view message, std::string_view word) {
  return message.substr(0, 64).find(word) != std::string_view::npos;
}

}  // namespace

void Sayings::heard(const Run& from, std::string_view message) {
  if (from.program == "membership") {
    of_membership(message);
  } else if (from.program.starts_with("s")) {
    of_agent(from.machine, message);
  }
}

void Sayings::of_membership(std::string_view message) {
  const bool wanted =
      begins_with_word(message, "membership.") || begins_with_word(message, "snapshot");
  if (!wanted) return;
  const auto decoded = wire::decode(kCluster, message);
  if (!decoded) return;
  if (const auto* event = std::get_if<MemberEvent>(&*decoded); event && event->member) {
    members_[event->stream][event->member->server].emplace(event->number, *event->member);
  } else if (const auto* snapshot = std::get_if<MemberSnapshot>(&*decoded)) {
    for (const Member& member : snapshot->members) {
      members_[snapshot->stream][member.server].emplace(snapshot->number, member);
    }
  }
}

/// What it has said it knows, it may have acted on: an epoch that it forgets again lets a
/// rebalancer that was superseded have its way (S4).
void Sayings::of_agent(const std::string& machine, std::string_view message) {
  if (!begins_with_word(message, "hello")) return;
  const auto decoded = wire::decode(kCluster, message);
  const auto* hello = decoded ? std::get_if<Hello>(&*decoded) : nullptr;
  if (!hello) return;
  Epoch& highest = epochs_.try_emplace(hello->from.storage, hello->from.epoch).first->second;
  if (hello->from.epoch < highest) {
    fault_("S4", machine + " knows epoch " + to_string(hello->from.epoch) + ", and had known " +
                     to_string(highest));
  }
  highest = std::max(highest, hello->from.epoch);
}

std::map<ServerId, Member> Sayings::members_at(StorageId stream, EventNumber number) const {
  std::map<ServerId, Member> all;
  const auto said = members_.find(stream);
  if (said == members_.end()) return all;
  for (const auto& [server, by_number] : said->second) {
    const auto later = by_number.upper_bound(number);
    if (later != by_number.begin()) all.emplace(server, std::prev(later)->second);
  }
  return all;
}

}  // namespace evenkeel::schedules
