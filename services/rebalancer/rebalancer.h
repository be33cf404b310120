#pragma once
#include <functional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "common/base/time.h"
#include "common/model/control.h"
#include "services/rebalancer/core/event.h"
#include "services/rebalancer/core/limits.h"
#include "services/rebalancer/store/store.h"
#include "services/rebalancer/turn_pace.h"
#include "services/rebalancer/watch.h"

namespace evenkeel {

/// What a commit has made true, for those who tell others of it.
struct Committed {
  std::vector<CommandId> issued;
  std::vector<std::pair<CommandId, ServerId>> closed;      ///< and whose they were
  std::vector<std::pair<CommandId, ServerId>> superseded;  ///< of the closed: not wanted any more
  std::size_t events = 0;
  std::size_t changes = 0;
  bool more_to_do = false;  ///< the turn was cut off by its bound: there is to be another soon
};

/// A request of a client or operator; `answer` is called after the commit that it led to.
struct Asked {
  Request request;
  std::function<void(Answer)> answer;
  std::string who = {};  ///< the operator, as is proven; empty: anybody
};

/// The whole of the service but for its sockets. main() feeds it from ZeroMQ, the simulator from a
/// seed; neither can tell it apart.
class Rebalancer {
 public:
  /// Loads the view and raises the epoch, durably, before anything can be sent in it.
  Rebalancer(Store& store, const Clock& clock, const Limits& limits);

  /// Takes in what happened and was asked, decides what to do about it, and makes all of it durable
  /// in one transaction. Events are delivered at least once: repeats change nothing.
  ///
  /// Throws SqliteError and Superseded. The view may then be ahead of the store, so the caller lets
  /// it end the process; the next start begins from what was committed.
  Committed handle(std::span<const Event> events, std::span<const Asked> questions = {});

  /// To be called once what handle() has committed is published: writes the log back into the
  /// database if it is long. What comes meanwhile waits for it too, so the next turns are bound by
  /// how long all of this one took.
  void end_turn();

  /// The last event of the runs before this one; what is newer has not been published yet.
  EventNumber last_event_before() const { return last_event_before_; }

  const ClusterView& view() const { return view_; }
  const Limits& limits() const { return limits_; }
  const Watch& watch() const { return watch_; }
  Bytes log_size() const { return store_.log_size(); }
  Store& store() { return store_; }

 private:
  void begin_epoch();
  void number_apart(Store::Transaction& transaction, Committed& committed);
  void record(Store::Transaction& transaction, const Changes& changes, Committed& committed);
  void look_at_absences(Store::Transaction& transaction, Committed& committed);
  std::optional<Event> copy_after_all(const Event& event);
  std::size_t looks_of_watch() const;
  bool may_wait(std::span<const Event> events, Instant now) const;
  void look_at_log(Store::Transaction& transaction, Committed& committed);
  void give_up_old_puts(Store::Transaction& transaction, Committed& committed);
  void give_up_old_proposals(Store::Transaction& transaction, Committed& committed);
  Store::Transaction begin();

  Store& store_;
  const Clock& clock_;
  const Limits limits_;
  TurnPace pace_;
  ClusterView view_;
  const EventNumber last_event_before_;
  Instant puts_looked_at_, proposals_looked_at_;
  Instant turn_began_;
  Duration committing_{};        ///< took so much of the last turn
  Instant last_turn_{};          ///< in which anything was done
  bool cut_off_ = false;         ///< the last turn had more to do than it was allowed
  bool at_rest_ = false;         ///< it had nothing to do
  bool servers_changed_ = true;  ///< since it was last looked who is away
  bool knew_no_chunk_ = false;   ///< when it started; until a number was given out
  Watch watch_;
};

}  // namespace evenkeel
