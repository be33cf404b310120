#include "services/membership/io/membership.h"

#include <utility>

#include "common/base/check.h"
#include "common/base/overloaded.h"
#include "common/log/log.h"
#include "common/reactor/sockets.h"
#include "common/wire/topics.h"
#include "services/membership/io/snapshot.h"

namespace evenkeel::membership {
namespace {

// A storm of thousands of events in one commit should reach a subscriber that keeps up whole; for
// one that does not, a gap is the sign to ask for the snapshot.
constexpr int kQueueMessages = 10'000;

SocketSettings bound(const std::string& endpoint) {
  SocketSettings settings;
  settings.endpoint = endpoint;
  settings.attach = Attach::kBind;
  settings.send_queue_messages = kQueueMessages;
  settings.receive_queue_messages = kQueueMessages;
  // Up to twice what a message may have is told to us as malformed; beyond it ZeroMQ hangs up.
  settings.frame_max = Bytes(2 * wire::kMessageBytesMax);
  return settings;
}

void log_event(const MemberEvent& event) {
  const Member& member = *event.member;
  log::info("event", {{"number", event.number},
                      {"kind", wire::member_topic(event.kind)},
                      {"server", member.server},
                      {"incarnation", member.incarnation},
                      {"storage", member.storage},
                      {"location", member.location},
                      {"address", member.address},
                      {"free_bytes", member.free.count()}});
}

}  // namespace

void Membership::Outcome::add(const MemberChanges& more) {
  changes.insert(changes.end(), more.begin(), more.end());
}

Membership::Membership(const Options& options, Loop& loop, zmq::context_t& context,
                       const Clock& clock, MemberStore& store)
    : options_(options),
      clock_(clock),
      store_(store),
      table_(options.patience, store.members(), clock.now()),
      pause_watch_(options.judge_interval, options.patience.suspect_after / 2, clock.now()),
      refusals_(clock),
      turn_(loop, {}, [this](std::vector<Item>&& items) { handle(std::move(items)); }),
      // To subscribers an XPUB is a PUB; a channel needs a socket that can be read, and who
      // subscribes is not our affair.
      events_(loop, make_xpub(context, bound(options.events_endpoint)), [](Frames&&) {}),
      requests_(loop, make_router(context, bound(options.requests_endpoint)),
                [this](Frames&& frames) {
                  auto request = asked_in(options_.cluster, frames, refusals_);
                  if (!request) return;
                  std::visit([this](auto&& what) { turn_.add(std::move(what)); },
                             std::move(*request));
                }),
      look_timer_(loop, [this] { turn_.add(Look{}); }),
      beacon_timer_(loop, [this] { beacon(); }) {
  look_timer_.start(options_.judge_interval, options_.judge_interval);
  beacon_timer_.start(Duration::zero(), options_.beacon_interval);
}

void Membership::handle(std::vector<Item>&& items) {
  const Instant now = clock_.now();
  Outcome outcome;
  bool look_due = false;
  for (Item& item : items) {
    std::visit(Overloaded{
                   [&](const Asked& asked) { take(asked, now, outcome); },
                   [&](UnknownKind& unknown) {
                     outcome.due.push_back({unknown.peer, std::move(unknown)});
                   },
                   [&](Look) { look_due = true; },
               },
               item);
  }
  if (look_due) look(now, outcome);  // after all that was heard in this turn
  settle(outcome);
}

void Membership::take(const Asked& asked, Instant now, Outcome& outcome) {
  const auto weigh = [&](ServerId server, const Verdict& verdict) {
    outcome.add(verdict.changes);
    outcome.due.push_back(
        {asked.peer, HeartbeatReply{server, verdict.status, verdict.incarnation, EventNumber(0)}});
  };
  std::visit(Overloaded{
                 [&](const Heartbeat& heartbeat) {
                   ++heartbeats_;
                   weigh(heartbeat.member.server, table_.heartbeat(heartbeat.member, now));
                 },
                 [&](const Leave& leave) { weigh(leave.server, table_.leave(leave, now)); },
                 [&](const SnapshotRequest& request) {
                   outcome.due.push_back({asked.peer, request});
                 },
             },
             asked.what);
}

void Membership::look(Instant now, Outcome& outcome) {
  ++looks_;
  if (pause_watch_.look(now)) {
    log::warn("paused", {{"meaning", "this process stood still; all silence is counted anew"}});
    table_.restart_silence(now);
  }
  outcome.add(table_.judge(now));
}

void Membership::settle(const Outcome& outcome) {
  publish(store_.commit(outcome.changes, clock_.wall_now()));
  for (const Due& due : outcome.due) answer(due);
  if (outcome.changes.empty()) return;
  ++commits_;
  store_.tidy();
}

void Membership::publish(const std::vector<MemberEvent>& events) {
  for (const MemberEvent& event : events) {
    tell(event);
    log_event(event);
  }
}

void Membership::beacon() {
  tell({MemberEventKind::kBeacon, store_.stream(), store_.last_number(), std::nullopt,
        clock_.wall_now()});
}

/// An XPUB is never full: who does not keep up misses numbers, and asks.
void Membership::tell(const MemberEvent& event) {
  const std::string message = wire::encode(options_.cluster, event);
  EK_CHECK(events_.send({wire::member_topic(event.kind), message}) == Sent::kTaken);
}

void Membership::answer(const Due& due) {
  std::visit(
      Overloaded{
          [&](HeartbeatReply reply) {
            reply.number = store_.last_number();
            send(due.peer, reply);
          },
          [&](const SnapshotRequest& request) {
            const MemberSnapshot of{.request = request.request,
                                    .stream = store_.stream(),
                                    .number = store_.last_number(),
                                    .part = 1,
                                    .parts = 1,
                                    .members = {}};
            for (const auto& part : snapshot_parts(of, table_.members())) {
              send(due.peer, part);
            }
          },
          [&](const UnknownKind& unknown) {
            send(due.peer, ControlAnswer{unknown.request, Refused{"unknown_kind", unknown.kind}});
          },
      },
      due.answer);
}

/// Who cannot be reached asks again: an answer that is lost costs nothing but that.
void Membership::send(const std::string& peer, const wire::Message& message) {
  if (requests_.send({peer, wire::encode(options_.cluster, message)}) == Sent::kTaken) return;
  refusals_.add(Refusal::kUnreachable, wire::kind_of(message));
}

}  // namespace evenkeel::membership
