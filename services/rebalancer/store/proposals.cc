// Store, the part that keeps what one operator has proposed and another one is to approve.
#include "common/base/check.h"
#include "common/base/overloaded.h"
#include "common/model/text.h"
#include "services/rebalancer/store/rows.h"
#include "services/rebalancer/store/store.h"

namespace evenkeel {
namespace {

using rows::number;

std::int64_t ms(Timestamp wall) {
  return wall.time_since_epoch().count();
}

/// A request in columns: what it needs of them.
struct Wanted {
  std::optional<ServerId> server;
  std::optional<CommandId> command;
  std::optional<ChunkId> chunk;
  std::optional<std::string> name, policy, pass;
  std::optional<int> goal;
  std::optional<Duration> length;
  bool forced = false;

  void set(const Named& what) {
    if (const auto* id = std::get_if<ChunkId>(&what)) {
      chunk = *id;
    } else {
      name = std::get<std::string>(what);
    }
  }
  Named named() const { return name ? Named(*name) : Named(chunk.value()); }
};

Wanted columns_of(const Request& request) {
  Wanted w;
  std::visit(
      Overloaded{[&](const DrainServer& wish) {
                   w.server = wish.server;
                   w.forced = wish.intent.force;
                 },
                 [&](const UndrainServer& wish) { w.server = wish.server; },
                 [&](const MaintainServer& wish) {
                   w.server = wish.server;
                   w.length = wish.length;
                   w.forced = wish.intent.force;
                 },
                 [&](const PausePass& wish) {
                   if (wish.pass) w.pass = std::string(to_text(*wish.pass));
                 },
                 [&](const CancelCommand& wish) { w.command = wish.command; },
                 [&](const SetGoal& wish) {
                   w.set(wish.what);
                   w.goal = wish.goal;
                   w.forced = wish.intent.force;
                 },
                 [&](const ApplyPolicy& wish) {
                   w.set(wish.what);
                   w.policy = wish.policy;
                 },
                 [](const ReleaseBrake&) {}, [&](const DeleteNamed& wish) { w.set(wish.what); },
                 [](const auto&) { EK_CHECK(!"nobody proposes this"); }},
      request);
  return w;
}

Request request_of(Operation operation, const Wanted& w) {
  const Intent intent{.dry_run = false, .force = w.forced};
  const auto pass = w.pass ? from_text<Reason>(*w.pass) : std::nullopt;
  switch (operation) {
    case Operation::kDrain:
      return DrainServer{w.server.value(), false, intent};
    case Operation::kDecommission:
      return DrainServer{w.server.value(), true, intent};
    case Operation::kUndrain:
      return UndrainServer{w.server.value()};
    case Operation::kMaintenance:
      return MaintainServer{w.server.value(), w.length.value(), intent};
    case Operation::kGoalLowered:
      if (w.policy) return ApplyPolicy{*w.policy, w.named()};
      return SetGoal{w.named(), w.goal.value(), 0, intent};
    case Operation::kCancel:
      return CancelCommand{w.command.value()};
    case Operation::kPause:
      return PausePass{pass, true};
    case Operation::kResume:
      return PausePass{pass, false};
    case Operation::kReleaseBrake:
      return ReleaseBrake{};
    case Operation::kDelete:
      return DeleteNamed{w.named()};
  }
  EK_CHECK(false);
}

template <class T>
std::optional<T> id_if_any(const sqlite::Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return T(number(row, column));
}
std::optional<std::string> text_if_any(const sqlite::Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return row.text(column);
}

Wanted read_columns(const sqlite::Statement& row, int first) {
  Wanted w{.server = id_if_any<ServerId>(row, first),
           .command = id_if_any<CommandId>(row, first + 1),
           .chunk = id_if_any<ChunkId>(row, first + 2),
           .name = text_if_any(row, first + 3),
           .policy = text_if_any(row, first + 4),
           .pass = text_if_any(row, first + 5)};
  if (!row.is_null(first + 6)) w.goal = static_cast<int>(row.integer(first + 6));
  if (!row.is_null(first + 7)) w.length = Duration(row.integer(first + 7));
  w.forced = row.integer(first + 8) != 0;
  return w;
}

constexpr const char* kColumns =
    "SELECT proposal_id, operation, state, what, meant, proposed_by, coalesce(decided_by, ''), "
    "expires_running_ms - (SELECT running_ms FROM meta), feasible, copy_chunks, copy_bytes, "
    "duration_ms, rules, at_risk, server_id, command_id, chunk_id, name, policy, pass, goal, "
    "length_ms, forced FROM proposal ";
constexpr int kFirstOfRequest = 14;

Forecast read_estimate(const sqlite::Statement& row) {
  Forecast estimate;
  if (!row.is_null(8)) estimate.feasible = row.integer(8) != 0;
  if (!row.is_null(9)) estimate.chunks = number(row, 9);
  if (!row.is_null(10)) estimate.bytes = Bytes(number(row, 10));
  if (!row.is_null(11)) estimate.duration = Duration(row.integer(11));
  const std::string rules = row.text(12);
  for (std::size_t at = 0; at < rules.size();) {
    const std::size_t end = std::min(rules.find('\n', at), rules.size());
    estimate.rules.push_back(rules.substr(at, end - at));
    at = end + 1;
  }
  return estimate;
}

}  // namespace

std::vector<Proposed> Store::read_proposals(sqlite::Statement& row) {
  std::vector<Proposed> all;
  while (row.step()) {
    const auto operation = from_text<Operation>(row.text(1));
    EK_CHECK(operation.has_value());
    all.push_back({.id = ProposalId(number(row, 0)),
                   .operation = *operation,
                   .request = request_of(*operation, read_columns(row, kFirstOfRequest)),
                   .what = row.text(3),
                   .meant = row.text(4),
                   .by = row.text(5),
                   .estimate = read_estimate(row),
                   .at_risk = number(row, 13),
                   .state = static_cast<ProposalState>(row.integer(2)),
                   .decided_by = row.text(6),
                   .left = Duration(row.integer(7))});
  }
  return all;
}

std::optional<Proposed> Store::proposal(ProposalId id) {
  auto& row = db_.cached(std::string(kColumns) + "WHERE proposal_id = ?");
  row.open(id);
  auto found = read_proposals(row);
  return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

std::vector<Proposed> Store::pending_proposals() {
  auto& row = db_.cached(std::string(kColumns) +
                         "WHERE state = 0 AND expires_running_ms > (SELECT running_ms FROM meta) "
                         "ORDER BY proposal_id");
  row.open();
  return read_proposals(row);
}

std::vector<Proposed> Store::expired_proposals() {
  auto& row = db_.cached(std::string(kColumns) +
                         "WHERE state = 0 AND expires_running_ms <= (SELECT running_ms FROM meta) "
                         "ORDER BY proposal_id");
  row.open();
  return read_proposals(row);
}

ProposalId Store::next_proposal() {
  auto& row = db_.cached(
      "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'proposal'), 0) + 1");
  row.open();
  EK_CHECK(row.step());
  const ProposalId next(number(row, 0));
  row.reset();
  return next;
}

void Store::save_proposal(const Proposed& p, Timestamp wall) {
  const Wanted w = columns_of(p.request);
  std::string rules;
  for (const std::string& rule : p.estimate.rules) rules += (rules.empty() ? "" : "\n") + rule;
  const auto ms_of = [](const std::optional<Duration>& length) {
    return length ? std::optional(length->count()) : std::nullopt;
  };
  db_.cached(
         "INSERT INTO proposal (proposal_id, operation, server_id, command_id, chunk_id, name, "
         "policy, pass, goal, length_ms, forced, what, meant, proposed_by, proposed_ms, "
         "expires_running_ms, feasible, copy_chunks, copy_bytes, duration_ms, rules, at_risk) "
         "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, "
         "(SELECT running_ms + ?16 FROM meta), ?17, ?18, ?19, ?20, ?21, ?22)")
      .run(p.id, to_text(p.operation), w.server, w.command, w.chunk, w.name, w.policy, w.pass,
           w.goal, ms_of(w.length), w.forced, p.what, p.meant, p.by, ms(wall), p.left.count(),
           p.estimate.feasible, p.estimate.chunks, p.estimate.bytes, ms_of(p.estimate.duration),
           rules, p.at_risk);
}

void Store::save_proposal(const ProposalDecided& decided, Timestamp wall) {
  const auto by = decided.by.empty() ? std::nullopt : std::optional(decided.by);
  const auto changed =
      db_.cached(
             "UPDATE proposal SET state = ?2, decided_by = ?3, decided_ms = ?4, "
             "decided_running_ms = (SELECT running_ms FROM meta) WHERE proposal_id = ?1")
          .run(decided.proposal, static_cast<int>(decided.state), by, ms(wall));
  EK_CHECK(changed == 1);
}

}  // namespace evenkeel
