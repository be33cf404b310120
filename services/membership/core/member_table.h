#pragma once
#include <map>
#include <vector>

#include "common/model/member.h"
#include "services/membership/core/failure_detector.h"

namespace evenkeel::membership {

/// Something that others must hear of: an event that has no number yet. It gets one when it is
/// committed.
struct MemberChange {
  MemberEventKind kind;
  Member member;  ///< as it is after the change

  friend bool operator==(const MemberChange&, const MemberChange&) = default;
};
using MemberChanges = std::vector<MemberChange>;

/// What comes of something that an agent said. Most of the time there are no changes: all is well
/// and was known before.
struct Verdict {
  HeartbeatReply::Status status = HeartbeatReply::Status::kOk;
  Incarnation incarnation;  ///< the highest one known of that server
  MemberChanges changes;

  friend bool operator==(const Verdict&, const Verdict&) = default;
};

/// The members as all who follow the events know them: nothing in here differs from what was last
/// told, so that a snapshot of it and the sum of the events are the same. What an agent says and
/// is not worth an event is therefore not kept.
///
/// The conditions of each event are those of schema/wire/README.md, section 3. Where that leaves
/// room:
///
///  * An incarnation belongs to one storage. Another storage has to come with a newer one; if it
///    does not, it is answered kStale and takes one. Else a late message could bring back a disk
///    that was replaced.
///  * An incarnation ends with its leave. Heard again after it, it is kStale, so that a heartbeat
///    that was overtaken by the leave does not undo it.
///  * A member that was dead and is heard again with the same incarnation was cut off, not
///    restarted: recovered.
///  * A storage counts as alive elsewhere until it is dead there. A suspect may be heard again the
///    next moment, and what it holds still counts: one disk must not count twice.
///
/// Pure: it is told the time. Times must not go back.
class MemberTable {
 public:
  /// `known`: members as they were when this service last stood. They keep their liveness, and
  /// their silence is counted from `now`: nobody becomes dead because we were away.
  MemberTable(Patience patience, const std::vector<Member>& known, Instant now);

  /// `said`: what the agent says of itself; its liveness and planned are not looked at.
  Verdict heartbeat(const Member& said, Instant now);
  Verdict leave(const Leave& leave, Instant now);

  /// What has become of the silence of all. Silence only ever makes things worse; it is heartbeats
  /// that make them better.
  MemberChanges judge(Instant now);

  /// Begins the silence of all anew, because nobody could have been heard up to now.
  void restart_silence(Instant now);

  /// All members by server, the dead ones too.
  std::vector<Member> members() const;

 private:
  struct Entry {
    Member member;
    FailureDetector detector;
  };
  Verdict admit(const Member& said, Instant now);
  Verdict renew(Entry& entry, const Member& said, Instant now);
  bool held_elsewhere(StorageId storage, ServerId server) const;
  MemberChange record(MemberEventKind kind, Entry& entry, Member now_known);

  Patience patience_;
  std::map<ServerId, Entry> entries_;
  std::map<StorageId, ServerId> held_by_;  ///< of all that are not dead; a storage is at one server
};

/// Whether `after` differs so much from what was told last, `before`, that it is worth an event.
/// Free and used space change with every chunk; a hundredth of the capacity must have moved.
bool worth_telling(const Member& before, const Member& after);

}  // namespace evenkeel::membership
