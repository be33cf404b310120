#include "services/rebalancer/io/agents_port.h"

#include <algorithm>

#include "common/base/mutant.h"
#include "common/base/overloaded.h"
#include "common/reactor/sockets.h"
#include "services/rebalancer/core/facts.h"

namespace evenkeel {
namespace {

constexpr Duration kTryAgainAfter = std::chrono::milliseconds(200);
constexpr std::size_t kEarlyMax = 10'000;  // greetings; whoever finds no room greets again

}  // namespace

AgentsPort::AgentsPort(Loop& loop, zmq::context_t& context, const Settings& settings,
                       const ClusterView& view, Publisher& publisher, const Keys& keys,
                       const Clock& clock, std::function<void(Event)> on_event)
    : settings_(settings),
      view_(view),
      publisher_(publisher),
      keys_(keys),
      clock_(clock),
      on_event_(std::move(on_event)),
      rejects_("agents", clock),
      channel_(loop,
               make_router(context, {.endpoint = settings.endpoint,
                                     .attach = Attach::kBind,
                                     .send_queue_messages = 10'000,
                                     .receive_queue_messages = 10'000,
                                     .frame_max = Bytes(wire::kMessageBytesMax)}),
               [this](Frames&& frames) { on_message(std::move(frames)); }) {}

void AgentsPort::on_message(Frames&& frames) {
  if (frames.size() != 2) return rejects_.add("not one frame");
  auto message = wire::decode(settings_.cluster, bytes_of(frames[1]));
  if (!message) return rejects_.add(message.error().what);
  take(frames[0].to_string(), std::move(*message));
}

void AgentsPort::take(const std::string& route, wire::Message&& message) {
  std::visit(Overloaded{
                 [&](Hello& m) { on_hello(route, m); },
                 [&](Inventory& m) { on_inventory(route, std::move(m)); },
                 [&](Ack& m) { on_ack(route, m); },
                 [&](Progress&) {},  // tells that it lives; nothing rests on it yet
                 [&](Pull& m) {
                   if (!known(route, m.from)) return;
                   send(route, publisher_.open_commands(m.from.server, m.after));
                 },
                 [&](auto&) {
                   rejects_.add("no message of an agent: " + std::string(wire::kind_of(message)));
                 },
             },
             message);
}

std::string AgentsPort::why_unknown(const AgentIdentity& from) const {
  const Server* server = view_.find(from.server);
  if (!server) return "membership has not told of " + to_string(from.server);
  if (server->member.storage != from.storage) {
    return "membership tells of another storage of " + to_string(from.server);
  }
  if (server->member.incarnation != from.incarnation) {
    return "membership tells of another incarnation of " + to_string(from.server);
  }
  return {};
}

bool AgentsPort::known(const std::string& route, const AgentIdentity& from) {
  const std::string why = why_unknown(from);
  if (why.empty()) return true;
  send(route, Retry{why, kTryAgainAfter});
  return false;
}

void AgentsPort::on_hello(const std::string& route, const Hello& hello) {
  if (known(route, hello.from)) return greet(route, hello);
  // Membership tells of a server that starts a moment after it has greeted.
  if (early_.size() < kEarlyMax || early_.contains(hello.from.server)) {
    early_.insert_or_assign(hello.from.server, Early{route, hello});
  }
}

void AgentsPort::greet(const std::string& route, const Hello& hello) {
  early_.erase(hello.from.server);
  on_event_(AgentGreeted{hello});
  greeted_.insert_or_assign(hello.from.server,
                            Greeted{route, hello.from.storage});  // welcomed when it is durable
}

void AgentsPort::on_inventory(const std::string& route, Inventory&& inventory) {
  if (!known(route, inventory.from)) return;
  if (inventory.from.epoch != view_.epoch() && !EK_MUTANT(inventory_no_watermark)) {
    return send(route,
                Retry{"say hello first: the epoch is " + std::to_string(view_.epoch().value()),
                      kTryAgainAfter});
  }
  const Server& server = *view_.find(inventory.from.server);
  InventoryReply reply{inventory.number, inventory.part, InventoryReply::Status::kOk};
  if (server.admin == AdminState::kRemoved)
    return send(route, reply);  // nothing that it holds counts
  const bool repetition =
      inventory.number <= server.inventory_number && server.standing == Standing::kReported;
  if (!acceptable(server, inventory)) {
    // A repetition of what was taken in is confirmed; what is too old has to be made anew.
    if (!repetition) reply.status = InventoryReply::Status::kAgain;
    return send(route, reply);
  }
  const Instant asked = server.inventory_asked.value_or(view_.started());
  if (!inventories_.add(std::move(inventory), asked)) {
    return rejects_.add("an inventory of too many parts");
  }
  waiting_.push_back({route, reply});
  on_event_(TimePassed{});  // so that a commit follows
}

void AgentsPort::on_ack(const std::string& route, const Ack& ack) {
  if (!known(route, ack.from)) return;
  AckReply reply;
  JournalNumber highest(0);
  for (const CommandResult& result : ack.results) {
    on_event_(CommandAcknowledged{ack.from, result});
    reply.commands.push_back(result.command);
    highest = std::max(highest, result.journal);
  }
  on_event_(JournalAcknowledged{ack.from.server, ack.from.storage, highest});
  waiting_.push_back({route, std::move(reply)});
}

void AgentsPort::committed() {
  for (const Waiting& waiting : std::exchange(waiting_, {})) send(waiting.route, waiting.answer);
  for (const auto& [server, greeted] : std::exchange(greeted_, {})) {
    const StorageId storage = view_.find(server)->member.storage;
    if (storage != greeted.storage) continue;  // replaced meanwhile: this key is not for it
    send(greeted.route, Welcome{view_.epoch(), server, storage, keys_.copy_key(storage), true});
  }
  std::vector<Early> known_now;
  for (const auto& [server, early] : early_) {
    if (why_unknown(early.hello.from).empty()) known_now.push_back(early);
  }
  for (const Early& early : known_now) greet(early.route, early.hello);
}

void AgentsPort::send(const std::string& route, const wire::Message& message) {
  // An agent that has gone, or that does not read, repeats its question.
  static_cast<void>(channel_.send({route, wire::encode(settings_.cluster, message)}));
}

}  // namespace evenkeel
