#include "services/membership/core/member_table.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/base/check.h"
#include "common/base/mutant.h"

namespace evenkeel::membership {
namespace {

using Status = HeartbeatReply::Status;

Bytes distance(Bytes a, Bytes b) {
  return std::max(a, b) - std::min(a, b);
}

Member alive(Member said) {
  said.liveness = Liveness::kAlive;
  said.planned = false;
  return said;
}

bool has_left(const Member& member) {
  return member.liveness == Liveness::kDead && member.planned;
}

/// Whether `said` brings no news of a server of which `known` is known: it is of an incarnation
/// that has ended, or that belongs to another storage.
bool stale(const Member& known, const Member& said) {
  if (said.incarnation != known.incarnation) return said.incarnation < known.incarnation;
  return said.storage != known.storage || has_left(known);
}

/// The event by which an agent that is let in, and was known under this server, becomes alive.
std::optional<MemberEventKind> event_of(const Member& known, const Member& said) {
  const bool restarted = said.incarnation > known.incarnation;
  if (said.storage != known.storage) return MemberEventKind::kJoined;
  if (known.liveness == Liveness::kDead && restarted) return MemberEventKind::kJoined;
  if (known.liveness != Liveness::kAlive || restarted) return MemberEventKind::kRecovered;
  if (worth_telling(known, said) || EK_MUTANT(heartbeat_is_always_news))
    return MemberEventKind::kUpdated;
  return std::nullopt;
}

}  // namespace

bool worth_telling(const Member& before, const Member& after) {
  if (before.location != after.location || before.address != after.address) return true;
  if (before.labels != after.labels) return true;
  if (before.capacity != after.capacity || before.reserve != after.reserve) return true;
  const Bytes hundredth(after.capacity.count() / 100);
  return distance(before.free, after.free) > hundredth ||
         distance(before.used, after.used) > hundredth;
}

MemberTable::MemberTable(Patience patience, const std::vector<Member>& known, Instant now)
    : patience_(patience) {
  for (const Member& member : known) {
    const bool added =
        entries_.emplace(member.server, Entry{member, FailureDetector(patience_, now)}).second;
    EK_CHECK(added);
    if (member.liveness == Liveness::kDead) continue;
    const bool alone = held_by_.emplace(member.storage, member.server).second;
    EK_CHECK(alone);
  }
}

Verdict MemberTable::heartbeat(const Member& said, Instant now) {
  const auto known = entries_.find(said.server);
  return known == entries_.end() ? admit(said, now) : renew(known->second, said, now);
}

Verdict MemberTable::admit(const Member& said, Instant now) {
  if (held_elsewhere(said.storage, said.server)) return {Status::kConflict, said.incarnation, {}};
  Entry& entry = entries_.emplace(said.server, Entry{alive(said), FailureDetector(patience_, now)})
                     .first->second;
  return {Status::kOk, said.incarnation, {record(MemberEventKind::kJoined, entry, alive(said))}};
}

Verdict MemberTable::renew(Entry& entry, const Member& said, Instant now) {
  const Member& known = entry.member;
  if (stale(known, said)) return {Status::kStale, known.incarnation, {}};
  if (held_elsewhere(said.storage, said.server)) return {Status::kConflict, known.incarnation, {}};
  entry.detector.restart(now);
  const auto kind = event_of(known, said);
  if (!kind) return {Status::kOk, known.incarnation, {}};
  return {Status::kOk, said.incarnation, {record(*kind, entry, alive(said))}};
}

Verdict MemberTable::leave(const Leave& leave, Instant now) {
  const auto found = entries_.find(leave.server);
  if (found == entries_.end()) return {Status::kOk, leave.incarnation, {}};
  Entry& entry = found->second;
  if (leave.incarnation < entry.member.incarnation) {
    return {Status::kStale, entry.member.incarnation, {}};
  }
  // Of another storage nothing was ever known here, so that there is nothing that could go; and
  // leaving twice is leaving once.
  const bool gone = has_left(entry.member) && leave.incarnation == entry.member.incarnation;
  if (leave.storage != entry.member.storage || gone) {
    return {Status::kOk, entry.member.incarnation, {}};
  }
  entry.detector.restart(now);
  Member left = entry.member;
  left.incarnation = leave.incarnation;
  left.liveness = Liveness::kDead;
  left.planned = true;
  return {Status::kOk, left.incarnation, {record(MemberEventKind::kLeft, entry, left)}};
}

static_assert(Liveness::kAlive < Liveness::kSuspect && Liveness::kSuspect < Liveness::kDead,
              "judge() takes a higher one for a worse one");

MemberChanges MemberTable::judge(Instant now) {
  MemberChanges changes;
  for (auto& [server, entry] : entries_) {
    const Liveness judged = entry.detector.judge(now);
    if (judged <= entry.member.liveness) continue;
    Member worse = entry.member;
    worse.liveness = judged;
    const bool dead = judged == Liveness::kDead;
    changes.push_back(
        record(dead ? MemberEventKind::kFailed : MemberEventKind::kSuspect, entry, worse));
  }
  return changes;
}

void MemberTable::restart_silence(Instant now) {
  for (auto& [server, entry] : entries_) entry.detector.restart(now);
}

std::vector<Member> MemberTable::members() const {
  std::vector<Member> all;
  all.reserve(entries_.size());
  for (const auto& [server, entry] : entries_) all.push_back(entry.member);
  return all;
}

bool MemberTable::held_elsewhere(StorageId storage, ServerId server) const {
  const auto holder = held_by_.find(storage);
  return holder != held_by_.end() && holder->second != server;
}

/// The one place that writes a member, so that held_by_ cannot differ from it.
MemberChange MemberTable::record(MemberEventKind kind, Entry& entry, Member now_known) {
  const auto holder = held_by_.find(entry.member.storage);
  if (holder != held_by_.end() && holder->second == now_known.server) held_by_.erase(holder);
  entry.member = std::move(now_known);
  if (entry.member.liveness != Liveness::kDead) {
    const bool alone = held_by_.emplace(entry.member.storage, entry.member.server).second;
    EK_CHECK(alone);
  }
  return {kind, entry.member};
}

}  // namespace evenkeel::membership
