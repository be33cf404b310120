#include "services/agent/io/membership_link.h"

#include "common/log/log.h"
#include "common/reactor/sockets.h"
#include "common/wire/codec.h"

namespace evenkeel::agent {
namespace {

constexpr Duration kComplaintPause{10'000};

// Old heartbeats are of no use to a membership service that comes back: only a few may queue.
SocketSettings socket_of(const std::string& endpoint) {
  SocketSettings settings{endpoint};
  settings.send_queue_messages = 4;
  settings.frame_max = Bytes(wire::kMessageBytesMax);
  return settings;
}

}  // namespace

MembershipLink::MembershipLink(Loop& loop, zmq::context_t& context, Storage& storage,
                               const MembershipSettings& settings, Self self)
    : storage_(storage),
      cluster_(storage.journal().identity().cluster),
      self_(std::move(self)),
      channel_(loop, make_dealer(context, socket_of(settings.endpoint)),
               [this](Frames&& frames) { on_message(std::move(frames)); }),
      timer_(loop, [this] { say(); }) {
  timer_.start(Duration::zero(), settings.heartbeat_interval);
}

void MembershipLink::say() {
  const AgentIdentity own = storage_.identity();
  const Space space = storage_.space();
  Member member{own.server, own.incarnation, own.storage};
  member.location = self_.location;
  member.address = self_.address;
  member.labels = self_.labels;
  member.capacity = space.capacity;
  member.reserve = space.reserve;
  member.free = space.free();
  member.used = space.used;
  send(wire::encode(cluster_, Heartbeat{member}));
}

void MembershipLink::leave() {
  left_ = true;
  timer_.stop();
  const AgentIdentity own = storage_.identity();
  send(wire::encode(cluster_, Leave{own.server, own.incarnation, own.storage}));
}

void MembershipLink::send(const std::string& bytes) {
  // One that finds no room is made up for by the next.
  static_cast<void>(channel_.send({bytes}));
}

void MembershipLink::on_message(Frames&& frames) {
  const auto message = frames.size() == 1 ? wire::decode(cluster_, bytes_of(frames[0]))
                                          : fail(ErrorCode::kMalformed, "more than one frame");
  const auto* reply = message ? std::get_if<HeartbeatReply>(&*message) : nullptr;
  if (reply) return on_reply(*reply);
  ++malformed_;
  if (storage_.now() < next_complaint_) return;
  next_complaint_ = storage_.now() + kComplaintPause;
  log::warn("message_dropped", {{"from", "membership"},
                                {"why", message ? "not an answer" : message.error().what},
                                {"so_far", malformed_}});
}

void MembershipLink::on_reply(const HeartbeatReply& reply) {
  if (reply.server != storage_.identity().server) return;
  if (left_) {
    if (on_left) on_left();
    return;
  }
  switch (reply.status) {
    case HeartbeatReply::Status::kOk:
      return;
    case HeartbeatReply::Status::kStale:
      if (reply.incarnation < storage_.identity().incarnation) return;  // an answer from before
      log::warn("incarnation_raised", {{"to", reply.incarnation.next()}});
      storage_.raise_incarnation(reply.incarnation.next());
      if (on_new_incarnation) on_new_incarnation();
      say();
      return;
    case HeartbeatReply::Status::kConflict:
      if (storage_.now() < next_complaint_) return;
      next_complaint_ = storage_.now() + kComplaintPause;
      log::error("storage_conflict", {{"what", "another server is alive with this storage"}});
      return;
  }
}

}  // namespace evenkeel::agent
