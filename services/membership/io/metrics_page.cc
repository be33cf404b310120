#include "services/membership/io/metrics_page.h"

#include <map>

namespace evenkeel::membership {

metrics::Page metrics_page(const Membership& membership, const MemberStore& store) {
  metrics::Page page;
  std::map<Liveness, int> members{
      {Liveness::kAlive, 0}, {Liveness::kSuspect, 0}, {Liveness::kDead, 0}};
  for (const Member& member : membership.members()) ++members[member.liveness];
  for (const auto& [liveness, count] : members) {
    const char* word = liveness == Liveness::kAlive     ? "alive"
                       : liveness == Liveness::kSuspect ? "suspect"
                                                        : "dead";
    page.gauge("evenkeel_membership_members", "Servers by what their silence is taken for.", count,
               {{"liveness", word}});
  }
  const auto number = [](std::uint64_t value) { return static_cast<double>(value); };
  page.counter("evenkeel_membership_events_total", "Events that were ever published.",
               number(store.last_number().value()));
  page.counter("evenkeel_membership_heartbeats_total", "Heartbeats heard since the start.",
               number(membership.heartbeats()));
  page.counter("evenkeel_membership_commits_total", "Commits that changed something.",
               number(membership.commits()));
  for (const auto& [kind, word] : {std::pair(Refusal::kMalformed, "malformed"),
                                   std::pair(Refusal::kOtherCluster, "other_cluster"),
                                   std::pair(Refusal::kUnknownKind, "unknown_kind"),
                                   std::pair(Refusal::kUnreachable, "unreachable")}) {
    page.counter("evenkeel_membership_messages_refused_total", "Messages that had no effect.",
                 number(membership.refusals().count(kind)), {{"why", word}});
  }
  return page;
}

}  // namespace evenkeel::membership
