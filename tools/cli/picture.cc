#include "tools/cli/picture.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace evenkeel::cli {
namespace {

Wrong wrong(const View& view, const std::string& word, Column id, const std::string& from) {
  const Rows rows = view.rows({std::move(id)}, from + " LIMIT " + std::to_string(kNamedMax + 1));
  Wrong found{word, 0, {}};
  const char* letter = rows.columns[0].kind == Kind::kChunk ? "c" : "s";
  for (const auto& row : rows.rows) {
    found.some.push_back(letter + std::to_string(std::get<std::int64_t>(row[0])));
  }
  found.count = static_cast<std::int64_t>(found.some.size());
  return found;
}

/// "[4,7]" -> "c4", "c7": the first of them.
std::vector<std::string> named(const std::string& ids) {
  constexpr std::size_t kMost = 24;
  std::vector<std::string> all;
  for (std::size_t at = 0;
       all.size() < kMost && (at = ids.find_first_of("0123456789", at)) != ids.npos;) {
    const std::size_t end = ids.find_first_not_of("0123456789", at);
    all.push_back("c" + ids.substr(at, end - at));
    at = end;
  }
  return all;
}

/// As the rebalancer keeps them counted: to count them here would be to read every replica.
std::vector<Wrong> wrong_chunks(const View& view) {
  std::vector<Wrong> all;
  for (const auto& [word, some] :
       {std::pair("lost", "lost_some"), std::pair("at_risk", "at_risk_some"),
        std::pair("under_replicated", "under_some"), std::pair("over_replicated", "over_some")}) {
    const Rows row =
        view.rows({{word, "", Kind::kNumber}, {some, "", Kind::kText}}, "cluster_state");
    all.push_back({word, std::get<std::int64_t>(row.rows.at(0)[0]),
                   named(std::get<std::string>(row.rows.at(0)[1]))});
  }
  return all;
}

std::vector<Wrong> wrong_servers(const View& view) {
  // Off the table where the view's counts are not wanted: there may be ten thousand servers.
  const auto of = [&](const std::string& word, const std::string& condition) {
    const std::string from = "server WHERE admin <> 'removed' AND " + condition;
    Wrong found = wrong(view, word, {"server_id", "", Kind::kServer}, from);
    if (found.count > 0) found.count = view.number("SELECT count(*) FROM " + from);
    return found;
  };
  return {
      of("dead", "liveness = 'dead'"), of("suspect", "liveness = 'suspect'"),
      of("not_reported", "liveness <> 'dead' AND reported_epoch IS NOT (SELECT epoch FROM meta)"),
      of("awaited", "server_id IN (SELECT server_id FROM absences WHERE awaited_left_ms > 0)")};
}

/// What operators want of servers, in words.
std::vector<std::string> admin_states(const View& view) {
  std::vector<std::string> words;
  const auto text = [](const Cell& cell) { return std::get<std::int64_t>(cell); };
  const Rows drains = view.rows({{"server_id", "", Kind::kServer},
                                 {"admin", "", Kind::kText},
                                 {"to_be_removed", "", Kind::kTruth},
                                 {"chunks_left", "", Kind::kNumber},
                                 {"bytes_left", "", Kind::kBytes}},
                                "drains ORDER BY server_id");
  for (const auto& row : drains.rows) {
    std::string left = ", what rests on it is being counted";
    if (const auto* chunks = std::get_if<std::int64_t>(&row[3])) {
      left = *chunks == 0 ? ", nothing rests on it"
                          : ", " + count_of(static_cast<std::uint64_t>(*chunks), "chunk") +
                                " to copy, " + bytes_text(static_cast<std::uint64_t>(text(row[4])));
    }
    words.push_back("s" + std::to_string(text(row[0])) + " " + std::get<std::string>(row[1]) +
                    (text(row[2]) != 0 ? ", to be removed" : "") + left);
  }
  const Rows away =
      view.rows({{"server_id", "", Kind::kServer}, {"maintenance_left_ms", "", Kind::kNumber}},
                "server_status WHERE admin = 'maintenance' ORDER BY server_id");
  for (const auto& row : away.rows) {
    words.push_back("s" + std::to_string(text(row[0])) + " maintenance, " +
                    duration_text(Duration(text(row[1]))) + " left");
  }
  return words;
}

std::vector<std::string> paused_passes(const View& view) {
  std::vector<std::string> words;
  const Rows rows = view.rows({{"pass", "", Kind::kText}}, "paused_passes ORDER BY pass");
  for (const auto& row : rows.rows) words.push_back(std::get<std::string>(row[0]));
  return words;
}

std::vector<std::string> proposals(const View& view) {
  std::vector<std::string> words;
  const Rows rows = view.rows({{"words", "", Kind::kText, 1,
                                "'a' || proposal_id || ' ' || what || ' (' || proposed_by || ')'"}},
                              "proposals WHERE state = 'pending' ORDER BY proposal_id LIMIT 5");
  for (const auto& row : rows.rows) words.push_back(std::get<std::string>(row[0]));
  return words;
}

}  // namespace

