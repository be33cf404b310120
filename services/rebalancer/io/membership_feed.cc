#include "services/rebalancer/io/membership_feed.h"

#include "common/base/mutant.h"
#include "common/reactor/sockets.h"
#include "common/wire/topics.h"

namespace evenkeel {
namespace {

constexpr std::size_t kEarlyMax = 100'000;

zmq::socket_t subscribe(zmq::context_t& context, const std::string& endpoint) {
  return make_sub(
      context,
      {.endpoint = endpoint, .receive_queue_messages = 100'000, .topics = {wire::kMemberTopics}});
}

}  // namespace

MembershipFeed::MembershipFeed(Loop& loop, zmq::context_t& context, const Settings& settings,
                               const Clock& clock, std::function<void(Event)> on_event)
    : settings_(settings),
      clock_(clock),
      on_event_(std::move(on_event)),
      rejects_("membership events", clock),
      events_(loop, subscribe(context, settings.events),
              [this](Frames&& frames) { on_published(std::move(frames)); }),
      requests_(loop, make_dealer(context, {.endpoint = settings.requests}),
                [this](Frames&& frames) { on_answer(std::move(frames)); }),
      timer_(loop, [this] { tick(); }),
      heard_(clock.now()),
      asked_(clock.now() - settings.ask_every),
      refreshed_(clock.now()) {
  timer_.start(Duration(0), std::chrono::milliseconds(100));
}

void MembershipFeed::on_published(Frames&& frames) {
  if (frames.size() != 2) return rejects_.add("not two frames");
  const auto message = wire::decode(settings_.cluster, bytes_of(frames[1]));
  if (!message) return rejects_.add(message.error().what);
  const auto* event = std::get_if<MemberEvent>(&*message);
  if (!event) return rejects_.add("not an event: " + std::string(wire::kind_of(*message)));
  heard_ = clock_.now();
  if (!in_step_) {
    if (event->member && early_.size() < kEarlyMax) early_.push_back(*event);
    return;
  }
  take(*event);
}

void MembershipFeed::take(const MemberEvent& event) {
  if (event.stream != *stream_) return unsure("the publisher began a new stream");
  if (!event.member) {
    if (event.number > number_)
      unsure("events up to " + std::to_string(event.number.value()) + " were missed");
    return;
  }
  if (event.number <= number_) return;  // a repetition
  if (event.number != number_.next() && !EK_MUTANT(membership_gap_ignored)) {
    return unsure("event " + std::to_string(event.number.value()) + " came after " +
                  std::to_string(number_.value()));
  }
  number_ = event.number;
  on_event_(MemberChanged{event.stream, event.number, event.kind, *event.member});
}

void MembershipFeed::unsure(const std::string& why) {
  in_step_ = false;
  early_.clear();
  on_event_(MembershipUnsure{why});
  ask();
}

void MembershipFeed::ask() {
  const Instant now = clock_.now();
  if (now - asked_ < settings_.ask_every) return;
  asked_ = now;
  snapshot_ = {.request = ++last_request_};
  // A full queue means that nobody answers; the next tick asks again.
  static_cast<void>(
      requests_.send({wire::encode(settings_.cluster, SnapshotRequest{last_request_})}));
}

void MembershipFeed::on_answer(Frames&& frames) {
  if (frames.size() != 1) return rejects_.add("not one frame");
  const auto message = wire::decode(settings_.cluster, bytes_of(frames[0]));
  if (!message) return rejects_.add(message.error().what);
  const auto* part = std::get_if<MemberSnapshot>(&*message);
  if (!part) return rejects_.add("not a snapshot: " + std::string(wire::kind_of(*message)));
  if (part->request != snapshot_.request) return;  // an answer to a question given up
  if (part->part < 1 || part->part > part->parts) return rejects_.add("part of no snapshot");
  if (!snapshot_.received.empty()) {
    const MemberSnapshot& first = snapshot_.received.begin()->second;
    if (first.number != part->number || first.stream != part->stream ||
        first.parts != part->parts) {
      return rejects_.add("parts of different snapshots");
    }
  }
  snapshot_.parts = part->parts;
  snapshot_.received.insert_or_assign(part->part, *part);
  if (snapshot_.received.size() == snapshot_.parts) complete();
}

void MembershipFeed::complete() {
  const MemberSnapshot& first = snapshot_.received.begin()->second;
  const bool older = in_step_ && first.stream == *stream_ && first.number < number_;
  MembersListed listed{first.stream, first.number, {}};
  for (auto& [part, snapshot] : snapshot_.received) {
    std::move(snapshot.members.begin(), snapshot.members.end(), std::back_inserter(listed.members));
  }
  snapshot_ = {};
  refreshed_ = heard_ = clock_.now();  // it lives: a silent stream is given its time anew
  if (older) return;                   // events that came meanwhile know more
  stream_ = listed.stream;
  number_ = listed.number;
  in_step_ = true;
  on_event_(std::move(listed));
  for (const MemberEvent& event : std::exchange(early_, {})) {
    if (in_step_) take(event);
  }
}

void MembershipFeed::tick() {
  const Instant now = clock_.now();
  if (in_step_ && now - heard_ > settings_.silence) {
    unsure("the publisher has been silent for " + std::to_string((now - heard_).count()) + " ms");
  }
  const bool due = now - refreshed_ > settings_.refresh_every;
  if (!in_step_ || due) ask();
}

}  // namespace evenkeel
