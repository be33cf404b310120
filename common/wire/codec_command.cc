// What the rebalancer orders (schema/wire/README.md, section 4.3).
#include "common/base/overloaded.h"
#include "common/wire/messages.h"

namespace evenkeel::wire {
namespace {

Holder read_holder(Fields& f) {
  return {.server = f["server"],
          .storage = f["storage"],
          .location = f["location"].location(),
          .version = f["version"],
          .checksum = f["checksum"],
          .presence_age = f["presence_age_ms"],
          .content_age = f["content_age_ms"],
          .vouched_by = f["vouched_by"],
          .vouched = f["vouched"]};
}

Replicate read_replicate(Fields& f) {
  return {.content = read_content(f),
          .sources = f["sources"].list(kServersMax, read_source),
          .rate = f["rate_bytes"]};
}

Delete read_delete(Fields& f) {
  Delete read{.content = read_content(f), .evidence = {}};
  read.retired = f["retired"];
  // A delete that leans on nobody has to say that its owner wants it.
  const std::uint64_t least = read.retired ? 0 : 1;
  read.goal = f["goal"].goal(least);
  read.domains = f["domains"].goal(least);
  read.spread = f["spread"];
  read.evidence = maps_of(f["evidence"], kServersMax, read_holder);
  return read;
}

Order read_order(Fields& f, CommandKind kind) {
  switch (kind) {
    case CommandKind::kReplicate:
      return read_replicate(f);
    case CommandKind::kDelete:
      return read_delete(f);
    case CommandKind::kVerify:
      return Verify{.content = read_content(f), .level = f["level"]};
    case CommandKind::kReport:
      return Report{};
  }
  f.refuse("kind is none of ours");
}

Command read_command(Fields& f, CommandId id, CommandKind kind) {
  const Reason reason = f["reason"];
  const StorageId storage = f["storage"];
  const Duration allowed = kind == CommandKind::kDelete ? Duration{} : Duration(f["allowed_ms"]);
  return {.id = id,
          .reason = reason,
          .storage = storage,
          .allowed = allowed,
          .order = read_order(f, kind)};
}

/// A kind that is not known is no reason to refuse the other items: it is answered for itself.
void read_item(const Value& value, Commands& into) {
  Fields f(value);
  const CommandId id = f["command"];
  const auto kind = from_text<CommandKind>(f["kind"].text(1, kNameBytesMax));
  if (kind) {
    into.items.push_back(read_command(f, id, *kind));
  } else {
    into.unknown.push_back(id);
  }
  f.finish();
}

Message read_commands(Fields& f, std::string_view) {
  Commands commands{.epoch = f["epoch"],
                    .server = f["server"],
                    .previous = f["previous"].or_none<CommandId>(),
                    .more = f["more"],
                    .items = {},
                    .unknown = {}};
  const Value items = f["items"];
  const auto all = items.elements(kCommandsMax);
  commands.items.reserve(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    read_item(Value(all[i], Where(items.where(), i)), commands);
  }
  return commands;
}

Message read_beacon(Fields& f, std::string_view) {
  return Beacon{.epoch = f["epoch"],
                .server = f["server"],
                .last = f["last"].or_none<CommandId>(),
                .open = f["open"]};
}

Message read_withdraw(Fields& f, std::string_view) {
  return Withdraw{.epoch = f["epoch"],
                  .server = f["server"],
                  .commands = f["commands"].list(kWithdrawnMax,
                                                 [](const Value& id) -> CommandId { return id; })};
}

/// The fields that every command has.
template <class... NamesAndValues>
void put_command(Packer& p, const Command& c, const NamesAndValues&... fields) {
  put_map(p, "command", c.id, "kind", kind_of(c.order), "reason", c.reason, "storage", c.storage,
          fields...);
}

/// ... and those of all that are about one chunk.
template <class... NamesAndValues>
void put_chunk_command(Packer& p, const Command& c, const ChunkContent& content,
                       const NamesAndValues&... fields) {
  put_command(p, c, "chunk", content.chunk, "version", content.version, "size_bytes", content.size,
              "checksum", content.checksum, fields...);
}

void put_delete(Packer& p, const Command& c, const Delete& order) {
  const auto in_range = [&](int n) {
    return n >= (order.retired ? 0 : 1) && n <= static_cast<int>(kGoalMax);
  };
  EK_CHECK(in_range(order.goal) && in_range(order.domains));
  put_chunk_command(p, c, order.content, "retired", order.retired,         //
                    "goal", static_cast<std::uint64_t>(order.goal),        //
                    "domains", static_cast<std::uint64_t>(order.domains),  //
                    "spread", order.spread, "evidence", List{order.evidence, kServersMax});
}

}  // namespace

std::string_view name_of(const Commands&) {
  return "commands";
}
std::string_view name_of(const Beacon&) {
  return "beacon";
}
std::string_view name_of(const Withdraw&) {
  return "withdraw";
}

void put(Packer& p, const Holder& h) {
  put_map(p, "server", h.server, "storage", h.storage,   //
          "location", Text{h.location, kPlaceBytesMax},  //
          "version", h.version, "checksum", h.checksum,  //
          "presence_age_ms", h.presence_age,             //
          "content_age_ms", h.content_age,               //
          "vouched_by", h.vouched_by, "vouched", h.vouched);
}

void put(Packer& p, const Command& c) {
  std::visit(Overloaded{[&](const Replicate& order) {
                          put_chunk_command(p, c, order.content, "allowed_ms", c.allowed,  //
                                            "sources", List{order.sources, kServersMax},   //
                                            "rate_bytes", order.rate);
                        },
                        [&](const Delete& order) { put_delete(p, c, order); },
                        [&](const Verify& order) {
                          put_chunk_command(p, c, order.content, "allowed_ms", c.allowed,  //
                                            "level", order.level);
                        },
                        [&](const Report&) { put_command(p, c, "allowed_ms", c.allowed); }},
             c.order);
}

void put(Packer& p, const Commands& commands) {
  EK_CHECK(commands.unknown.empty());
  put_map(p, "epoch", commands.epoch, "server", commands.server,             //
          "previous", ZeroIfNone{commands.previous}, "more", commands.more,  //
          "items", List{commands.items, kCommandsMax});
}

void put(Packer& p, const Beacon& beacon) {
  put_map(p, "epoch", beacon.epoch, "server", beacon.server, "last", ZeroIfNone{beacon.last},
          "open", beacon.open);
}

void put(Packer& p, const Withdraw& withdraw) {
  put_map(p, "epoch", withdraw.epoch, "server", withdraw.server,  //
          "commands", List{withdraw.commands, kWithdrawnMax});
}

void put(Packer& p, const Source& source) {
  p.array(4);
  put(p, source.server);
  put(p, source.storage);
  put(p, Text{source.address, kPlaceBytesMax});
  put(p, Secret{source.token});
}

Source read_source(const Value& value) {
  const Row row(value, 4);
  return {.server = row.at(0, "server"),
          .storage = row.at(1, "storage"),
          .address = row.at(2, "address").address(),
          .token = row.at(3, "token").secret()};
}

std::span<const Kind> command_kinds() {
  static constexpr Kind kKinds[] = {
      {"commands", read_commands}, {"beacon", read_beacon}, {"withdraw", read_withdraw}};
  return kKinds;
}

}  // namespace evenkeel::wire