std::optional<Evenness> evenness_of(const View& view) {
  const Rows rows = view.rows(
      {{"used_bytes", "", Kind::kBytes}, {"capacity_bytes", "", Kind::kBytes}},
      "server_status WHERE liveness = 'alive' AND admin <> 'removed' AND capacity_bytes > 0");
  if (rows.rows.empty()) return std::nullopt;
  const auto amount = [](const Cell& cell) {
    return static_cast<double>(std::get<std::int64_t>(cell));
  };
  double used = 0, capacity = 0;
  for (const auto& row : rows.rows) {
    used += amount(row[0]);
    capacity += amount(row[1]);
  }
  Evenness evenness{used / capacity, INFINITY, 0, 0};
  for (const auto& row : rows.rows) {
    const double share = amount(row[0]) / amount(row[1]);
    evenness.lowest = std::min(evenness.lowest, share);
    evenness.highest = std::max(evenness.highest, share);
    evenness.deviation = std::max(evenness.deviation, std::abs(share - evenness.mean));
  }
  return evenness;
}

Picture picture_of(const View& view) {
  Picture picture;
  picture.chunks = wrong_chunks(view);
  picture.servers = wrong_servers(view);
  picture.chunks_live = view.number("SELECT chunks FROM cluster_state");
  picture.chunks_retired = view.number("SELECT retired FROM cluster_state");
  picture.replicas = view.number("SELECT replicas FROM cluster_state");
  picture.files = view.number("SELECT files FROM cluster_state");
  const std::string alive = " FROM server_status WHERE liveness <> 'dead' AND admin <> 'removed'";
  picture.servers_known = view.number("SELECT count(*) FROM server WHERE admin <> 'removed'");
  picture.used = view.number("SELECT sum(used_bytes)" + alive);
  picture.capacity = view.number("SELECT sum(capacity_bytes)" + alive);
  picture.evenness = evenness_of(view);
  const auto in_state = [&](const std::string& admin) {
    return view.number("SELECT count(*) FROM server WHERE admin = '" + admin + "'");
  };
  picture.draining = in_state("draining");
  picture.drained = in_state("drained");
  picture.in_maintenance = in_state("maintenance");
  picture.at_leave = admin_states(view);
  picture.paused = paused_passes(view);
  picture.proposed = proposals(view);
  picture.open_commands = view.rows({{"kind", "KIND", Kind::kText},
                                     {"reason", "REASON", Kind::kText},
                                     {"open", "OPEN", Kind::kNumber},
                                     {"size_bytes", "BYTES", Kind::kBytes, 1, "open_bytes"}},
                                    "command_totals WHERE open > 0 ORDER BY kind, reason");
  return picture;
}

}  // namespace evenkeel::cli
