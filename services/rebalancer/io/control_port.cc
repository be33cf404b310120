#include "services/rebalancer/io/control_port.h"

#include "common/model/text.h"
#include "common/reactor/sockets.h"
#include "common/token/token.h"

namespace evenkeel {

ControlPort::ControlPort(Loop& loop, zmq::context_t& context, const Settings& settings,
                         const ClusterView& view, const Keys& keys, const Clock& clock,
                         std::function<void(Event)> on_event, std::function<void(Asked)> on_asked)
    : settings_(settings),
      view_(view),
      keys_(keys),
      rejects_("control", clock),
      on_event_(std::move(on_event)),
      on_asked_(std::move(on_asked)),
      channel_(loop,
               make_router(context, {.endpoint = settings.endpoint,
                                     .attach = Attach::kBind,
                                     .send_queue_messages = 10'000,
                                     .receive_queue_messages = 10'000,
                                     .frame_max = Bytes(wire::kMessageBytesMax)}),
               [this](Frames&& frames) { on_message(std::move(frames)); }) {}

void ControlPort::on_message(Frames&& frames) {
  if (frames.size() != 2) return rejects_.add("not one frame");
  const std::string route = frames[0].to_string();
  auto message = wire::decode(settings_.cluster, bytes_of(frames[1]));
  if (!message) return refuse(route, bytes_of(frames[1]), message.error());
  auto* request = std::get_if<ControlRequest>(&*message);
  if (!request) return rejects_.add("no request: " + std::string(wire::kind_of(*message)));
  take(route, std::move(*request));
}

void ControlPort::refuse(const std::string& route, std::string_view bytes, const Error& error) {
  rejects_.add(error.what);
  const auto request = wire::request_of(bytes);
  if (!request) return;
  const bool kind = error.code == ErrorCode::kNotFound;
  const std::string code = kind ? "unknown_kind" : std::string(answer_code(error.code));
  answer(route, *request, Refused{code, error.what});
}

void ControlPort::take(const std::string& route, ControlRequest&& request) {
  if (const auto* put = std::get_if<PutClose>(&request.what)) {
    std::string fault;
    if (!take_receipts(*put, fault)) {
      return answer(route, request.request, Refused{"malformed", fault});
    }
  }
  auto who = whose(request.token);
  if (!who) {
    const std::string why = "the token is that of no operator whom the rebalancer's settings name";
    rejects_.add(why);
    return answer(route, request.request, Refused{"denied", why});
  }
  on_asked_(Asked{
      std::move(request.what),
      [this, route, id = request.request](Answer made) { answer(route, id, std::move(made)); },
      std::move(*who)});
}

/// Empty: nobody says who he is, or nobody here is known by a name. None: it is nobody's token.
std::optional<std::string> ControlPort::whose(const std::string& token) const {
  if (token.empty() || settings_.operators.empty()) return "";
  const std::string digest = sha256(token);
  for (const auto& [name, known] : settings_.operators) {
    if (equal_in_constant_time(digest, known)) return name;
  }
  return std::nullopt;
}

bool ControlPort::take_receipts(const PutClose& put, std::string& fault) {
  ChunksStored stored;
  for (const Receipt& receipt : put.stored) {
    const auto chunk = view_.find(receipt.chunk);
    const Server* server = view_.find(receipt.server);
    if (!chunk || !server || server->member.storage != receipt.storage) {
      fault = "a receipt for " + to_string(receipt.chunk) + " names what is not known";
      return false;
    }
    if (!keys_.is_receipt(receipt, chunk->content())) {
      fault = "the receipt of " + to_string(receipt.server) + " for " + to_string(receipt.chunk) +
              " is not signed by it";
      return false;
    }
    stored.items.push_back({receipt.chunk, receipt.server, receipt.storage, receipt.journal});
  }
  if (!stored.items.empty()) on_event_(std::move(stored));
  return true;
}

void ControlPort::answer(const std::string& route, std::uint64_t request, Answer answer) {
  if (auto* pong = std::get_if<Pong>(&answer)) pong->version = settings_.version;
  sign(answer);
  // Whoever has gone meanwhile asks again.
  static_cast<void>(channel_.send(
      {route, wire::encode(settings_.cluster, ControlAnswer{request, std::move(answer)})}));
}

void ControlPort::sign(Answer& answer) const {
  if (auto* placed = std::get_if<PutPlaced>(&answer)) {
    placed->epoch = view_.epoch();
    for (auto& item : placed->items) {
      const ChunkContent content = view_.find(item.chunk)->content();
      for (Source& target : item.targets) {
        target.token = keys_.put_token(view_.epoch(), content, target.storage);
      }
    }
  } else if (auto* located = std::get_if<Located>(&answer)) {
    located->epoch = view_.epoch();
    for (auto& item : located->chunks) {
      for (Source& holder : item.holders) {
        holder.token = keys_.get_token(view_.epoch(), item.content, holder.storage);
      }
    }
  }
}

}  // namespace evenkeel
