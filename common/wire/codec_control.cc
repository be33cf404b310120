// What operators and clients ask, and what the rebalancer tells (schema/wire/README.md, 5 and 6).
#include <algorithm>
#include <array>

#include "common/base/overloaded.h"
#include "common/wire/messages.h"

namespace evenkeel::wire {
namespace {

constexpr std::string_view kModes[] = {"running",  "starting", "safe_mode",
                                       "unsynced", "braked",   "log_full"};
constexpr std::string_view kCodes[] = {"malformed", "not_found",   "conflict",    "stale",
                                       "denied",    "unavailable", "unknown_kind"};
constexpr std::string_view kEventKinds[] = {"server", "chunk", "command", "mode", "file"};
constexpr std::string_view kEventNames[] = {"event.server", "event.chunk", "event.command",
                                            "event.mode", "event.file"};
constexpr std::string_view kEventPrefix = "event.";

/// Of the passes that can be paused, in their order, and then of all of them together.
const std::array<std::string_view, kPasses.size() + 1>& pass_words() {
  static const auto words = [] {
    std::array<std::string_view, kPasses.size() + 1> made;
    std::ranges::transform(kPasses, made.begin(), [](Reason pass) { return to_text(pass); });
    made.back() = "all";
    return made;
  }();
  return words;
}

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

std::string read_policy_name(const Value& name) {
  return std::string(name.text(1, kPolicyBytesMax));
}

Request read_put_open(Fields& f) {
  PutOpen open{.name = std::string(f["name"].text(1, kNameBytesMax)),
               .goal = f["goal"].goal(0),
               .size = f["size_bytes"]};
  if (const auto policy = f.find("policy")) open.policy = read_policy_name(*policy);
  return open;
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

Request read_set_policy(Fields& f) {
  SetPolicy set{.name = read_policy_name(f["name"]),
                .goal = std::nullopt,
                .spread = std::nullopt,
                .require = std::nullopt,
                .prefer = std::nullopt};
  if (const auto goal = f.find("goal")) set.goal = goal->goal(1);
  if (const auto spread = f.find("spread")) set.spread.emplace(*spread);
  if (const auto rule = f.find("require")) set.require = rule->any_text(kRuleBytesMax);
  if (const auto rule = f.find("prefer")) set.prefer = rule->any_text(kRuleBytesMax);
  return set;
}
Request read_remove_policy(Fields& f) {
  return RemovePolicy{read_policy_name(f["name"])};
}
Request read_apply_policy(Fields& f) {
  ApplyPolicy apply{.policy = read_policy_name(f["policy"]), .what = read_named(f)};
  if (const auto first = f.find("first")) apply.first = *first;
  return apply;
}

Answer read_policy(Fields& f) {
  return PolicyTold{.name = read_policy_name(f["name"]),
                    .goal = f["goal"].goal(1),
                    .spread = f["spread"],
                    .require = f["require"].any_text(kRuleBytesRead),
                    .prefer = f["prefer"].any_text(kRuleBytesRead)};
}
Answer read_policy_applied(Fields& f) {
  return PolicyApplied{.total = f["total"], .next = f["next"], .changed = f["changed"]};
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

Intent read_intent(Fields& f) {
  Intent intent;
  if (const auto dry_run = f.find("dry_run")) intent.dry_run = *dry_run;
  if (const auto force = f.find("force")) intent.force = *force;
  return intent;
}

template <class T>
std::optional<T> read_optional(Fields& f, std::string_view name) {
  const auto field = f.find(name);
  return field ? std::optional<T>(T(*field)) : std::nullopt;
}

Forecast read_estimate(Fields& f) {
  Forecast estimate{.feasible = read_optional<bool>(f, "feasible"),
                    .chunks = read_optional<std::uint64_t>(f, "chunks"),
                    .bytes = read_optional<Bytes>(f, "bytes"),
                    .duration = read_optional<Duration>(f, "duration_ms"),
                    .rules = {}};
  if (const auto rules = f.find("rules")) {
    estimate.rules = rules->list(
        kRulesMax, [](const Value& rule) { return std::string(rule.any_text(kTextBytesRead)); });
  }
  return estimate;
}

template <bool kForget>
Request read_drain(Fields& f) {
  return DrainServer{.server = f["server"], .forget = kForget, .intent = read_intent(f)};
}
Request read_undrain(Fields& f) {
  return UndrainServer{f["server"]};
}
Request read_maintenance(Fields& f) {
  return MaintainServer{.server = f["server"], .length = f["length_ms"], .intent = read_intent(f)};
}
template <bool kPaused>
Request read_pause(Fields& f) {
  const std::string word = f["pass"].word_of(pass_words());
  return PausePass{.pass = from_text<Reason>(word), .paused = kPaused};  // none for "all"
}
Request read_cancel(Fields& f) {
  return CancelCommand{f["command"]};
}
Request read_set_goal(Fields& f) {
  SetGoal set{.what = read_named(f), .goal = f["goal"].goal(1)};
  if (const auto first = f.find("first")) set.first = *first;
  set.intent = read_intent(f);
  return set;
}

Answer read_server_admin(Fields& f) {
  return ServerAdmin{.server = f["server"],
                     .admin = f["admin"],
                     .done = f["done"],
                     .forget = f["forget"],
                     .maintenance_left = read_optional<Duration>(f, "maintenance_left_ms"),
                     .estimate = read_estimate(f)};
}
Answer read_passes(Fields& f) {
  return PausedPasses{f["paused"].list(kPasses.size(), [](const Value& pass) {
    return *from_text<Reason>(pass.word_of(std::span(pass_words()).first(kPasses.size())));
  })};
}
Answer read_cancelled(Fields& f) {
  return Cancelled{f["command"]};
}
Answer read_goal_set(Fields& f) {
  return GoalSet{.done = f["done"],
                 .total = f["total"],
                 .next = f["next"],
                 .changed = f["changed"],
                 .estimate = read_estimate(f)};
}

Request read_approve(Fields& f) {
  ApproveProposal approve{.proposal = f["proposal"]};
  if (const auto dry_run = f.find("dry_run")) approve.dry_run = *dry_run;
  return approve;
}
Request read_reject(Fields& f) {
  return RejectProposal{f["proposal"]};
}
Answer read_proposal(Fields& f) {
  ProposalTold told{.proposal = f["proposal"],
                    .state = f["state"],
                    .what = f["what"].any_text(kTextBytesRead),
                    .proposed_by = f["proposed_by"].any_text(kDetailBytesRead)};
  if (const auto by = f.find("decided_by")) told.decided_by = by->any_text(kDetailBytesRead);
  told.expires_in = read_optional<Duration>(f, "expires_ms");
  told.at_risk = f["at_risk"];
  told.estimate = read_estimate(f);
  return told;
}

template <auto kRead>
Message request(Fields& f, std::string_view) {
  ControlRequest asked{.request = f["request"], .what = kRead(f)};
  if (const auto token = f.find("operator_token")) asked.token = token->secret();
  return asked;
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
void put_named_map(Packer& p, const Asker& by, const Named& named,
                   const NamesAndValues&... fields) {
  std::visit(Overloaded{[&](const std::string& name) {
                          put_asked(p, by, "name", Text{name, kNameBytesMax}, fields...);
                        },
                        [&](ChunkId chunk) { put_asked(p, by, "chunk", chunk, fields...); }},
             named);
}

Text policy_name(const std::string& name) {
  EK_CHECK(!name.empty());
  return {name, kPolicyBytesMax};
}

std::uint64_t goal_number(int goal) {
  EK_CHECK(goal >= 1 && goal <= static_cast<int>(kGoalMax));
  return static_cast<std::uint64_t>(goal);
}

struct GoalIfAny {
  const std::optional<int>& goal;
};
bool is_absent(GoalIfAny wish) {
  return !wish.goal;
}
void put(Packer& p, GoalIfAny wish) {
  p.number(goal_number(*wish.goal));
}

void put_put_open(Packer& p, const Asker& by, const PutOpen& open) {
  EK_CHECK(!open.name.empty());
  EK_CHECK(open.goal >= 0 && open.goal <= static_cast<int>(kGoalMax));
  const auto policy = open.policy.empty() ? std::nullopt : std::optional(policy_name(open.policy));
  put_asked(p, by, "name", Text{open.name, kNameBytesMax}, "goal",
            static_cast<std::uint64_t>(open.goal), "size_bytes", open.size,  //
            "policy", AbsentIfNone{policy});
}

void put_set_policy(Packer& p, const Asker& by, const SetPolicy& set) {
  const auto rule = [](const std::optional<std::string>& text) {
    return text ? std::optional(Text{*text, kRuleBytesMax}) : std::nullopt;
  };
  const auto require = rule(set.require), prefer = rule(set.prefer);
  put_asked(p, by, "name", policy_name(set.name), "goal", GoalIfAny{set.goal},     //
            "spread", AbsentIfNone{set.spread}, "require", AbsentIfNone{require},  //
            "prefer", AbsentIfNone{prefer});
}

void put_policy(Packer& p, std::uint64_t request, const PolicyTold& told) {
  put_map(p, "request", request, "name", policy_name(told.name),  //
          "goal", goal_number(told.goal), "spread", told.spread,  //
          "require", Text{told.require, kRuleBytesRead},          //
          "prefer", Text{told.prefer, kRuleBytesRead});
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

/// Absent where it is the default, so that a program of before understands the rest.
std::optional<bool> if_set(bool flag) {
  return flag ? std::optional(true) : std::nullopt;
}

template <class... NamesAndValues>
void put_with_estimate(Packer& p, const Forecast& estimate, const NamesAndValues&... fields) {
  std::vector<ForPeople> rules;
  for (const std::string& rule : estimate.rules) rules.push_back({rule, kTextBytesMax});
  put_map(p, fields..., "feasible", AbsentIfNone{estimate.feasible},  //
          "chunks", AbsentIfNone{estimate.chunks}, "bytes", AbsentIfNone{estimate.bytes},
          "duration_ms", AbsentIfNone{estimate.duration}, "rules", List{rules, kRulesMax});
}

void put_drain(Packer& p, const Asker& by, const DrainServer& drain) {
  const auto dry_run = if_set(drain.intent.dry_run), force = if_set(drain.intent.force);
  put_asked(p, by, "server", drain.server, "dry_run", AbsentIfNone{dry_run},  //
            "force", AbsentIfNone{force});
}

void put_maintenance(Packer& p, const Asker& by, const MaintainServer& wish) {
  const auto dry_run = if_set(wish.intent.dry_run), force = if_set(wish.intent.force);
  put_asked(p, by, "server", wish.server, "length_ms", wish.length,  //
            "dry_run", AbsentIfNone{dry_run}, "force", AbsentIfNone{force});
}

void put_pause(Packer& p, const Asker& by, const PausePass& pause) {
  EK_CHECK(!pause.pass || std::ranges::find(kPasses, *pause.pass) != kPasses.end());
  const std::string_view word = pause.pass ? to_text(*pause.pass) : pass_words().back();
  put_asked(p, by, "pass", Text{word, kNameBytesMax});
}

void put_set_goal(Packer& p, const Asker& by, const SetGoal& set) {
  EK_CHECK(set.goal >= 1 && set.goal <= static_cast<int>(kGoalMax));
  const auto dry_run = if_set(set.intent.dry_run), force = if_set(set.intent.force);
  put_named_map(p, by, set.what, "goal", static_cast<std::uint64_t>(set.goal),  //
                "first", set.first, "dry_run", AbsentIfNone{dry_run},           //
                "force", AbsentIfNone{force});
}

void put_server_admin(Packer& p, std::uint64_t request, const ServerAdmin& is) {
  put_with_estimate(p, is.estimate, "request", request, "server", is.server, "admin", is.admin,
                    "done", is.done, "forget", is.forget,  //
                    "maintenance_left_ms", AbsentIfNone{is.maintenance_left});
}

void put_proposal(Packer& p, std::uint64_t request, const ProposalTold& told) {
  const auto by = told.decided_by.empty()
                      ? std::nullopt
                      : std::optional(ForPeople{told.decided_by, kDetailBytesMax});
  put_with_estimate(p, told.estimate, "request", request, "proposal", told.proposal, "state",
                    told.state, "what", ForPeople{told.what, kTextBytesMax}, "proposed_by",
                    ForPeople{told.proposed_by, kDetailBytesMax}, "decided_by", AbsentIfNone{by},
                    "expires_ms", AbsentIfNone{told.expires_in}, "at_risk", told.at_risk);
}

void put_goal_set(Packer& p, std::uint64_t request, const GoalSet& set) {
  put_with_estimate(p, set.estimate, "request", request, "done", set.done, "total", set.total,
                    "next", set.next, "changed", set.changed);
}

}  // namespace

std::string_view name_of(const ControlRequest& asked) {
  return std::visit(
      Overloaded{[](const Ping&) -> std::string_view { return "ping"; },
                 [](const PutOpen&) -> std::string_view { return "put_open"; },
                 [](const PutPlace&) -> std::string_view { return "put_place"; },
                 [](const PutClose&) -> std::string_view { return "put_close"; },
                 [](const Locate&) -> std::string_view { return "locate"; },
                 [](const DeleteNamed&) -> std::string_view { return "delete"; },
                 [](const DrainServer& drain) -> std::string_view {
                   return drain.forget ? "decommission" : "drain";
                 },
                 [](const UndrainServer&) -> std::string_view { return "undrain"; },
                 [](const MaintainServer&) -> std::string_view { return "maintenance"; },
                 [](const PausePass& pause) -> std::string_view {
                   return pause.paused ? "pause" : "resume";
                 },
                 [](const CancelCommand&) -> std::string_view { return "cancel"; },
                 [](const SetGoal&) -> std::string_view { return "goal"; },
                 [](const ReleaseBrake&) -> std::string_view { return "brake_release"; },
                 [](const Explain&) -> std::string_view { return "explain"; },
                 [](const SetPolicy&) -> std::string_view { return "policy_set"; },
                 [](const RemovePolicy&) -> std::string_view { return "policy_remove"; },
                 [](const ApplyPolicy&) -> std::string_view { return "policy_apply"; },
                 [](const ApproveProposal&) -> std::string_view { return "approve"; },
                 [](const RejectProposal&) -> std::string_view { return "reject"; }},
      asked.what);
}

std::string_view name_of(const ControlAnswer& answered) {
  return std::visit(
      Overloaded{[](const Pong&) -> std::string_view { return "pong"; },
                 [](const PutOpened&) -> std::string_view { return "put_opened"; },
                 [](const PutPlaced&) -> std::string_view { return "put_placed"; },
                 [](const PutClosed&) -> std::string_view { return "put_closed"; },
                 [](const Located&) -> std::string_view { return "located"; },
                 [](const Deleted&) -> std::string_view { return "deleted"; },
                 [](const Refused&) -> std::string_view { return "error"; },
                 [](const ServerAdmin&) -> std::string_view { return "server_admin"; },
                 [](const PausedPasses&) -> std::string_view { return "passes"; },
                 [](const Cancelled&) -> std::string_view { return "cancelled"; },
                 [](const GoalSet&) -> std::string_view { return "goal_set"; },
                 [](const BrakeReleased&) -> std::string_view { return "brake_released"; },
                 [](const Explained&) -> std::string_view { return "explained"; },
                 [](const PolicyTold&) -> std::string_view { return "policy"; },
                 [](const PolicyApplied&) -> std::string_view { return "policy_applied"; },
                 [](const ProposalTold&) -> std::string_view { return "proposal"; }},
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
  const Asker id{asked};
  std::visit(
      Overloaded{
          [&](const Ping&) { put_asked(p, id); },
          [&](const PutOpen& open) { put_put_open(p, id, open); },
          [&](const PutPlace& place) {
            put_asked(p, id, "file", place.file, "items", List{place.items, kPlacedMax});
          },
          [&](const PutClose& close) {
            put_asked(p, id, "file", close.file,  //
                      "stored", List{close.stored, kElementsMax}, "done", close.done);
          },
          [&](const Locate& locate) { put_named_map(p, id, locate.what, "first", locate.first); },
          [&](const DeleteNamed& gone) { put_named_map(p, id, gone.what); },
          [&](const DrainServer& drain) { put_drain(p, id, drain); },
          [&](const UndrainServer& undrain) { put_asked(p, id, "server", undrain.server); },
          [&](const MaintainServer& wish) { put_maintenance(p, id, wish); },
          [&](const PausePass& pause) { put_pause(p, id, pause); },
          [&](const CancelCommand& cancel) { put_asked(p, id, "command", cancel.command); },
          [&](const SetGoal& set) { put_set_goal(p, id, set); },
          [&](const ReleaseBrake&) { put_asked(p, id); },
          [&](const Explain& explain) { put_explain(p, id, explain); },
          [&](const SetPolicy& set) { put_set_policy(p, id, set); },
          [&](const RemovePolicy& gone) { put_asked(p, id, "name", policy_name(gone.name)); },
          [&](const ApplyPolicy& apply) {
            put_named_map(p, id, apply.what, "policy", policy_name(apply.policy), "first",
                          apply.first);
          },
          [&](const ApproveProposal& wish) {
            const auto dry_run = if_set(wish.dry_run);
            put_asked(p, id, "proposal", wish.proposal, "dry_run", AbsentIfNone{dry_run});
          },
          [&](const RejectProposal& wish) { put_asked(p, id, "proposal", wish.proposal); }},
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
                        [&](const Refused& refused) { put_error(p, id, refused); },
                        [&](const ServerAdmin& is) { put_server_admin(p, id, is); },
                        [&](const PausedPasses& paused) {
                          put_map(p, "request", id, "paused", List{paused.passes, kPasses.size()});
                        },
                        [&](const Cancelled& cancelled) {
                          put_map(p, "request", id, "command", cancelled.command);
                        },
                        [&](const GoalSet& set) { put_goal_set(p, id, set); },
                        [&](const BrakeReleased& released) {
                          put_map(p, "request", id, "servers", released.servers);
                        },
                        [&](const Explained& explained) { put_explained(p, id, explained); },
                        [&](const PolicyTold& told) { put_policy(p, id, told); },
                        [&](const ProposalTold& told) { put_proposal(p, id, told); },
                        [&](const PolicyApplied& applied) {
                          put_map(p, "request", id, "total", applied.total, "next", applied.next,
                                  "changed", applied.changed);
                        }},
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
  static constexpr auto kRelease = [](Fields&) -> Request { return ReleaseBrake{}; };
  static constexpr auto kReleased = [](Fields& f) -> Answer { return BrakeReleased{f["servers"]}; };
  static constexpr auto kDeleted = [](Fields& f) -> Answer { return Deleted{f["chunks"]}; };
  static constexpr Kind kKinds[] = {{"ping", request<kPing>},
                                    {"put_open", request<read_put_open>},
                                    {"put_place", request<read_put_place>},
                                    {"put_close", request<read_put_close>},
                                    {"locate", request<read_locate>},
                                    {"delete", request<kDelete>},
                                    {"drain", request<read_drain<false>>},
                                    {"decommission", request<read_drain<true>>},
                                    {"undrain", request<read_undrain>},
                                    {"maintenance", request<read_maintenance>},
                                    {"pause", request<read_pause<true>>},
                                    {"resume", request<read_pause<false>>},
                                    {"cancel", request<read_cancel>},
                                    {"goal", request<read_set_goal>},
                                    {"explain", request<read_explain>},
                                    {"policy_set", request<read_set_policy>},
                                    {"policy_remove", request<read_remove_policy>},
                                    {"policy_apply", request<read_apply_policy>},
                                    {"approve", request<read_approve>},
                                    {"reject", request<read_reject>},
                                    {"pong", answer<read_pong>},
                                    {"put_opened", answer<read_put_opened>},
                                    {"put_placed", answer<read_put_placed>},
                                    {"put_closed", answer<read_put_closed>},
                                    {"located", answer<read_located>},
                                    {"deleted", answer<kDeleted>},
                                    {"explained", answer<read_explained>},
                                    {"error", answer<read_error>},
                                    {"server_admin", answer<read_server_admin>},
                                    {"passes", answer<read_passes>},
                                    {"cancelled", answer<read_cancelled>},
                                    {"goal_set", answer<read_goal_set>},
                                    {"brake_release", request<kRelease>},
                                    {"brake_released", answer<kReleased>},
                                    {"policy", answer<read_policy>},
                                    {"policy_applied", answer<read_policy_applied>},
                                    {"proposal", answer<read_proposal>},
                                    {"event.server", read_event},
                                    {"event.chunk", read_event},
                                    {"event.command", read_event},
                                    {"event.mode", read_event},
                                    {"event.file", read_event}};
  return kKinds;
}

}  // namespace evenkeel::wire
