#include "tests/rogue/planner.h"

#include <algorithm>

#include "common/base/overloaded.h"
#include "common/model/text.h"
#include "common/model/tokens.h"
#include "common/reactor/sockets.h"
#include "common/token/token.h"
#include "common/wire/topics.h"
#include "tests/rogue/watch.h"

namespace evenkeel::rogue {
namespace {

constexpr const char* kCluster = "evenkeel";

SocketSettings bound(const char* endpoint) {
  SocketSettings settings{endpoint};
  settings.attach = Attach::kBind;
  return settings;
}

Checksum invented_checksum(Rng& rng) {
  Checksum::Array bytes{};
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
  return Checksum(bytes);
}

std::size_t domains_of(const Delete& order) {
  std::set<std::string_view> domains;
  for (const Holder& holder : order.evidence) {
    domains.insert(domain_of(holder.location, order.spread));
  }
  return domains.size();
}

}  // namespace

Planner::Planner(schedules::Town& town, Ledger& ledger, const Manners& manners, Rng rng)
    : town_(town),
      ledger_(ledger),
      manners_(manners),
      rng_(rng),
      context_(town.network()),
      loop_(town.world(), std::make_shared<schedules::Run>(schedules::Run{"rogue", "rogue"})),
      agents_(loop_, make_router(context_, bound("agents")),
              [this](Frames&& frames) { on_agent(std::move(frames)); }),
      commands_(loop_, make_xpub(context_, bound("commands")), [](Frames&&) {}) {}

// -------------------------------------------------------------------------------- what it hears

void Planner::on_agent(Frames&& frames) {
  const auto message = wire::decode(kCluster, bytes_of(frames.at(1)));
  EK_CHECK(message.has_value());
  const std::string_view route = bytes_of(frames.at(0));
  std::visit(Overloaded{[&](const Hello& hello) { on(route, hello); },
                        [&](const Inventory& inventory) { on(route, inventory); },
                        [&](const Ack& ack) { on(route, ack); },
                        [&](const Pull& pull) { on(route, pull); }, [](const auto&) {}},
             *message);
}

void Planner::on(std::string_view route, const Hello& hello) {
  const AgentIdentity& from = hello.from;
  ledger_.storages.insert_or_assign(from.server, from.storage);
  routes_.insert_or_assign(from.server, std::string(route));
  if (from.epoch > epoch_) epoch_ = from.epoch;
  answer(route, Welcome{some_epoch(), from.server, from.storage, key(from.server), true});
}

void Planner::on(std::string_view route, const Inventory& inventory) {
  const AgentIdentity& from = inventory.from;
  for (const ReportedReplica& row : inventory.rows) {
    const ChunkContent& content = row.content;
    if (row.finding != ReplicaFinding::kOk || !row.content_age) continue;
    said_.insert_or_assign(Held{from.storage, content.chunk, content.version},
                           Said{from.server, content});
  }
  for (const auto& [chunk, version] : inventory.gone) {
    said_.erase({from.storage, chunk, version});
  }
  const auto status =
      rng_.chance(1, 10) ? InventoryReply::Status::kAgain : InventoryReply::Status::kOk;
  answer(route, InventoryReply{inventory.number, inventory.part, status});
}

void Planner::on(std::string_view route, const Ack& ack) {
  AckReply reply;
  for (const CommandResult& result : ack.results) {
    const auto orders = ledger_.orders.find({ack.from.server, result.command});
    if (orders == ledger_.orders.end()) {
      ledger_.fault(to_string(ack.from.server) + " has a result of " + to_string(result.command) +
                    ", which nobody sent");
      continue;
    }
    const auto& all = orders->second;
    const bool wanting = std::all_of(all.begin(), all.end(), [](const Order& order) {
      return order.ground == Ground::kWanting;
    });
    if (wanting && result.outcome == Outcome::kDone) {
      ledger_.fault(to_string(ack.from.server) + " says that it did " + to_string(result.command) +
                    ", though " + all.front().wanting);
    }
    if (wanting && result.why == Why::kEvidence) {
      ++ledger_.counts["refused: " + all.front().wanting];
    }
    if (!rng_.chance(1, 3)) reply.commands.push_back(result.command);
  }
  if (rng_.chance(1, 8)) reply.commands.push_back(CommandId(rng_.between(1, ids_ + 3)));
  answer(route, reply);
}

/// An answer names what is open: all of it, or what comes to its mind.
void Planner::on(std::string_view route, const Pull& pull) {
  const Epoch epoch = some_epoch();
  Commands commands{epoch, pull.from.server, pull.after, false, {}};
  auto& sent = sent_[pull.from.server];
  const std::size_t first = sent.size() > 20 ? sent.size() - 20 : 0;
  std::map<CommandId, Order> open;
  for (std::size_t i = first; i < sent.size(); ++i) {
    if (pull.after && sent[i].command.id <= *pull.after) continue;
    if (manners_.forgets && rng_.chance(1, 3)) continue;
    open.insert_or_assign(sent[i].command.id, sent[i]);
  }
  for (const auto& [id, order] : open) {
    commands.items.push_back(order.command);
    for (Order& known : ledger_.orders[{pull.from.server, id}]) {
      if (known.command.order.index() == order.command.order.index()) known.epochs.insert(epoch);
    }
  }
  answer(route, commands);
}

void Planner::answer(std::string_view route, const wire::Message& message) {
  static_cast<void>(agents_.send({route, wire::encode(kCluster, message)}));
}

// -------------------------------------------------------------------------------- what it does

void Planner::act() {
  if (ledger_.storages.empty()) return;  // nobody has said hello yet
  const ServerId server = any_server();
  const std::uint64_t what = rng_.below(20);
  auto& sent = sent_[server];
  if (what < 12) {
    std::vector<Order> orders;
    for (std::uint64_t i = rng_.between(1, 4); i > 0; --i) orders.push_back(some_order(server));
    return send(server, some_epoch(), std::move(orders));
  }
  if (what < 15 && !sent.empty()) {  // once more, and in another order
    std::vector<Order> orders;
    for (std::uint64_t i = rng_.between(1, 4); i > 0; --i) orders.push_back(rng_.pick(sent));
    return send(server, some_epoch(), std::move(orders));
  }
  if (what == 15 && !sent.empty()) {
    return publish(server, Withdraw{some_epoch(), server, {rng_.pick(sent).command.id}});
  }
  if (what == 16 && manners_.changes_epoch) {
    epoch_ = Epoch(epoch_.value() + rng_.between(1, 3));
    ++ledger_.counts["epoch raised"];
  }
  publish(server, Beacon{epoch_, server, CommandId(rng_.between(1, ids_ + 2)), rng_.below(5)});
}

void Planner::publish(ServerId server, const wire::Message& message) {
  static_cast<void>(commands_.send({wire::command_topic(server), wire::encode(kCluster, message)}));
}

void Planner::send(ServerId server, Epoch epoch, std::vector<Order> orders) {
  std::optional<CommandId> previous;
  if (rng_.chance(1, 2)) previous = CommandId(rng_.between(1, ids_));
  Commands commands{epoch, server, previous, false, {}};
  for (Order& order : orders) {
    order.epochs = {epoch};
    commands.items.push_back(order.command);
    ledger_.orders[{server, order.command.id}].push_back(order);
    sent_[server].push_back(std::move(order));
  }
  publish(server, commands);
}

Order Planner::some_order(ServerId server) {
  const std::uint64_t what = rng_.below(10);
  Order order = what < 4 ? copy_to(server) : what < 9 ? delete_on(server) : verify_on(server);
  if (rng_.chance(1, 30)) {
    order.command.storage = storage_of(any_server());
    ++ledger_.counts["named a storage by chance"];
  }
  return order;
}

Order Planner::copy_to(ServerId server) {
  const CommandId id = next_id();
  Replicate copy{some_content(), {}, rng_.chance(1, 10) ? Bytes(500) : Bytes()};
  for (std::uint64_t i = rng_.between(1, 3); i > 0; --i) {
    ServerId from = any_server();
    for (const auto& [held, said] : said_) {
      if (said.content == copy.content && rng_.chance(1, 2)) from = said.server;
    }
    copy.sources.push_back(source(from, server, id, copy.content));
  }
  const Duration allowed = rng_.chance(1, 30) ? Duration(0) : Duration(rng_.between(1, 60'000));
  return {{id, Reason::kRepair, storage_of(server), allowed, copy}, Ground::kNone, "", {}};
}

Source Planner::source(ServerId from, ServerId to, CommandId id, const ChunkContent& content) {
  const StorageId storage = storage_of(from);
  const std::string text =
      copy_token_text(kCluster, epoch_, id, content.chunk, content.version, storage, to);
  const bool forged = rng_.chance(1, 15);
  return {from, storage, "s" + std::to_string(from.value()) + ":9000",
          hmac_sha256(forged ? std::string(32, 'x') : key(from), text)};
}

Order Planner::verify_on(ServerId server) {
  const auto level = rng_.chance(1, 2) ? VerifyLevel::kContent : VerifyLevel::kPresence;
  Command command{next_id(), Reason::kVerify, storage_of(server), Duration(30'000),
                  Verify{some_content(), level}};
  if (rng_.chance(1, 5)) command.order = evenkeel::Report{};
  return {command, Ground::kNone, "", {}};
}

Order Planner::delete_on(ServerId server) {
  const StorageId own = storage_of(server);
  const ChunkContent wanted = rng_.pick(ledger_.kinds).content;
  Order order{
      {next_id(), Reason::kTrim, own, Duration(), evenkeel::Report{}}, Ground::kNone, "", {}};
  // A replica is deleted for one of the same version, or of a higher one.
  const ChunkContent* map = &wanted;
  for (const Kind& kind : ledger_.kinds) {
    const bool leads = kind.content.chunk == wanted.chunk && kind.content.version >= wanted.version;
    if (leads && rng_.chance(1, 3)) map = &kind.content;
  }
  Delete deletion{wanted};
  deletion.content.checksum = map->checksum;
  deletion.spread =
      rng_.pick(std::vector{SpreadLevel::kHost, SpreadLevel::kRack, SpreadLevel::kZone});
  if (manners_.retires && rng_.chance(1, 10)) {
    deletion.retired = true;
    order.ground = Ground::kRetired;
    ledger_.forsaken.insert(wanted.chunk);
  } else if (const auto holders = holders_of(*map, own); !holders.empty() && rng_.chance(1, 2)) {
    rest_on(deletion, holders);
    order.ground = Ground::kTrue;
    given_up_.insert({own, wanted.chunk, wanted.version});
    ++ledger_.counts["delete with true evidence"];
  } else {
    rest_on(deletion, made_up_holders(*map, server));
    if (manners_.invents && !deletion.evidence.empty() && rng_.chance(1, 4)) {
      order.ground = Ground::kInvented;
      ledger_.forsaken.insert(wanted.chunk);
      ++ledger_.counts["delete with invented evidence"];
    } else {
      order.ground = Ground::kWanting;
      order.wanting = spoil(deletion, own);
    }
  }
  order.command.order = deletion;
  return order;
}

/// As far as agents have said it of themselves, and nobody has told them to delete it.
std::vector<Holder> Planner::holders_of(const ChunkContent& content, StorageId not_this) const {
  std::vector<Holder> holders;
  for (const auto& [held, said] : said_) {
    const StorageId storage = std::get<StorageId>(held);
    if (said.content != content || storage == not_this || given_up_.contains(held)) continue;
    Holder holder{said.server, storage, town_.plan().locations.at(said.server.value() - 1),
                  content.version, content.checksum};
    holders.push_back(holder);
  }
  return holders;
}

std::vector<Holder> Planner::made_up_holders(const ChunkContent& content, ServerId not_this) const {
  std::vector<Holder> holders;
  for (const auto& [server, storage] : ledger_.storages) {
    if (server == not_this) continue;
    holders.push_back({server, storage, town_.plan().locations.at(server.value() - 1),
                       content.version, content.checksum});
  }
  return holders;
}

/// Some of them, all of them fresh enough.
void Planner::rest_on(Delete& order, std::vector<Holder> holders) {
  rng_.shuffle(holders);
  if (!holders.empty()) {
    const auto some = static_cast<std::ptrdiff_t>(rng_.between(1, holders.size()));
    holders.erase(holders.begin() + some, holders.end());
  }
  for (Holder& holder : holders) {
    holder.presence_age = fresh(ledger_.limits.presence_fresh);
    holder.content_age = fresh(ledger_.limits.content_fresh);
  }
  order.evidence = std::move(holders);
  order.goal = static_cast<int>(rng_.between(1, std::max<std::size_t>(1, order.evidence.size())));
  order.domains = static_cast<int>(rng_.between(1, std::max<std::size_t>(1, domains_of(order))));
}

/// Takes one thing away from evidence that would do, by which it does not.
std::string Planner::spoil(Delete& order, StorageId own) {
  auto& evidence = order.evidence;
  if (evidence.empty() || rng_.chance(1, 6)) {
    evidence.clear();
    return "no evidence";
  }
  Holder& one = evidence[rng_.below(evidence.size())];
  switch (rng_.below(9)) {
    case 0:
      order.goal = static_cast<int>(evidence.size()) + 1;
      return "fewer holders than the goal";
    case 1:
      order.domains = static_cast<int>(domains_of(order)) + 1;
      return "fewer domains than are needed";
    case 2:
      one.storage = own;
      return "the replica itself is its evidence";
    case 3:
      evidence.push_back(one);
      return "one holder is named twice";
    case 4:
      one.checksum = invented_checksum(rng_);
      return "a holder has other bytes";
    case 5:
      if (order.content.version == ChunkVersion(1)) one.version = ChunkVersion(0);
      for (Holder& holder : evidence) {
        if (order.content.version > ChunkVersion(1)) {
          holder.version = ChunkVersion(order.content.version.value() - 1);
        }
      }
      return "a holder has an older version";
    case 6:
      evidence.push_back(one);
      evidence.back().storage = StorageId(invented_checksum(rng_).bytes());
      evidence.back().version = one.version.next();
      return "holders have different versions";
    case 7:
      one.presence_age = ledger_.limits.presence_fresh + Duration(rng_.between(1, 100'000));
      return "a holder was not seen lately";
    default:
      one.content_age = ledger_.limits.content_fresh + Duration(rng_.between(1, 100'000));
      return "a holder was not read lately";
  }
}

ChunkContent Planner::some_content() {
  ChunkContent content = rng_.pick(ledger_.kinds).content;
  switch (rng_.below(16)) {
    case 0:
      content.checksum = invented_checksum(rng_);
      break;
    case 1:
      content.size = Bytes(rng_.below(5'000));
      break;
    case 2:
      content.version = ChunkVersion(rng_.between(1, 5));
      break;
    case 3:
      content.chunk = ChunkId(rng_.between(1, 12));
      break;
    default:
      break;
  }
  return content;
}

CommandId Planner::next_id() {
  if (manners_.reuses_ids && ids_ > 2 && rng_.chance(1, 8)) {
    ++ledger_.counts["id used for something else"];
    return CommandId(rng_.between(1, ids_ - 1));
  }
  if (rng_.chance(1, 20)) ids_ += rng_.between(1, 5);
  return CommandId(ids_++);
}

/// Of those that have said hello.
ServerId Planner::any_server() {
  const auto nth = static_cast<std::ptrdiff_t>(rng_.below(ledger_.storages.size()));
  return std::next(ledger_.storages.begin(), nth)->first;
}

StorageId Planner::storage_of(ServerId server) const {
  return ledger_.storages.at(server);
}

Epoch Planner::some_epoch() {
  if (!manners_.changes_epoch || !rng_.chance(1, 6)) return epoch_;
  ++ledger_.counts["spoke for an older epoch"];
  return Epoch(rng_.between(1, epoch_.value()));
}

std::string Planner::key(ServerId server) const {
  return std::string(32, static_cast<char>('A' + server.value()));
}

Duration Planner::fresh(Duration limit) {
  return Duration(
      static_cast<Duration::rep>(rng_.between(0, static_cast<std::uint64_t>(limit.count()))));
}

}  // namespace evenkeel::rogue
