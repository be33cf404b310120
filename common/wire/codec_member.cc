// Messages of membership (schema/wire/README.md, section 3).
#include "common/wire/messages.h"

namespace evenkeel::wire {
namespace {

void check_reserve(Fields& f, const Member& member) {
  if (member.reserve > member.capacity) f.refuse("reserve_bytes is more than capacity_bytes");
}

Labels read_labels(Fields& f) {
  const auto value = f.find("labels");
  if (!value) return {};
  auto labels = labels_of(value->list(kLabelsMax, [](const Value& element) {
    const Row row(element, 2);
    return std::pair(row.at(0, "key").any_text(kLabelBytesMax),
                     row.at(1, "value").any_text(kLabelBytesMax));
  }));
  if (!labels) value->refuse(labels.error().what);
  return std::move(*labels);
}

Member read_member(Fields& f) {
  Member member{.server = f["server"],
                .incarnation = f["incarnation"],
                .storage = f["storage"],
                .liveness = f["liveness"],
                .planned = f["planned"],
                .location = f["location"].location(),
                .address = f["address"].address(),
                .capacity = f["capacity_bytes"],
                .reserve = f["reserve_bytes"],
                .free = f["free_bytes"],
                .used = f["used_bytes"],
                .labels = read_labels(f)};
  check_reserve(f, member);
  return member;
}

Message read_heartbeat(Fields& f, std::string_view) {
  Member member{.server = f["server"],
                .incarnation = f["incarnation"],
                .storage = f["storage"],
                .location = f["location"].location(),
                .address = f["address"].address(),
                .capacity = f["capacity_bytes"],
                .reserve = f["reserve_bytes"],
                .free = f["free_bytes"],
                .used = f["used_bytes"],
                .labels = read_labels(f)};
  check_reserve(f, member);
  return Heartbeat{std::move(member)};
}

Message read_leave(Fields& f, std::string_view) {
  return Leave{.server = f["server"], .incarnation = f["incarnation"], .storage = f["storage"]};
}

Message read_heartbeat_reply(Fields& f, std::string_view) {
  return HeartbeatReply{.server = f["server"],
                        .status = f["status"],
                        .incarnation = f["incarnation"],
                        .number = f["number"]};
}

Message read_snapshot_request(Fields& f, std::string_view) {
  return SnapshotRequest{.request = f["request"]};
}

Message read_snapshot(Fields& f, std::string_view) {
  MemberSnapshot snapshot{.request = f["request"],
                          .stream = f["stream"],
                          .number = f["number"],
                          .part = f["part"].number(1, kPartsMax),
                          .parts = f["parts"].number(1, kPartsMax),
                          .members = maps_of(f["members"], kMembersMax, read_member)};
  if (snapshot.part > snapshot.parts) f.refuse("part is more than parts");
  return snapshot;
}

constexpr std::string_view kEventPrefix = "membership.";

Message read_event(Fields& f, std::string_view kind) {
  const auto event = from_text<MemberEventKind>(kind.substr(kEventPrefix.size()));
  EK_CHECK(event.has_value());
  const bool beacon = *event == MemberEventKind::kBeacon;
  MemberEvent read{.kind = *event,
                   .stream = f["stream"],
                   .number = EventNumber(f["number"].number(beacon ? 0 : 1)),
                   .member = std::nullopt};
  if (!beacon) read.member = map_of(f["member"], read_member);
  if (const auto at = f.find("at_ms")) read.at = *at;
  return read;
}

/// In the order of MemberEventKind.
constexpr std::string_view kEventNames[] = {
    "membership.joined", "membership.suspect", "membership.failed", "membership.recovered",
    "membership.left",   "membership.updated", "membership.beacon"};

/// Absent where there are none.
struct LabelList {
  const Labels& labels;
};
bool is_absent(const LabelList& list) {
  return list.labels.empty();
}
void put(Packer& p, const LabelList& list) {
  EK_CHECK(labels_of(list.labels) == list.labels);
  p.array(list.labels.size());
  for (const auto& [key, value] : list.labels) {
    p.array(2);
    p.text(key);
    p.text(value);
  }
}

}  // namespace

std::string_view name_of(const Heartbeat&) {
  return "heartbeat";
}
std::string_view name_of(const Leave&) {
  return "leave";
}
std::string_view name_of(const HeartbeatReply&) {
  return "heartbeat_reply";
}
std::string_view name_of(const SnapshotRequest&) {
  return "snapshot_request";
}
std::string_view name_of(const MemberSnapshot&) {
  return "snapshot";
}
std::string_view name_of(const MemberEvent& event) {
  return kEventNames[static_cast<std::size_t>(event.kind)];
}

void put(Packer& p, const Member& m) {
  put_map(p, "server", m.server, "incarnation", m.incarnation, "storage", m.storage,  //
          "liveness", m.liveness, "planned", m.planned,                               //
          "location", Text{m.location, kPlaceBytesMax},                               //
          "address", Text{m.address, kPlaceBytesMax},                                 //
          "capacity_bytes", m.capacity, "reserve_bytes", m.reserve,                   //
          "free_bytes", m.free, "used_bytes", m.used, "labels", LabelList{m.labels});
}

void put(Packer& p, const Heartbeat& heartbeat) {
  const Member& m = heartbeat.member;
  put_map(p, "server", m.server, "incarnation", m.incarnation, "storage", m.storage,  //
          "location", Text{m.location, kPlaceBytesMax},                               //
          "address", Text{m.address, kPlaceBytesMax},                                 //
          "capacity_bytes", m.capacity, "reserve_bytes", m.reserve,                   //
          "free_bytes", m.free, "used_bytes", m.used, "labels", LabelList{m.labels});
}

void put(Packer& p, const Leave& leave) {
  put_map(p, "server", leave.server, "incarnation", leave.incarnation, "storage", leave.storage);
}

void put(Packer& p, const HeartbeatReply& reply) {
  put_map(p, "server", reply.server, "status", reply.status, "incarnation", reply.incarnation,
          "number", reply.number);
}

void put(Packer& p, const SnapshotRequest& request) {
  put_map(p, "request", request.request);
}

void put(Packer& p, const MemberSnapshot& s) {
  EK_CHECK(s.part >= 1 && s.part <= s.parts && s.parts <= kPartsMax);
  put_map(p, "request", s.request, "stream", s.stream, "number", s.number,  //
          "part", s.part, "parts", s.parts, "members", List{s.members, kMembersMax});
}

void put(Packer& p, const MemberEvent& event) {
  EK_CHECK(event.member.has_value() == (event.kind != MemberEventKind::kBeacon));
  const std::optional<Timestamp> at =
      event.at == Timestamp{} ? std::nullopt : std::optional(event.at);
  put_map(p, "stream", event.stream, "number", event.number, "member", AbsentIfNone{event.member},
          "at_ms", AbsentIfNone{at});
}

std::span<const Kind> member_kinds() {
  static constexpr Kind kKinds[] = {{"heartbeat", read_heartbeat},
                                    {"leave", read_leave},
                                    {"heartbeat_reply", read_heartbeat_reply},
                                    {"snapshot_request", read_snapshot_request},
                                    {"snapshot", read_snapshot},
                                    {"membership.joined", read_event},
                                    {"membership.suspect", read_event},
                                    {"membership.failed", read_event},
                                    {"membership.recovered", read_event},
                                    {"membership.left", read_event},
                                    {"membership.updated", read_event},
                                    {"membership.beacon", read_event}};
  return kKinds;
}

}  // namespace evenkeel::wire
