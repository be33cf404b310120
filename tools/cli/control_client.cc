#include "tools/cli/control_client.h"

#include "common/reactor/sockets.h"
#include "common/wire/codec.h"
#include "tools/cli/text.h"

namespace evenkeel::cli {
namespace {

SocketSettings socket_settings(const std::string& endpoint) {
  SocketSettings settings{.endpoint = endpoint};
  settings.send_queue_messages = 100'000;  // requests are bounded by who asks them
  settings.receive_queue_messages = 100'000;
  settings.linger = Duration(0);  // nobody waits for an answer any more
  return settings;
}

ErrorCode code_of(const std::string& word) {
  if (word == "malformed" || word == "unknown_kind") return ErrorCode::kMalformed;
  if (word == "not_found") return ErrorCode::kNotFound;
  if (word == "stale") return ErrorCode::kStale;
  if (word == "conflict") return ErrorCode::kConflict;
  if (word == "denied") return ErrorCode::kDenied;
  return ErrorCode::kBusy;
}

}  // namespace

ControlClient::ControlClient(Loop& loop, zmq::context_t& context, Settings settings)
    : loop_(&loop),
      settings_(std::move(settings)),
      channel_(loop, make_dealer(context, socket_settings(settings_.endpoint)),
               [this](Frames&& frames) { heard(frames); }) {}

void ControlClient::ask_any(Request what, Then<Answer> then) {
  const std::uint64_t request = ++last_request_;
  const bool begins_anew = std::holds_alternative<PutOpen>(what);
  Pending pending{
      wire::encode(settings_.cluster, ControlRequest{request, std::move(what), settings_.token}),
      std::move(then), begins_anew,
      std::make_unique<Timer>(*loop_, [this, request] { half_time(request); })};
  pending.timer->start(begins_anew ? settings_.timeout : settings_.timeout / 2);
  send(pending);
  pending_.emplace(request, std::move(pending));
}

/// What the queue has no room for is as lost as what the network drops: the repetition sees to it.
void ControlClient::send(const Pending& pending) {
  static_cast<void>(channel_.send({pending.bytes}));
}

void ControlClient::half_time(std::uint64_t request) {
  Pending& pending = pending_.at(request);
  if (pending.repeated) {
    return answered(request, fail(ErrorCode::kBusy, "the rebalancer at " + settings_.endpoint +
                                                        " does not answer (waited " +
                                                        duration_text(settings_.timeout) + ")"));
  }
  pending.repeated = true;
  pending.timer->start(settings_.timeout - settings_.timeout / 2);
  send(pending);
}

void ControlClient::heard(const Frames& frames) {
  if (frames.size() != 1) return;
  Result<wire::Message> message = wire::decode(settings_.cluster, bytes_of(frames[0]));
  if (!message) return;  // not an answer that we can match to a question: it is as if not sent
  if (auto* answer = std::get_if<ControlAnswer>(&*message)) {
    answered(answer->request, std::move(answer->what));
  }
}

void ControlClient::answered(std::uint64_t request, Result<Answer> answer) {
  const auto found = pending_.find(request);
  if (found == pending_.end()) return;
  const Pending ended = std::move(found->second);  // also the timer that may have called us
  pending_.erase(found);
  ended.then(std::move(answer));
}

Error ControlClient::error_of(const Answer& answer) const {
  if (const auto* refused = std::get_if<Refused>(&answer)) {
    return {code_of(refused->code), refused->what + " (" + refused->code + ")"};
  }
  return {ErrorCode::kMalformed,
          "the rebalancer at " + settings_.endpoint + " answered with another kind of message"};
}

}  // namespace evenkeel::cli
