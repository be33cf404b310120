#pragma once
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/base/time.h"
#include "common/reactor/loop.h"
#include "common/reactor/turn.h"
#include "common/reactor/zmq_channel.h"
#include "common/wire/codec.h"
#include "services/membership/core/member_table.h"
#include "services/membership/core/pause_watch.h"
#include "services/membership/io/inbox.h"
#include "services/membership/io/options.h"
#include "services/membership/io/refusals.h"
#include "services/membership/store/member_store.h"

namespace evenkeel::membership {

/// The service on a loop: heartbeats in, numbered events out, snapshots on request.
///
/// All that came in during one turn of the loop is judged together and shares one commit. Only
/// what is committed is published, in order, and only then is anybody answered: an answer names
/// the number of the last event. If the commit fails, the exception leaves Loop::run(), and the
/// next start goes on from the file.
class Membership {
 public:
  /// Binds its sockets; from then on the loop does the rest. The last three must outlive it.
  /// Throws std::runtime_error if an endpoint cannot be bound.
  Membership(const Options& options, Loop& loop, zmq::context_t& context, const Clock& clock,
             MemberStore& store);

  std::string events_endpoint() const { return events_.endpoint(); }
  std::string requests_endpoint() const { return requests_.endpoint(); }
  const Refusals& refusals() const { return refusals_; }
  std::uint64_t looks() const { return looks_; }  ///< how often silence was looked at
  std::uint64_t commits() const { return commits_; }
  std::uint64_t heartbeats() const { return heartbeats_; }  ///< that were heard
  std::vector<Member> members() const { return table_.members(); }

 private:
  struct Look {};  // time to judge the silence of all
  using Item = std::variant<Asked, UnknownKind, Look>;
  using Answer = std::variant<HeartbeatReply, SnapshotRequest, UnknownKind>;
  struct Due {  // to be answered when the turn is committed
    std::string peer;
    Answer answer;
  };

  struct Outcome {  // of one turn
    MemberChanges changes;
    std::vector<Due> due;
    void add(const MemberChanges& more);
  };

  void handle(std::vector<Item>&& items);
  void take(const Asked& asked, Instant now, Outcome& outcome);
  void look(Instant now, Outcome& outcome);
  void settle(const Outcome& outcome);
  void publish(const std::vector<MemberEvent>& events);
  void beacon();
  void tell(const MemberEvent& event);
  void answer(const Due& due);
  void send(const std::string& peer, const wire::Message& message);

  const Options options_;
  const Clock& clock_;
  MemberStore& store_;
  MemberTable table_;
  PauseWatch pause_watch_;
  Refusals refusals_;
  std::uint64_t looks_ = 0;
  std::uint64_t commits_ = 0;
  std::uint64_t heartbeats_ = 0;
  Turn<Item> turn_;
  ZmqChannel events_;
  ZmqChannel requests_;
  Timer look_timer_;
  Timer beacon_timer_;
};

}  // namespace evenkeel::membership
