#include <algorithm>

#include "common/base/mutant.h"
#include "common/base/overloaded.h"
#include "common/model/text.h"
#include "services/rebalancer/core/facts.h"

namespace evenkeel {
namespace {

CommandEnd end_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDone:
      return CommandEnd::kDone;
    case Outcome::kFailed:
      return CommandEnd::kFailed;
    case Outcome::kRefused:
      return CommandEnd::kRefused;
  }
  EK_CHECK(false);
}

/// One acknowledgement, against the command that it closes.
class Closing {
 public:
  Closing(const ClusterView& view, const CommandRecord& command, const CommandResult& result,
          const Limits& limits, Instant now)
      : view_(view), command_(command), result_(result), limits_(limits), now_(now) {}

  Changes changes() && {
    close();
    switch (command_.kind) {
      case CommandKind::kReplicate:
        of_replicate();
        break;
      case CommandKind::kDelete:
        of_delete();
        break;
      case CommandKind::kVerify:
        of_verify();
        break;
      case CommandKind::kReport:
        break;
    }
    return std::move(changes_);
  }

 private:
  bool done() const { return result_.outcome == Outcome::kDone; }
  Chunk chunk() const { return *view_.find(*command_.chunk); }
  std::optional<Replica> held() const { return view_.replica(chunk(), command_.server); }
  /// An inventory was faster: what it says of the replica is newer than this.
  bool is_overtaken() const {
    return view_.find(command_.server)->has_told_since(*command_.chunk, result_.journal);
  }

  void close() {
    std::string why;
    if (!done()) {
      why = std::string(to_text(result_.why));
      if (!result_.detail.empty()) why += ": " + result_.detail;
    }
    changes_.push_back(CommandClosed{command_.id, end_of(result_.outcome), why});
    if (!done()) {
      changes_.push_back(Noted{"command", to_string(command_.id),
                               std::string(to_text(result_.outcome)) + " on " +
                                   to_string(command_.server) + ": " + why});
    }
  }

  void vouch(bool content) {
    std::optional<Voucher> presence;
    if (command_.issued) {  // counted from the question, not from the answer, which may be late
      const Instant asked = EK_MUTANT(freshness_measured_at_ack_arrival) ? now_ : *command_.issued;
      presence = Voucher{Holder::VouchedBy::kCommand, command_.id.value(), asked};
    }
    changes_.push_back(ReplicaVouched{*command_.chunk, command_.server, presence,
                                      content ? command_.issued : std::nullopt});
  }

  void aside(const std::string& why, Duration pause) {
    changes_.push_back(ChunkSetAside{*command_.chunk, why, now_ + pause});
  }

  void blame_sources() {
    for (const Blame& blame : result_.blamed) {
      const auto blamed = view_.replica(chunk(), blame.server);
      if (!blamed || !blamed->valid() || command_.version != chunk().version) continue;
      if (blame.fault != Fault::kCorrupt && blame.fault != Fault::kMissing) continue;
      // Said by another, not seen by its holder: verified before it is believed (S13).
      changes_.push_back(
          ReplicaChanged{*command_.chunk, blame.server, ReplicaState::kSuspect, chunk().version});
      changes_.push_back(Noted{"chunk", to_string(*command_.chunk),
                               "replica on " + to_string(blame.server) + " is suspect: " +
                                   std::string(to_text(blame.fault)) + " as a source"});
    }
  }

  /// More at a time while acknowledgements keep their pace, less while they do not: a whole window
  /// of slow ones takes a quarter of it, a whole window of quick ones adds an eighth. A window is
  /// full of bytes or of copies: a small chunk takes as much of it as any one copy.
  void pace() {
    if (!command_.issued) return;
    const Bytes window = view_.find(command_.server)->window.value_or(limits_.bytes_in);
    const Bytes taken = std::max(command_.size, limits_.bytes_in * Ratio(1.0 / limits_.copies_in));
    const Duration took = now_ - *command_.issued;
    Bytes next = window;
    if (took > limits_.copy_pace) {
      const Bytes smallest = limits_.bytes_in * Ratio(1.0 / 16);
      const Bytes less = taken * Ratio(0.25);
      next = window > smallest + less ? window - less : smallest;
    } else if (took < limits_.copy_pace / 2) {
      next = std::min(limits_.bytes_in * 4, window + taken * Ratio(0.125));
    }
    if (next != window) changes_.push_back(ServerPaced{command_.server, next});
  }

