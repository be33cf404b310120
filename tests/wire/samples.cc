#include "tests/wire/samples.h"

namespace evenkeel::wire {
namespace {

const StorageId kStorage = *StorageId::parse("00112233445566778899aabbccddeeff");
const StorageId kOther = *StorageId::parse("ffeeddccbbaa99887766554433221100");
const StorageId kStream = *StorageId::parse("0123456789abcdef0123456789abcdef");
const Checksum kChecksum = *Checksum::parse("000102030405060708090a0b0c0d0e0f");
const std::string kToken(32, '\x5a');
const std::string kKey(32, '\x6b');
const Timestamp kAt{Duration(1'700'000'000'123)};
constexpr std::uint64_t kBlock = 262'144;

const ChunkContent kContent{ChunkId(42), ChunkVersion(3), Bytes(67'108'864), kChecksum};
const Source kSource{ServerId(8), kOther, "10.0.0.8:7420", kToken};
const AgentIdentity kAgent{ServerId(7), Incarnation(5), kStorage, Epoch(9)};

Member member() {
  return {.server = ServerId(7),
          .incarnation = Incarnation(5),
          .storage = kStorage,
          .liveness = Liveness::kAlive,
          .planned = false,
          .location = "zone1/rack3/host7",
          .address = "10.0.0.7:7420",
          .capacity = Bytes(1'000'000'000'000),
          .reserve = Bytes(50'000'000'000),
          .free = Bytes(400'000'000'000),
          .used = Bytes(600'000'000'000),
          .labels = {{"disk", "ssd"}, {"tier", "hot"}}};
}

MemberEvent member_event(MemberEventKind kind, Liveness liveness, bool planned) {
  Member after = member();
  after.liveness = liveness;
  after.planned = planned;
  return {kind, kStream, EventNumber(118), after, kAt};
}

Command command(std::uint64_t id, Reason reason, Duration allowed, Order order) {
  return {CommandId(id), reason, kStorage, allowed, std::move(order)};
}

Holder holder() {
  return {.server = ServerId(8),
          .storage = kOther,
          .location = "zone1/rack4/host8",
          .version = ChunkVersion(3),
          .checksum = kChecksum,
          .presence_age = Duration(1500),
          .content_age = Duration(86'400'000),
          .vouched_by = Holder::VouchedBy::kInventory,
          .vouched = 17};
}

Commands commands() {
  const Delete trim{.content = kContent,
                    .goal = 1,
                    .domains = 1,
                    .spread = SpreadLevel::kRack,
                    .evidence = {holder()}};
  return {.epoch = Epoch(9),
          .server = ServerId(7),
          .previous = CommandId(1000),
          .more = true,
          .items = {command(1001, Reason::kRepair, Duration(600'000),
                            Replicate{kContent, {kSource}, Bytes(50'000'000)}),
                    command(1002, Reason::kTrim, Duration{}, trim),
                    command(1003, Reason::kVerify, Duration(60'000),
                            Verify{kContent, VerifyLevel::kContent}),
                    command(1004, Reason::kReport, Duration(60'000), Report{})},
          .unknown = {}};
}

Inventory inventory() {
  const ChunkContent second{ChunkId(43), ChunkVersion(1), Bytes(1000), kChecksum};
  return {.from = kAgent,
          .number = InventoryNumber(18),
          .basis = InventoryNumber(17),
          .journal = JournalNumber(311),
          .part = 1,
          .parts = 2,
          .rows = {{kContent, ReplicaFinding::kOk, Duration(3'600'000)},
                   {second, ReplicaFinding::kShort, std::nullopt}},
          .gone = {{ChunkId(44), ChunkVersion(2)}}};
}

Ack ack() {
  const CommandResult done{.command = CommandId(1001),
                           .outcome = Outcome::kDone,
                           .why = Why::kNone,
                           .detail = "",
                           .journal = JournalNumber(312),
                           .blamed = {{ServerId(9), Fault::kUnreachable}},
                           .bytes_done = Bytes(67'108'864),
                           .free = Bytes(399'932'891'136)};
  const CommandResult refused{.command = CommandId(1002),
                              .outcome = Outcome::kRefused,
                              .why = Why::kEvidence,
                              .detail = "one holder of two",
                              .journal = JournalNumber(313),
                              .blamed = {},
                              .bytes_done = Bytes(0),
                              .free = Bytes(399'932'891'136)};
  return {kAgent, {done, refused}};
}

const std::vector<std::uint64_t> kBlocks{0x0102030405060708, 0xF1F2F3F4F5F6F7F8};
const ChunkContent kTwoBlocks{ChunkId(42), ChunkVersion(3), Bytes(kBlock + 5), kChecksum};

ControlRequest asked(std::uint64_t id, Request what) {
  return {id, std::move(what)};
}
ControlRequest by_an_operator(ControlRequest request) {
  request.token = kToken;
  return request;
}
ControlAnswer answered(std::uint64_t id, Answer what) {
  return {id, std::move(what)};
}
Forecast estimate() {
  return {false,
          3000,
          Bytes(201'326'592'000),
          Duration(700'000),
          {"rack: 2 racks are left for a goal of 3"}};
}
RebalancerEvent event(const std::string& kind, const std::string& subject) {
  return {EventNumber(77), kAt, kind, subject, "said for people"};
}

Explained explained() {
  Candidate nine{.server = ServerId(9), .refusals = {"same host", "too full"}, .use_ppm = 612'000};
  Decision decision{.command = CommandId(1001),
                    .kind = CommandKind::kReplicate,
                    .reason = Reason::kBalance,
                    .chunk = ChunkId(42),
                    .server = ServerId(7),
                    .source = ServerId(8),
                    .drop = ServerId(11),
                    .state = "done",
                    .why = "",
                    .because = "s11 is at 80 %, s7 at 61 %",
                    .issued = kAt,
                    .closed = kAt,
                    .others = {nine}};
  return {.what = ChunkId(42),
          .verdict = "waits: no server can take it",
          .facts = {{"goal", "3"}},
          .causes = {{"no_target", "no server can take it"}},
          .candidates = {nine},
          .candidates_total = 12,
          .decisions = {std::move(decision)}};
}

}  // namespace

std::vector<Message> samples() {
  using enum MemberEventKind;
  return {
      Heartbeat{member()},
      Leave{ServerId(7), Incarnation(5), kStorage},
      HeartbeatReply{ServerId(7), HeartbeatReply::Status::kStale, Incarnation(6), EventNumber(118)},
      SnapshotRequest{21},
      MemberSnapshot{21, kStream, EventNumber(118), 1, 1, {member()}},
      member_event(kJoined, Liveness::kAlive, false),
      member_event(kSuspect, Liveness::kSuspect, false),
      member_event(kFailed, Liveness::kDead, false),
      member_event(kRecovered, Liveness::kAlive, false),
      member_event(kLeft, Liveness::kDead, true),
      member_event(kUpdated, Liveness::kAlive, false),
      MemberEvent{kBeacon, kStream, EventNumber(118), std::nullopt, kAt},

      Hello{kAgent, JournalNumber(310), CommandId(999)},
      Welcome{Epoch(9), ServerId(7), kStorage, kKey, true},
      Retry{"membership has not told of s7 yet", Duration(500)},
      inventory(),
      InventoryReply{InventoryNumber(18), 1, InventoryReply::Status::kOk},
      ack(),
      AckReply{{CommandId(1001), CommandId(1002)}},
      Progress{kAgent, {{CommandId(1001), Bytes(1'048'576)}}},
      Pull{kAgent, CommandId(999)},
      commands(),
      Beacon{Epoch(9), ServerId(7), CommandId(1004), 4},
      Withdraw{Epoch(9), ServerId(7), {CommandId(1001), CommandId(1003)}},

      asked(31, Ping{}),
      asked(32, PutOpen{"photos/cat.jpg", 3, Bytes(134'217'733), "fast"}),
      asked(33, PutPlace{FileId(12), {{0, Bytes(67'108'864), kChecksum, {ServerId(9)}}}}),
      asked(34,
            PutClose{
                FileId(12), {{ChunkId(42), ServerId(8), kOther, JournalNumber(55), kToken}}, true}),
      asked(35, Locate{"photos/cat.jpg", 0}),
      asked(36, DeleteNamed{"photos/cat.jpg"}),
      answered(31,
               Pong{"0.1.0", Epoch(9), "safe_mode", "2 of 9 servers are gone", Duration(61'000)}),
      answered(32, PutOpened{FileId(12), Bytes(67'108'864), 3}),
      answered(33, PutPlaced{FileId(12), Epoch(9), {{0, ChunkId(42), ChunkVersion(3), {kSource}}}}),
      answered(34, PutClosed{FileId(12), 1}),
      answered(
          35,
          Located{"photos/cat.jpg", Bytes(67'108'864), 1, 0, Epoch(9), {{kContent, {kSource}}}}),
      answered(36, Deleted{1}),
      asked(60, Explain{ChunkId(42)}),
      answered(60, explained()),
      answered(37, Refused{"not_found", "no file \"photos/dog.jpg\""}),
      asked(38, DrainServer{ServerId(7), false, {true, false}}),
      asked(39, DrainServer{ServerId(7), true, {false, true}}),
      asked(40, UndrainServer{ServerId(7)}),
      asked(41, MaintainServer{ServerId(7), Duration(1'800'000), {true, true}}),
      asked(42, PausePass{Reason::kBalance, true}),
      asked(43, PausePass{std::nullopt, false}),
      asked(44, CancelCommand{CommandId(1001)}),
      asked(45, SetGoal{"photos/cat.jpg", 2, 2048, {true, true}}),
      answered(38, ServerAdmin{ServerId(7), AdminState::kMaintenance, true, true,
                               Duration(1'799'000), estimate()}),
      answered(42, PausedPasses{{Reason::kRepair, Reason::kBalance}}),
      answered(44, Cancelled{CommandId(1001)}),
      answered(45, GoalSet{true, 4000, 2048, 2047, estimate()}),
      asked(46, ReleaseBrake{}),
      answered(46, BrakeReleased{12}),
      asked(46, SetPolicy{"fast", 3, SpreadLevel::kRack, "disk = ssd", "tier = hot"}),
      asked(47, RemovePolicy{"fast"}),
      asked(48, ApplyPolicy{"fast", "photos/cat.jpg", 4096}),
      answered(46, PolicyTold{"fast", 3, SpreadLevel::kRack, "disk = ssd", "tier = hot"}),
      answered(48, PolicyApplied{5000, 5000, 904}),
      by_an_operator(asked(49, ApproveProposal{ProposalId(3), true})),
      by_an_operator(asked(50, RejectProposal{ProposalId(3)})),
      answered(49, ProposalTold{ProposalId(3), ProposalState::kPending, "drain s7", "ann", "bob",
                                Duration(3'599'000), 17, estimate()}),
      event("server", "s7"),
      event("chunk", "c42"),
      event("command", "k1001"),
      event("mode", "running"),
      event("file", "photos/cat.jpg"),

      TransferOpen{TransferOpen::Mode::kCopy, Epoch(9), 1001, ChunkId(42), ChunkVersion(3), kOther,
                   7, kToken, 0, 1'048'576},
      TransferManifest{kTwoBlocks.size, kChecksum, kBlock, kBlocks},
      TransferRead{1'048'576, 1'048'576},
      TransferDone{},
      TransferError{"token", "not signed for this chunk"},
      TransferStore{kTwoBlocks, kStorage, Epoch(9), kToken, kBlock, kBlocks},
      TransferStored{ChunkId(42), ChunkVersion(3), ServerId(7), kStorage, JournalNumber(314),
                     kToken},
  };
}

std::vector<Message> variants() {
  Inventory full = inventory();
  full.basis.reset();
  full.gone.clear();
  full.rows.clear();
  const Delete retired{.content = kContent, .retired = true, .evidence = {}};
  Member umlaut = member();
  umlaut.location = "z\xC3\xBCrich/r1/h1";
  Member unlabelled = member();
  unlabelled.labels.clear();
  return {
      full,
      Heartbeat{umlaut},
      Heartbeat{unlabelled},
      Hello{kAgent, JournalNumber(0), std::nullopt},
      Pull{kAgent, std::nullopt},
      Beacon{Epoch(9), ServerId(7), std::nullopt, 0},
      Commands{Epoch(9), ServerId(7), std::nullopt, false, {}, {}},
      Commands{Epoch(9),
               ServerId(7),
               std::nullopt,
               false,
               {command(1005, Reason::kRetire, Duration{}, retired)},
               {}},
      MemberEvent{MemberEventKind::kBeacon, kStream, EventNumber(0), std::nullopt, Timestamp{}},
      MemberSnapshot{21, kStream, EventNumber(0), 1, 1, {}},
      Ack{kAgent, {}},
      asked(kNumberMax, Locate{ChunkId(42), 128}),
      asked(0, DeleteNamed{ChunkId(0)}),
      asked(0, DrainServer{ServerId(1), false, {}}),
      asked(0, MaintainServer{ServerId(1), Duration(0), {}}),
      asked(0, SetGoal{ChunkId(0), 16, 0, {}}),
      answered(0, ServerAdmin{ServerId(1), AdminState::kInService, false, false, {}, {}}),
      answered(0, GoalSet{}),
      answered(0, PausedPasses{}),
      asked(0, ApproveProposal{ProposalId(1)}),
      by_an_operator(asked(0, DrainServer{ServerId(1), false, {}})),
      by_an_operator(asked(0, SetGoal{ChunkId(0), 16, 0, {}})),
      by_an_operator(asked(40, Explain{CommandId(1001)})),
      answered(0, ProposalTold{.proposal = ProposalId(1),
                               .state = ProposalState::kExpired,
                               .what = "",
                               .proposed_by = "",
                               .decided_by = "",
                               .expires_in = {},
                               .estimate = {}}),
      asked(39, Explain{ServerId(7)}),
      asked(40, Explain{CommandId(1001)}),
      answered(40, Explained{.what = CommandId(1001),
                             .verdict = "",
                             .facts = {},
                             .causes = {},
                             .candidates = {{ServerId(7), {}, std::nullopt}},
                             .decisions = {{.command = CommandId(1),
                                            .kind = CommandKind::kReport,
                                            .reason = Reason::kReport,
                                            .server = ServerId(7),
                                            .state = "open"}}}),
      asked(1, PutOpen{"a", 0, Bytes(0), ""}),
      asked(1, SetPolicy{"fast", std::nullopt, std::nullopt, std::nullopt, std::nullopt}),
      asked(1, SetPolicy{"fast", std::nullopt, std::nullopt, "", ""}),
      asked(1, ApplyPolicy{"fast", ChunkId(42), 0}),
      TransferOpen{TransferOpen::Mode::kGet, Epoch(9), 0, ChunkId(42), ChunkVersion(3), kOther, 0,
                   kToken, 0, 0},
      TransferOpen{TransferOpen::Mode::kCopy, Epoch(9), 1001, ChunkId(42), ChunkVersion(3), kOther,
                   7, kToken, 0, 4096, true},
      TransferManifest{Bytes(0), kChecksum, kBlock, {}},
  };
}

}  // namespace evenkeel::wire
