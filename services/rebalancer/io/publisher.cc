#include "services/rebalancer/io/publisher.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/base/mutant.h"
#include "common/reactor/sockets.h"
#include "common/wire/topics.h"
#include "services/rebalancer/core/evidence_span.h"

namespace evenkeel {
namespace {

constexpr std::size_t kCommandsPerMessage = wire::kCommandsMax;
constexpr std::size_t kSourcesMax = 8;  // more are never tried within the time allowed

}  // namespace

Publisher::Publisher(Loop& loop, zmq::context_t& context, const Settings& settings,
                     const Limits& limits, const ClusterView& view, const Keys& keys,
                     const Clock& clock)
    : settings_(settings),
      limits_(limits),
      view_(view),
      keys_(keys),
      clock_(clock),
      rejects_("commands", clock),
      channel_(loop, make_xpub(context, {.endpoint = settings.endpoint, .attach = Attach::kBind}),
               [this](Frames&& frames) { on_subscription(std::move(frames)); }),
      beacon_(loop, [this] { beacons(); }),
      repeat_(loop, [this] { repeat(); }) {
  for (const auto& [id, command] : view.in_flight()) {
    open_[command.server].insert(id);
    last_.insert_or_assign(command.server, id);
    again_.insert_or_assign(id, Again{clock.now(), settings.again_first});
  }
  beacon_.start(Duration(0), settings.beacon_every);
  repeat_.start(settings.again_first, std::chrono::milliseconds(500));
}

void Publisher::committed(const Committed& committed) {
  std::map<ServerId, std::vector<CommandId>> fresh;
  for (const CommandId id : committed.issued) {
    const CommandRecord* command = view_.find(id);
    if (!command) continue;  // issued and closed in the same commit
    fresh[command->server].push_back(id);
    again_.insert_or_assign(id, Again{clock_.now() + settings_.again_first, settings_.again_first});
  }
  for (const auto& [server, commands] : fresh) {
    publish(server, commands);
    if (EK_MUTANT(sent_is_forgotten)) {
      for (const CommandId id : commands) again_.erase(id);
      continue;
    }
    open_[server].insert(commands.begin(), commands.end());
    last_.insert_or_assign(server, commands.back());
  }
  for (const auto& [id, server] : committed.closed) {
    again_.erase(id);
    open_[server].erase(id);
  }
  withdraw(committed);
}

/// What nobody wants any more is best not done. Nothing rests on its being heard: who does it all
/// the same says so, and that is then known. So it is said twice, and not until it is answered.
void Publisher::withdraw(const Committed& committed) {
  std::map<ServerId, std::vector<CommandId>> by_server;
  for (const auto& [id, server] : committed.superseded) by_server[server].push_back(id);
  for (const auto& [server, commands] : by_server) {
    for (std::size_t first = 0; first < commands.size(); first += wire::kWithdrawnMax) {
      const std::size_t end = std::min(commands.size(), first + wire::kWithdrawnMax);
      Withdraw message{view_.epoch(), server, {}};
      message.commands.assign(commands.begin() + static_cast<std::ptrdiff_t>(first),
                              commands.begin() + static_cast<std::ptrdiff_t>(end));
      send(message);
      withdrawn_.emplace_back(clock_.now() + settings_.again_first, std::move(message));
    }
  }
}

void Publisher::send(const Withdraw& withdraw) {
  static_cast<void>(channel_.send(
      {wire::command_topic(withdraw.server), wire::encode(settings_.cluster, withdraw)}));
}

void Publisher::publish(ServerId server, const std::vector<CommandId>& commands) {
  std::optional<CommandId> previous;
  if (const auto last = last_.find(server); last != last_.end()) previous = last->second;
  for (std::size_t first = 0; first < commands.size(); first += kCommandsPerMessage) {
    Commands message{view_.epoch(), server, previous, false, {}};
    const std::size_t end = std::min(commands.size(), first + kCommandsPerMessage);
    for (std::size_t i = first; i < end; ++i) {
      message.items.push_back(message_of(*view_.find(commands[i])));
    }
    previous = commands[end - 1];
    send(message);
  }
}

void Publisher::send(const Commands& commands) {
  // Lost if the subscriber's queue is full; the beacon and the pull mend it.
  static_cast<void>(channel_.send(
      {wire::command_topic(commands.server), wire::encode(settings_.cluster, commands)}));
}

Commands Publisher::open_commands(ServerId server, std::optional<CommandId> after) {
  Commands message{view_.epoch(), server, after, false, {}};
  const auto found = open_.find(server);
  if (found == open_.end()) return message;
  auto next = after ? found->second.upper_bound(*after) : found->second.begin();
  for (; next != found->second.end(); ++next) {
    if (message.items.size() == kCommandsPerMessage) {
      message.more = true;
      break;
    }
    if (const CommandRecord* record = view_.find(*next)) {
      message.items.push_back(message_of(*record));
    }
  }
  return message;
}

Command Publisher::message_of(const CommandRecord& record) const {
  Command command{
      .id = record.id, .reason = record.reason, .storage = record.storage, .order = Report{}};
  if (record.kind == CommandKind::kReport) {
    command.allowed = limits_.verify_allowed;
    return command;
  }
  ChunkContent content = view_.find(*record.chunk)->content();
  content.version = record.version;
  switch (record.kind) {
    case CommandKind::kReplicate:
      command.allowed = limits_.copy_allowed;
      command.order = Replicate{content, sources_of(record), rate_of_copy(limits_)};
      break;
    case CommandKind::kDelete: {
      const Chunk chunk = *view_.find(*record.chunk);
      const EvidenceSpan span =
          span_of(record.evidence, view_.spread(chunk.policy), static_cast<int>(chunk.goal));
      command.order = Delete{content,        static_cast<int>(chunk.goal),
                             span.domains,   span.level,
                             record.retired, record.evidence};
      break;
    }
    case CommandKind::kVerify:
      command.allowed = limits_.verify_allowed;
      command.order = Verify{content, record.level};
      break;
    case CommandKind::kReport:
      EK_CHECK(false);
  }
  return command;
}

std::vector<Source> Publisher::sources_of(const CommandRecord& record) const {
  std::vector<Source> sources;
  const Chunk chunk = *view_.find(*record.chunk);
  const auto add = [&](const Server& server) {
    if (sources.size() == kSourcesMax) return;
    const Member& member = server.member;
    sources.push_back({member.server, member.storage, member.address,
                       keys_.copy_token(view_.epoch(), record, member.storage)});
  };
  // After a start of this service, servers that have not reported yet are asked too: a copy that
  // was under way is named again, and without a source it would end. Who lacks it says so.
  const auto usable = [&](const Replica& replica) {
    const Server& server = view_.server(replica.server);
    return replica.valid() && server.member.liveness == Liveness::kAlive &&
           server.standing != Standing::kRegistering;
  };
  const auto first = record.source ? view_.replica(chunk, *record.source) : std::nullopt;
  if (first && usable(*first)) add(view_.server(first->server));
  for (const Replica& replica : chunk.replicas) {
    if ((!first || replica.server != first->server) && usable(replica))
      add(view_.server(replica.server));
  }
  return sources;
}

void Publisher::on_subscription(Frames&& frames) {
  if (frames.size() != 1 || frames[0].size() < 1) return rejects_.add("not a subscription");
  const std::string_view text = bytes_of(frames[0]);
  if (text[0] != '\1') return;
  for (const auto& [server, commands] : open_) {
    if (text.substr(1) != wire::command_topic(server)) continue;
    const Instant now = clock_.now();
    for (const CommandId id : commands) again_.at(id).at = now;
    return repeat();
  }
}

void Publisher::beacons() {
  for (const auto& [id, slot] : view_.servers()) {
    if (view_.server(slot).member.liveness == Liveness::kDead) continue;
    Beacon beacon{view_.epoch(), id, std::nullopt, 0};
    if (const auto last = last_.find(id); last != last_.end()) beacon.last = last->second;
    if (const auto open = open_.find(id); open != open_.end()) beacon.open = open->second.size();
    static_cast<void>(
        channel_.send({wire::command_topic(id), wire::encode(settings_.cluster, beacon)}));
  }
}

void Publisher::repeat() {
  const Instant now = clock_.now();
  for (; !withdrawn_.empty() && withdrawn_.front().first <= now; withdrawn_.pop_front()) {
    Withdraw& again = withdrawn_.front().second;
    again.epoch = view_.epoch();  // it may have risen
    send(again);
  }
  std::map<ServerId, std::vector<CommandId>> due;
  for (auto& [id, again] : again_) {
    if (again.at > now) continue;
    const CommandRecord* command = view_.find(id);
    EK_CHECK(command != nullptr);
    again.pause = std::min(again.pause * 2, settings_.again_max);
    again.at = now + again.pause;
    if (view_.find(command->server)->member.liveness == Liveness::kDead) continue;
    due[command->server].push_back(id);
  }
  for (const auto& [server, commands] : due) {
    for (std::size_t first = 0; first < commands.size(); first += kCommandsPerMessage) {
      // Not in sequence, so without a previous one: what is missing the beacon shows.
      Commands message{view_.epoch(), server, std::nullopt, false, {}};
      const std::size_t end = std::min(commands.size(), first + kCommandsPerMessage);
      for (std::size_t i = first; i < end; ++i) {
        message.items.push_back(message_of(*view_.find(commands[i])));
      }
      send(message);
    }
  }
}

}  // namespace evenkeel
