// What agents say to the rebalancer, and its answers (schema/wire/README.md, section 4.2).
#include "common/wire/messages.h"

namespace evenkeel::wire {
namespace {

AgentIdentity read_identity(Fields& f) {
  return {.server = f["server"],
          .incarnation = f["incarnation"],
          .storage = f["storage"],
          .epoch = f["epoch"]};
}

/// A map that begins with who speaks.
template <class... NamesAndValues>
void put_agent_map(Packer& p, const AgentIdentity& from, const NamesAndValues&... fields) {
  put_map(p, "server", from.server, "incarnation", from.incarnation, "storage", from.storage,
          "epoch", from.epoch, fields...);
}

Message read_hello(Fields& f, std::string_view) {
  return Hello{.from = read_identity(f),
               .journal = f["journal"],
               .last_command = f["last_command"].or_none<CommandId>()};
}

Message read_welcome(Fields& f, std::string_view) {
  return Welcome{.epoch = f["epoch"],
                 .server = f["server"],
                 .storage = f["storage"],
                 .copy_key = f["copy_key"].secret(),
                 .inventory = f["inventory"]};
}

Message read_retry(Fields& f, std::string_view) {
  return Retry{.reason = f["reason"].any_text(kTextBytesRead), .after = f["after_ms"]};
}

ReportedReplica read_replica(const Value& value) {
  const Row row(value, 6);
  ReportedReplica replica{.content = {.chunk = row.at(0, "chunk"),
                                      .version = row.at(1, "version"),
                                      .size = row.at(2, "size_bytes"),
                                      .checksum = row.at(3, "checksum")},
                          .finding = row.at(4, "state"),
                          .content_age = std::nullopt};
  const Value age = row.at(5, "content_age_ms");
  if (!age.is_nil()) replica.content_age = Duration(age);
  return replica;
}

std::pair<ChunkId, ChunkVersion> read_gone(const Value& value) {
  const Row row(value, 2);
  return {row.at(0, "chunk"), row.at(1, "version")};
}

Message read_inventory(Fields& f, std::string_view) {
  Inventory inventory{.from = read_identity(f),
                      .number = InventoryNumber(f["number"].number(1)),
                      .basis = f["basis"].or_none<InventoryNumber>(),
                      .journal = f["journal"],
                      .part = f["part"].number(1, kPartsMax),
                      .parts = f["parts"].number(1, kPartsMax),
                      .rows = f["rows"].list(kInventoryRowsMax, read_replica),
                      .gone = f["gone"].list(kGoneMax, read_gone)};
  if (inventory.part > inventory.parts) f.refuse("part is more than parts");
  if (!inventory.basis && !inventory.gone.empty()) f.refuse("gone in a full inventory");
  return inventory;
}

Message read_inventory_reply(Fields& f, std::string_view) {
  return InventoryReply{
      .number = f["number"], .part = f["part"].number(1, kPartsMax), .status = f["status"]};
}

Blame read_blame(const Value& value) {
  const Row row(value, 2);
  return {.server = row.at(0, "server"), .fault = row.at(1, "reason")};
}

/// There is no reason for what was done.
Why read_why(Fields& f, Outcome outcome) {
  if (outcome == Outcome::kDone) return Why::kNone;
  const Value reason = f["reason"];
  const Why why = reason;
  if (why == Why::kNone) reason.refuse("not a word that belongs here");
  return why;
}

CommandResult read_result(Fields& f) {
  const CommandId command = f["command"];
  const Outcome outcome = f["outcome"];
  return {.command = command,
          .outcome = outcome,
          .why = read_why(f, outcome),
          .detail = f["detail"].any_text(kDetailBytesRead),
          .journal = f["journal"],
          .blamed = f["blamed"].list(kServersMax, read_blame),
          .bytes_done = f["bytes_done"],
          .free = f["free_bytes"]};
}

Message read_ack(Fields& f, std::string_view) {
  return Ack{.from = read_identity(f), .results = maps_of(f["results"], kResultsMax, read_result)};
}

Message read_ack_reply(Fields& f, std::string_view) {
  return AckReply{.commands = f["commands"].list(kElementsMax,
                                                 [](const Value& id) -> CommandId { return id; })};
}

std::pair<CommandId, Bytes> read_progress_item(const Value& value) {
  const Row row(value, 2);
  return {row.at(0, "command"), row.at(1, "bytes_done")};
}

Message read_progress(Fields& f, std::string_view) {
  return Progress{.from = read_identity(f),
                  .items = f["items"].list(kElementsMax, read_progress_item)};
}

Message read_pull(Fields& f, std::string_view) {
  return Pull{.from = read_identity(f), .after = f["after"].or_none<CommandId>()};
}

}  // namespace

std::string_view name_of(const Hello&) {
  return "hello";
}
std::string_view name_of(const Welcome&) {
  return "welcome";
}
std::string_view name_of(const Retry&) {
  return "retry";
}
std::string_view name_of(const Inventory&) {
  return "inventory";
}
std::string_view name_of(const InventoryReply&) {
  return "inventory_reply";
}
std::string_view name_of(const Ack&) {
  return "ack";
}
std::string_view name_of(const AckReply&) {
  return "ack_reply";
}
std::string_view name_of(const Progress&) {
  return "progress";
}
std::string_view name_of(const Pull&) {
  return "pull";
}

void put(Packer& p, const ReportedReplica& replica) {
  p.array(6);
  put(p, replica.content.chunk);
  put(p, replica.content.version);
  put(p, replica.content.size);
  put(p, replica.content.checksum);
  put(p, replica.finding);
  put(p, NilIfNone{replica.content_age});
}

void put(Packer& p, const Blame& blame) {
  p.array(2);
  put(p, blame.server);
  put(p, blame.fault);
}

void put(Packer& p, const CommandResult& r) {
  EK_CHECK((r.why == Why::kNone) == (r.outcome == Outcome::kDone));
  const std::optional<Why> why = r.why == Why::kNone ? std::nullopt : std::optional(r.why);
  put_map(p, "command", r.command, "outcome", r.outcome, "reason", AbsentIfNone{why},  //
          "detail", ForPeople{r.detail, kDetailBytesMax}, "journal", r.journal,        //
          "blamed", List{r.blamed, kServersMax}, "bytes_done", r.bytes_done,           //
          "free_bytes", r.free);
}

void put(Packer& p, const Hello& hello) {
  put_agent_map(p, hello.from, "journal", hello.journal, "last_command",
                ZeroIfNone{hello.last_command});
}

void put(Packer& p, const Welcome& welcome) {
  put_map(p, "epoch", welcome.epoch, "server", welcome.server, "storage", welcome.storage,
          "copy_key", Secret{welcome.copy_key}, "inventory", welcome.inventory);
}

void put(Packer& p, const Retry& retry) {
  put_map(p, "reason", ForPeople{retry.reason, kTextBytesMax}, "after_ms", retry.after);
}

void put(Packer& p, const Inventory& i) {
  EK_CHECK(i.part >= 1 && i.part <= i.parts && i.parts <= kPartsMax);
  EK_CHECK(i.number.value() >= 1);
  EK_CHECK(i.basis || i.gone.empty());
  put_agent_map(p, i.from, "number", i.number, "basis", ZeroIfNone{i.basis},  //
                "journal", i.journal, "part", i.part, "parts", i.parts,       //
                "rows", List{i.rows, kInventoryRowsMax}, "gone", List{i.gone, kGoneMax});
}

void put(Packer& p, const InventoryReply& reply) {
  put_map(p, "number", reply.number, "part", reply.part, "status", reply.status);
}

void put(Packer& p, const Ack& ack) {
  put_agent_map(p, ack.from, "results", List{ack.results, kResultsMax});
}

void put(Packer& p, const AckReply& reply) {
  put_map(p, "commands", List{reply.commands, kElementsMax});
}

void put(Packer& p, const Progress& progress) {
  put_agent_map(p, progress.from, "items", List{progress.items, kElementsMax});
}

void put(Packer& p, const Pull& pull) {
  put_agent_map(p, pull.from, "after", ZeroIfNone{pull.after});
}

std::span<const Kind> agent_kinds() {
  static constexpr Kind kKinds[] = {{"hello", read_hello},
                                    {"welcome", read_welcome},
                                    {"retry", read_retry},
                                    {"inventory", read_inventory},
                                    {"inventory_reply", read_inventory_reply},
                                    {"ack", read_ack},
                                    {"ack_reply", read_ack_reply},
                                    {"progress", read_progress},
                                    {"pull", read_pull}};
  return kKinds;
}

}  // namespace evenkeel::wire