  void of_replicate() {
    blame_sources();
    if (!done() && !EK_MUTANT(failed_copy_counted_good)) {
      if (result_.why == Why::kNoSpace) {
        changes_.push_back(ServerFull{command_.server, now_ + limits_.full_for});
      } else {
        aside("a copy to " + to_string(command_.server) +
                  " did not succeed: " + std::string(to_text(result_.why)),
              limits_.aside);
      }
      return;
    }
    pace();
    if (is_overtaken()) return;
    const bool current = command_.version == chunk().version;
    const ReplicaState state = current ? ReplicaState::kValid : ReplicaState::kStale;
    if (!held()) {
      changes_.push_back(
          ReplicaAdded{*command_.chunk, command_.server, state, command_.version, result_.journal});
    } else if (current && !held()->valid()) {
      // Another in its place, with a journal number of its own: an older report is no news of it.
      changes_.push_back(ReplicaLost{*command_.chunk, command_.server, result_.journal});
      changes_.push_back(
          ReplicaAdded{*command_.chunk, command_.server, state, command_.version, result_.journal});
    }
    vouch(true);
    if (!current || !command_.drop) return;
    const auto dropped = view_.replica(chunk(), *command_.drop);
    if (dropped && dropped->state == ReplicaState::kValid) {
      changes_.push_back(
          ReplicaChanged{*command_.chunk, *command_.drop, ReplicaState::kSurplus, chunk().version});
    }
  }

  void of_delete() {
    const bool gone = done() || result_.why == Why::kMissing;
    // Only the version that was to go: another may have been reported in its place.
    if (gone && held() && view_.version_of(chunk(), *held()) == command_.version) {
      changes_.push_back(ReplicaLost{*command_.chunk, command_.server, result_.journal});
    }
    if (!gone) aside("a delete was not done: " + std::string(to_text(result_.why)), 1min);
  }

  void of_verify() {
    if (!held() || command_.version != chunk().version) return;
    const bool content = command_.level == VerifyLevel::kContent;
    if (done()) {
      vouch(content);
      if (content && held()->state == ReplicaState::kSuspect) {
        changes_.push_back(ReplicaChanged{*command_.chunk, command_.server, ReplicaState::kValid,
                                          chunk().version});
        // What was to take its place has, or need not any more.
        close_proved(view_, *view_.slot_of(*command_.chunk), command_.server, "a verify", changes_);
      }
      return;
    }
    switch (result_.why) {
      case Why::kCorrupt:
        if (held()->state != ReplicaState::kStale) {
          changes_.push_back(ReplicaChanged{*command_.chunk, command_.server,
                                            ReplicaState::kCorrupt, chunk().version});
        }
        break;
      case Why::kMissing:
      case Why::kVersion:
        changes_.push_back(ReplicaLost{*command_.chunk, command_.server, result_.journal});
        break;
      default:
        aside("could not be verified on " + to_string(command_.server) + ": " +
                  std::string(to_text(result_.why)),
              limits_.aside);
    }
  }

  const ClusterView& view_;
  const CommandRecord& command_;
  const CommandResult& result_;
  const Limits& limits_;
  const Instant now_;
  Changes changes_;
};

}  // namespace

Changes of_acknowledgement(const ClusterView& view, const CommandAcknowledged& event,
                           const Limits& limits, Instant now) {
  const CommandRecord* command = view.find(event.result.command);
  if (!command && event.result.command >= view.next_command()) {
    // Every command was committed before it was seen (S8): this one by a database that is lost. All
    // servers are to report to a new epoch before anything is deleted.
    const std::string why = to_string(event.from.server) + " has done " +
                            to_string(event.result.command) +
                            ", which this database has not issued";
    return of_being_behind(view, view.epoch().next(), event.result.command, why);
  }
  if (!command) return {};  // closed before: the agent repeats itself
  if (command->server != event.from.server || command->storage != event.from.storage) return {};
  if (command->kind == CommandKind::kReport) {
    return {CommandClosed{command->id, end_of(event.result.outcome), ""}};
  }
  return Closing(view, *command, event.result, limits, now).changes();
}

}  // namespace evenkeel
