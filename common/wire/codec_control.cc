// What operators and clients ask, and what the rebalancer tells (schema/wire/README.md, 5 and 6).
#include <algorithm>

#include "common/base/overloaded.h"
#include "common/wire/messages.h"

namespace evenkeel::wire {
namespace {

constexpr std::string_view kModes[] = {"running", "starting", "safe_mode", "unsynced"};
constexpr std::string_view kCodes[] = {"malformed", "not_found",   "conflict",    "stale",
                                       "denied",    "unavailable", "unknown_kind"};
constexpr std::string_view kEventKinds[] = {"server", "chunk", "command", "mode", "file"};
constexpr std::string_view kEventNames[] = {"event.server", "event.chunk", "event.command",
                                            "event.mode", "event.file"};
constexpr std::string_view kEventPrefix = "event.";

bool is_one_of(std::span<const std::string_view> words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

Named read_named(Fields& f) {
  const auto name = f.find("name");
  const auto chunk = f.find("chunk");
  if (name.has_value() == chunk.has_value()) f.refuse("either name or chunk");
  if (chunk) return ChunkId(*chunk);
  return std::string(name->text(1, kNameBytesMax));
}

PutPlace::Item read_item_to_place(Fields& f) {
  return {.index = f["index"],
          .size = f["size_bytes"],
          .checksum = f["checksum"],
          .avoid = f["avoid"].list(kAvoidMax, [](const Value& id) -> ServerId { return id; })};
}

PutPlaced::Item read_item_placed(Fields& f) {
  return {.index = f["index"],
          .chunk = f["chunk"],
          .version = f["version"],
          .targets = f["targets"].list(kServersMax, read_source)};
}

Receipt read_receipt(Fields& f) {
  return {.chunk = f["chunk"],
          .server = f["server"],
          .storage = f["storage"],
          .journal = f["journal"],
          .receipt = f["receipt"].secret()};
}

Located::Item read_located_chunk(Fields& f) {
  return {.content = read_content(f), .holders = f["holders"].list(kServersMax, read_source)};
}

Request read_put_open(Fields& f) {
  return PutOpen{.name = std::string(f["name"].text(1, kNameBytesMax)),
                 .goal = f["goal"].goal(0),
                 .size = f["size_bytes"]};
}
Request read_put_place(Fields& f) {
  return PutPlace{.file = f["file"], .items = maps_of(f["items"], kPlacedMax, read_item_to_place)};
}
Request read_put_close(Fields& f) {
  return PutClose{.file = f["file"],
                  .stored = maps_of(f["stored"], kElementsMax, read_receipt),
                  .done = f["done"]};
}
Request read_locate(Fields& f) {
  Locate locate{.what = read_named(f)};
  if (const auto first = f.find("first")) locate.first = *first;
  return locate;
}

Answer read_pong(Fields& f) {
  return Pong{.version = f["version"].any_text(kTextBytesRead),
              .epoch = f["epoch"],
              .mode = f["mode"].word_of(kModes),
              .why = f["why"].any_text(kTextBytesRead),
              .uptime = f["uptime_ms"]};
}
Answer read_put_opened(Fields& f) {
  return PutOpened{.file = f["file"], .chunk_size = f["chunk_bytes"], .goal = f["goal"].goal(1)};
}
Answer read_put_placed(Fields& f) {
  return PutPlaced{.file = f["file"],
                   .epoch = f["epoch"],
                   .items = maps_of(f["items"], kPlacedMax, read_item_placed)};
}
Answer read_put_closed(Fields& f) {
  return PutClosed{.file = f["file"], .chunks = f["chunks"]};
}
Answer read_located(Fields& f) {
  return Located{.name = f["name"].any_text(kNameBytesMax),
                 .size = f["size_bytes"],
                 .total = f["total"],
                 .first = f["first"],
                 .epoch = f["epoch"],
                 .chunks = maps_of(f["chunks"], kLocatedMax, read_located_chunk)};
}
Answer read_error(Fields& f) {
  return Refused{.code = f["code"].word_of(kCodes), .what = f["what"].any_text(kTextBytesRead)};
}

template <auto kRead>
Message request(Fields& f, std::string_view) {
  return ControlRequest{.request = f["request"], .what = kRead(f)};
}
template <auto kRead>
Message answer(Fields& f, std::string_view) {
  return ControlAnswer{.request = f["request"], .what = kRead(f)};
}

Message read_event(Fields& f, std::string_view kind) {
  RebalancerEvent event{.number = f["number"],
                        .at = f["at_ms"],
                        .kind = f["kind"].word_of(kEventKinds),
                        .subject = f["subject"].any_text(kSubjectBytesMax),
                        .text = f["text"].any_text(kTextBytesRead)};
  if (event.kind != kind.substr(kEventPrefix.size())) f.refuse("of another kind than it says");
  return event;
}

template <class... NamesAndValues>
void put_named_map(Packer& p, std::uint64_t request, const Named& named,
                   const NamesAndValues&... fields) {
  std::visit(
      Overloaded{[&](const std::string& name) {
                   put_map(p, "request", request, "name", Text{name, kNameBytesMax}, fields...);
                 },
                 [&](ChunkId chunk) { put_map(p, "request", request, "chunk", chunk, fields...); }},
      named);
}

void put_put_open(Packer& p, std::uint64_t request, const PutOpen& open) {
  EK_CHECK(!open.name.empty());
  EK_CHECK(open.goal >= 0 && open.goal <= static_cast<int>(kGoalMax));
  put_map(p, "request", request, "name", Text{open.name, kNameBytesMax}, "goal",
          static_cast<std::uint64_t>(open.goal), "size_bytes", open.size);
}

void put_put_opened(Packer& p, std::uint64_t request, const PutOpened& opened) {
  EK_CHECK(opened.goal >= 1 && opened.goal <= static_cast<int>(kGoalMax));
  put_map(p, "request", request, "file", opened.file, "chunk_bytes", opened.chunk_size,  //
          "goal", static_cast<std::uint64_t>(opened.goal));
}

void put_pong(Packer& p, std::uint64_t request, const Pong& pong) {
  EK_CHECK(is_one_of(kModes, pong.mode));
  put_map(p, "request", request, "version", ForPeople{pong.version, kTextBytesMax},  //
          "epoch", pong.epoch, "mode", Text{pong.mode, kNameBytesMax},               //
          "why", ForPeople{pong.why, kTextBytesMax}, "uptime_ms", pong.uptime);
}

void put_located(Packer& p, std::uint64_t request, const Located& l) {
  put_map(p, "request", request, "name", Text{l.name, kNameBytesMax}, "size_bytes", l.size,  //
          "total", l.total, "first", l.first, "epoch", l.epoch,                              //
          "chunks", List{l.chunks, kLocatedMax});
}

void put_error(Packer& p, std::uint64_t request, const Refused& refused) {
  EK_CHECK(is_one_of(kCodes, refused.code));
  put_map(p, "request", request, "code", Text{refused.code, kNameBytesMax},  //
          "what", ForPeople{refused.what, kTextBytesMax});
}

}  // namespace

std::string_view name_of(const ControlRequest& asked) {
  return std::visit(Overloaded{[](const Ping&) -> std::string_view { return "ping"; },
                               [](const PutOpen&) -> std::string_view { return "put_open"; },
                               [](const PutPlace&) -> std::string_view { return "put_place"; },
                               [](const PutClose&) -> std::string_view { return "put_close"; },
                               [](const Locate&) -> std::string_view { return "locate"; },
                               [](const DeleteNamed&) -> std::string_view { return "delete"; }},
                    asked.what);
}

std::string_view name_of(const ControlAnswer& answered) {
  return std::visit(Overloaded{[](const Pong&) -> std::string_view { return "pong"; },
                               [](const PutOpened&) -> std::string_view { return "put_opened"; },
                               [](const PutPlaced&) -> std::string_view { return "put_placed"; },
                               [](const PutClosed&) -> std::string_view { return "put_closed"; },
                               [](const Located&) -> std::string_view { return "located"; },
                               [](const Deleted&) -> std::string_view { return "deleted"; },
                               [](const Refused&) -> std::string_view { return "error"; }},
                    answered.what);
}

std::string_view name_of(const RebalancerEvent& event) {
  for (std::size_t i = 0; i < std::size(kEventKinds); ++i) {
    if (event.kind == kEventKinds[i]) return kEventNames[i];
  }
  EK_CHECK(!"an event's kind is one of those in the README");
  return {};
}

void put(Packer& p, const PutPlace::Item& item) {
  put_map(p, "index", item.index, "size_bytes", item.size, "checksum", item.checksum,  //
          "avoid", List{item.avoid, kAvoidMax});
}

void put(Packer& p, const PutPlaced::Item& item) {
  put_map(p, "index", item.index, "chunk", item.chunk, "version", item.version,  //
          "targets", List{item.targets, kServersMax});
}

void put(Packer& p, const Receipt& r) {
  put_map(p, "chunk", r.chunk, "server", r.server, "storage", r.storage, "journal", r.journal,
          "receipt", Secret{r.receipt});
}

void put(Packer& p, const Located::Item& item) {
  put_map(p, "chunk", item.content.chunk, "version", item.content.version,     //
          "size_bytes", item.content.size, "checksum", item.content.checksum,  //
          "holders", List{item.holders, kServersMax});
}

void put(Packer& p, const ControlRequest& asked) {
  const std::uint64_t id = asked.request;
  std::visit(
      Overloaded{
          [&](const Ping&) { put_map(p, "request", id); },
          [&](const PutOpen& open) { put_put_open(p, id, open); },
          [&](const PutPlace& place) {
            put_map(p, "request", id, "file", place.file, "items", List{place.items, kPlacedMax});
          },
          [&](const PutClose& close) {
            put_map(p, "request", id, "file", close.file,  //
                    "stored", List{close.stored, kElementsMax}, "done", close.done);
          },
          [&](const Locate& locate) { put_named_map(p, id, locate.what, "first", locate.first); },
          [&](const DeleteNamed& gone) { put_named_map(p, id, gone.what); }},
      asked.what);
}

void put(Packer& p, const ControlAnswer& answered) {
  const std::uint64_t id = answered.request;
  std::visit(Overloaded{[&](const Pong& pong) { put_pong(p, id, pong); },
                        [&](const PutOpened& opened) { put_put_opened(p, id, opened); },
                        [&](const PutPlaced& placed) {
                          put_map(p, "request", id, "file", placed.file, "epoch", placed.epoch,  //
                                  "items", List{placed.items, kPlacedMax});
                        },
                        [&](const PutClosed& closed) {
                          put_map(p, "request", id, "file", closed.file, "chunks", closed.chunks);
                        },
                        [&](const Located& located) { put_located(p, id, located); },
                        [&](const Deleted& deleted) {
                          put_map(p, "request", id, "chunks", deleted.chunks);
                        },
                        [&](const Refused& refused) { put_error(p, id, refused); }},
             answered.what);
}

void put(Packer& p, const RebalancerEvent& event) {
  put_map(p, "number", event.number, "at_ms", event.at, "kind", Text{event.kind, kNameBytesMax},
          "subject", ForPeople{event.subject, kSubjectBytesMax}, "text",
          ForPeople{event.text, kTextBytesMax});
}

std::span<const Kind> control_kinds() {
  static constexpr auto kPing = [](Fields&) -> Request { return Ping{}; };
  static constexpr auto kDelete = [](Fields& f) -> Request { return DeleteNamed{read_named(f)}; };
  static constexpr auto kDeleted = [](Fields& f) -> Answer { return Deleted{f["chunks"]}; };
  static constexpr Kind kKinds[] = {{"ping", request<kPing>},
                                    {"put_open", request<read_put_open>},
                                    {"put_place", request<read_put_place>},
                                    {"put_close", request<read_put_close>},
                                    {"locate", request<read_locate>},
                                    {"delete", request<kDelete>},
                                    {"pong", answer<read_pong>},
                                    {"put_opened", answer<read_put_opened>},
                                    {"put_placed", answer<read_put_placed>},
                                    {"put_closed", answer<read_put_closed>},
                                    {"located", answer<read_located>},
                                    {"deleted", answer<kDeleted>},
                                    {"error", answer<read_error>},
                                    {"event.server", read_event},
                                    {"event.chunk", read_event},
                                    {"event.command", read_event},
                                    {"event.mode", read_event},
                                    {"event.file", read_event}};
  return kKinds;
}

}  // namespace evenkeel::wire
