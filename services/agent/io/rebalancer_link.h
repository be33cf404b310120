#pragma once
#include <functional>
#include <string>

#include "common/reactor/zmq_channel.h"
#include "services/agent/core/catch_up.h"
#include "services/agent/io/committer.h"
#include "services/agent/io/executor.h"

namespace evenkeel::agent {

/// The agent's talk with the rebalancer: says hello, hears commands, and repeats results and
/// inventories until they have been confirmed. Nothing but its own repetition is relied on: every
/// message may be lost, late or doubled.
class RebalancerLink {
 public:
  RebalancerLink(Loop& loop, zmq::context_t& context, Storage& storage, Committer& committer,
                 Executor& executor, const RebalancerSettings& settings);

  /// A message of this epoch was seen, here or on the data port. Written down before anything else
  /// is done if it is higher than ours; where files are being moved for commands of the epoch that
  /// we have, not before that has come to its end, however long the disk takes: who has heard from
  /// us in the new epoch may rely on no command of an older one taking effect any more.
  void raise_epoch(Epoch epoch);
  /// Begins anew: the incarnation has changed.
  void say_hello_again();
  /// Says what there is to say: after a commit.
  void flush();

 private:
  void on_published(Frames&& frames);
  void on_answered(Frames&& frames);
  void dropped(const std::string& why);
  void on(const Welcome& welcome);
  void on(const Retry& retry);
  void on(const InventoryReply& reply);
  void on(const AckReply& reply);
  void on(const Beacon& beacon);
  void on(const Commands& commands, bool pulled);
  void on(const Withdraw& withdraw);
  template <class T>
  void on(const T& other);
  bool ours(Epoch epoch, ServerId server);
  void tell_it_is_behind();

  void end_unendorsed();

  void tick();
  void say_hello();
  void say_results();
  void say_inventory();
  void say_progress();
  void pull();
  bool send(const wire::Message& message);
  void confirm_in_journal();

  Storage& storage_;
  Committer& committer_;
  Executor& executor_;
  const std::string cluster_;
  CatchUp catch_up_;
  bool welcome_ = false;         // by the epoch that we have
  std::optional<Epoch> higher_;  // seen, and to be taken when nothing is being moved
  Backoff hello_backoff_{Duration(1'000), Duration(10'000)};
  Instant next_hello_{}, next_progress_{}, next_delta_{}, next_confirm_{}, next_complaint_{},
      next_correction_{};
  std::vector<CommandId> confirmed_;  // not yet in the journal
  std::uint64_t dropped_ = 0;
  ZmqChannel commands_;
  ZmqChannel agents_;
  Timer timer_;
};

}  // namespace evenkeel::agent
