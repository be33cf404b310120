#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <unistd.h>

#include "tools/cli/commands.h"
#include "tools/cli/render.h"
#include "tools/cli/view.h"

namespace evenkeel::cli {
namespace {

/// The columns of a view, and what follows FROM. `limit` rows are shown, or all if it is 0.
struct Query {
  std::vector<Column> columns;
  std::string from;
  std::int64_t limit = 0;
  bool newest_last = false;  ///< asked for newest first, for the limit, and shown as a log
};

/// Adds a condition. Values are numbers or words of a closed list, never text from outside.
void where(std::string& from, const std::string& condition) {
  from += (from.find(" WHERE ") == std::string::npos ? " WHERE " : " AND ") + condition;
}

/// What was found, of which no more than `limit` rows are shown; 0: all.
Exit print(const Options& options, Rows rows, std::int64_t limit, bool newest_last,
           const std::string& none) {
  const bool more = limit > 0 && rows.rows.size() > static_cast<std::size_t>(limit);
  if (more) rows.rows.resize(static_cast<std::size_t>(limit));
  if (newest_last) std::ranges::reverse(rows.rows);
  if (options.json) {
    std::fputs(json(rows).c_str(), stdout);
  } else if (rows.rows.empty()) {
    std::printf("%s\n", none.c_str());
  } else {
    std::fputs(table(rows, style_of(STDOUT_FILENO)).c_str(), stdout);
  }
  if (more) {
    std::fprintf(stderr, "evenkeel: there are more than these %s; --limit 0 shows all\n",
                 std::to_string(limit).c_str());
  }
  return Exit::kOk;
}

std::string limited(const std::string& from, std::int64_t limit) {
  return limit > 0 ? from + " LIMIT " + std::to_string(limit + 1) : from;
}

Exit show(const Options& options, Query query, const std::string& none) {
  const Result<View> view = View::open(options.database, options.cluster);
  if (!view) return error(view.error().what);
  return print(options, view->rows(std::move(query.columns), limited(query.from, query.limit)),
               query.limit, query.newest_last, none);
}

/// The chunks among which those are that are asked for, if there is a short way to these: the view
/// chunk_health reads all replicas there are before it gives its first row, unless it is asked for
/// one chunk.
std::optional<std::vector<std::int64_t>> chunks_to_look_at(const View& view,
                                                           const ChunkFilter& filter) {
  const auto ids_of = [&](const std::string& column, const std::string& from) {
    std::vector<std::int64_t> ids;
    view.each("SELECT " + column + " FROM " + from,
              [&](const auto& row) { ids.push_back(row(0)); });
    return ids;
  };
  if (filter.chunk) return std::vector{static_cast<std::int64_t>(filter.chunk->value())};
  if (filter.health.empty()) {
    if (filter.limit == 0) return std::nullopt;
    return ids_of("chunk_id", limited(filter.server ? "replica WHERE server_id = " +
                                                          std::to_string(filter.server->value()) +
                                                          " ORDER BY chunk_id"
                                                    : "chunk ORDER BY chunk_id",
                                      filter.limit));
  }
  const bool any_will_do = filter.limit > 0 && !filter.server;
  for (const auto& [health, life] : {std::pair("creating", "0"), std::pair("retired", "2")}) {
    if (filter.health != health || filter.server) continue;
    return ids_of("chunk_id", limited(std::string("chunk WHERE life = ") + life +
                                          " AND life <> 1 ORDER BY chunk_id",  // for its index
                                      filter.limit));
  }
  // Of those that are not well the rebalancer keeps some noted: all, or as many as are to be shown.
  for (const auto& [health, count, some] :
       {std::tuple("lost", "lost", "lost_some"), std::tuple("at_risk", "at_risk", "at_risk_some"),
        std::tuple("under_replicated", "under_replicated", "under_some"),
        std::tuple("over_replicated", "over_replicated", "over_some")}) {
    if (filter.health != health) continue;
    const std::string noted = std::string("json_array_length(") + some + ")";
    const std::string enough =
        std::string(" FROM cluster_state WHERE (unsorted = 0 AND ") + count + " = " + noted + ")" +
        (any_will_do ? " OR " + noted + " > " + std::to_string(filter.limit) : "");
    if (view.number("SELECT count(*)" + enough) == 0) break;
    return ids_of("value",
                  limited(std::string("json_each((SELECT ") + some + enough + ")) ORDER BY 1",
                          any_will_do ? filter.limit : 0));
  }
  if (filter.server) {
    constexpr std::int64_t kFew = 20'000;  // that are looked at one by one
    const std::string held = "replica WHERE server_id = " + std::to_string(filter.server->value());
    if (view.number("SELECT count(*) FROM " + held) > kFew) return std::nullopt;
    return ids_of("chunk_id", held + " ORDER BY chunk_id");
  }
  return std::nullopt;
}

}  // namespace

Exit list_servers(const Options& options) {
  const std::string labels =
      "(SELECT group_concat(key || '=' || value, ' ') FROM server_labels "
      "WHERE server_labels.server_id = server_status.server_id)";
  return show(options,
              {{{"server_id", "SERVER", Kind::kServer, 9},
                {"liveness", "LIVENESS", Kind::kText, 8},
                {"admin", "ADMIN", Kind::kText, 7},
                {"location", "LOCATION", Kind::kText, 4},
                {"labels", "LABELS", Kind::kText, 3, labels},
                {"address", "ADDRESS", Kind::kText, 3},
                {"replicas", "REPLICAS", Kind::kNumber, 5},
                {"used_bytes", "USED", Kind::kBytes, 6},
                {"capacity_bytes", "CAPACITY", Kind::kBytes, 5},
                {"used_share", "USE", Kind::kShare, 8},
                {"free_bytes", "FREE", Kind::kBytes, 2},
                {"reserve_bytes", "", Kind::kBytes},
                {"open_commands", "OPEN", Kind::kNumber, 4},
                {"reported", "REPORTED", Kind::kTruth, 3},
                {"planned", "", Kind::kTruth},
                {"to_be_removed", "", Kind::kTruth},
                {"maintenance_left_ms", "", Kind::kNumber},
                {"storage", "", Kind::kText},
                {"incarnation", "", Kind::kNumber},
                {"fenced_epoch", "", Kind::kNumber},
                {"changed_ms", "", Kind::kTime}},
               "server_status ORDER BY server_id"},
              "no servers are known");
}

Exit list_chunks(const Options& options, const ChunkFilter& filter) {
  std::string from = "chunk_health";
  if (filter.server) {
    where(from, "chunk_id IN (SELECT chunk_id FROM replica WHERE server_id = " +
                    std::to_string(filter.server->value()) + ")");
  }
  if (!filter.health.empty()) where(from, "health = '" + filter.health + "'");
  // Beyond the view: where the replicas are, with the state of those that are not valid, and why
  // nothing can be done for the chunk.
  const std::string servers =
      "(SELECT group_concat('s' || server_id || CASE WHEN state = 'valid' THEN '' ELSE '(' || "
      "state "
      "|| ')' END || CASE liveness WHEN 'dead' THEN '(dead)' ELSE '' END, ' ') FROM replica_status "
      "WHERE replica_status.chunk_id = chunk_health.chunk_id)";
  const std::string policy =
      "(SELECT policy FROM chunk_policy WHERE chunk_policy.chunk_id = chunk_health.chunk_id)";
  const std::string why =
      "(SELECT why FROM set_aside WHERE set_aside.chunk_id = chunk_health.chunk_id "
      "AND health NOT IN ('healthy', 'creating'))";
  const std::vector<Column> columns{{"chunk_id", "CHUNK", Kind::kChunk, 9},
                                    {"health", "HEALTH", Kind::kText, 8},
                                    {"valid_replicas", "VALID", Kind::kNumber, 7},
                                    {"goal", "GOAL", Kind::kNumber, 7},
                                    {"projected_replicas", "PROJECTED", Kind::kNumber, 3},
                                    {"other_replicas", "OTHER", Kind::kNumber, 2},
                                    {"policy", "POLICY", Kind::kText, 3, policy},
                                    {"size_bytes", "SIZE", Kind::kBytes, 5},
                                    {"version", "VERSION", Kind::kNumber, 1},
                                    {"life", "", Kind::kText},
                                    {"checksum", "", Kind::kText},
                                    {"servers", "SERVERS", Kind::kText, 6, servers},
                                    {"why", "WHY", Kind::kText, 4, why}};
  const Result<View> view = View::open(options.database, options.cluster);
  if (!view) return error(view.error().what);
  Rows rows{columns, {}};
  if (const auto ids = chunks_to_look_at(*view, filter)) {
    for (const std::int64_t id : *ids) {
      std::string one = from;
      where(one, "chunk_id = " + std::to_string(id));
      for (auto& row : view->rows(columns, one).rows) rows.rows.push_back(std::move(row));
    }
  } else {
    rows = view->rows(columns, limited(from + " ORDER BY chunk_id", filter.limit));
  }
  return print(options, std::move(rows), filter.limit, false, "no such chunks");
}

Exit list_proposals(const Options& options, bool all, std::int64_t limit) {
  std::string from = "proposals";
  if (!all) where(from, "state = 'pending'");
  Query query{{{"proposal_id", "PROPOSAL", Kind::kProposal, 9},
               {"state", "STATE", Kind::kText, 7},
               {"what", "WHAT", Kind::kText, 9},
               {"proposed_by", "BY", Kind::kText, 8},
               {"proposed_ms", "PROPOSED", Kind::kTime, 3},
               {"expires_left_ms", "EXPIRES IN", Kind::kDuration, 5},
               {"copy_chunks", "TO COPY", Kind::kNumber, 4},
               {"copy_bytes", "BYTES", Kind::kBytes, 4},
               {"chunks_at_risk", "AT RISK", Kind::kNumber, 6},
               {"feasible", "FEASIBLE", Kind::kTruth, 2},
               {"decided_by", "DECIDED BY", Kind::kText, 5},
               {"decided_ms", "DECIDED", Kind::kTime, 1},
               {"operation", "", Kind::kText},
               {"duration_ms", "", Kind::kNumber}},
              from + " ORDER BY proposal_id DESC",
              limit,
              true};
  return show(options, std::move(query), all ? "nothing was proposed" : "nothing is proposed");
}

Exit list_commands(const Options& options, const CommandFilter& filter) {
  using State = CommandFilter::State;
  std::string from = filter.state == State::kOpen ? "open_commands" : "command_history";
  if (filter.state == State::kClosed) where(from, "state <> 'open'");
  if (filter.chunk) where(from, "chunk_id = " + std::to_string(filter.chunk->value()));
  if (filter.server) where(from, "server_id = " + std::to_string(filter.server->value()));
  Query query{{{"command_id", "COMMAND", Kind::kCommand, 9},
               {"kind", "KIND", Kind::kText, 8},
               {"reason", "REASON", Kind::kText, 6},
               {"chunk_id", "CHUNK", Kind::kChunk, 8},
               {"source_id", "FROM", Kind::kServer, 5},
               {"server_id", "SERVER", Kind::kServer, 8},
               {"drop_id", "DROPS", Kind::kServer, 3},
               {"size_bytes", "SIZE", Kind::kBytes, 4},
               {"state", "STATE", Kind::kText, 8},
               {"why", "WHY", Kind::kText, 7},
               {"issued_ms", "ISSUED", Kind::kTime, 2},
               {"closed_ms", "CLOSED", Kind::kTime, 1},
               {"because", "BECAUSE", Kind::kText, 3},
               {"epoch", "", Kind::kNumber},
               {"version", "", Kind::kNumber}},
              from + " ORDER BY command_id DESC",
              filter.limit,
              true};
  return show(options, std::move(query), "no such commands");
}

Exit list_events(const Options& options, std::int64_t limit) {
  Query query{{{"event_number", "EVENT", Kind::kNumber, 2},
               {"at_ms", "AT", Kind::kTime, 5},
               {"kind", "KIND", Kind::kText, 4},
               {"subject", "SUBJECT", Kind::kText, 6},
               {"text", "WHAT", Kind::kText, 9}},
              "events ORDER BY event_number DESC",
              limit,
              true};
  return show(options, std::move(query), "nothing has happened yet");
}

Exit list_policies(const Options& options) {
  return show(options,
              {{{"policy_id", "", Kind::kNumber},
                {"name", "POLICY", Kind::kText, 9},
                {"goal", "GOAL", Kind::kNumber, 8},
                {"spread", "SPREAD", Kind::kText, 7},
                {"required", "REQUIRES", Kind::kText, 6},
                {"preferred", "PREFERS", Kind::kText, 5},
                {"servers_refused", "REFUSES", Kind::kNumber, 3},
                {"chunks", "CHUNKS", Kind::kNumber, 4}},
               "policies ORDER BY name"},
              "there are no policies");
}

Exit list_files(const Options& options, std::int64_t limit) {
  Query query{{{"file_id", "FILE", Kind::kFile, 3},
               {"name", "NAME", Kind::kText, 9},
               {"size_bytes", "SIZE", Kind::kBytes, 8},
               {"chunks", "CHUNKS", Kind::kNumber, 5},
               {"goal", "GOAL", Kind::kNumber, 6},
               {"state", "STATE", Kind::kText, 7},
               {"created_ms", "CREATED", Kind::kTime, 2}},
              "files ORDER BY name",
              limit};
  return show(options, std::move(query), "there are no files");
}

}  // namespace evenkeel::cli
