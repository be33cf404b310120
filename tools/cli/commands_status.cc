#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <string>

#include <unistd.h>

#include "tools/cli/commands.h"
#include "tools/cli/render.h"
#include "tools/cli/view.h"

namespace evenkeel::cli {
namespace {

constexpr std::size_t kNamedMax = 8;  // chunks or servers that are named before "..."
constexpr Duration kPingMax{2'000};   // a screen that waits for longer is of no use

/// A way in which chunks or servers are not as they should be.
struct Wrong {
  std::string word;
  std::int64_t count = 0;
  std::vector<std::string> some;  ///< the first of them
};

/// How alike the alive servers are filled.
struct Evenness {
  double mean = 0;  ///< use of all capacity: what each would have if all were alike
  double lowest = 0, highest = 0;
  double deviation = 0;  ///< of the one that is farthest from the mean
};

struct Picture {
  std::vector<Wrong> chunks;   // lost, at_risk, ...
  std::vector<Wrong> servers;  // dead, suspect, not_reported, awaited
  std::int64_t chunks_live = 0, chunks_retired = 0, replicas = 0, servers_known = 0, files = 0;
  std::int64_t used = 0, capacity = 0;
  std::optional<Evenness> evenness;
  std::vector<std::string> at_leave;  // "s7 drains: 12 chunks, 1 GiB left"
  std::vector<std::string> paused;    // passes
  std::int64_t draining = 0, drained = 0, in_maintenance = 0;
  Rows open_commands;
  Result<Pong> rebalancer = fail(ErrorCode::kBusy, "");
};

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

/// "[4,7]" -> "c4", "c7".
std::vector<std::string> named(const std::string& ids) {
  std::vector<std::string> all;
  for (std::size_t at = 0; (at = ids.find_first_of("0123456789", at)) != ids.npos;) {
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
  const auto of = [&](const std::string& word, const std::string& condition) {
    const std::string from = "server_status WHERE admin <> 'removed' AND " + condition;
    Wrong found = wrong(view, word, {"server_id", "", Kind::kServer}, from);
    if (found.count > 0) found.count = view.number("SELECT count(*) FROM " + from);
    return found;
  };
  return {of("dead", "liveness = 'dead'"), of("suspect", "liveness = 'suspect'"),
          of("not_reported", "liveness <> 'dead' AND NOT reported"),
          of("awaited", "server_id IN (SELECT server_id FROM absences WHERE awaited_left_ms > 0)")};
}

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
  picture.open_commands = view.rows({{"kind", "KIND", Kind::kText},
                                     {"reason", "REASON", Kind::kText},
                                     {"open", "OPEN", Kind::kNumber},
                                     {"size_bytes", "BYTES", Kind::kBytes, 1, "open_bytes"}},
                                    "command_totals WHERE open > 0 ORDER BY kind, reason");
  return picture;
}

Exit exit_of(const Picture& picture) {
  const auto& chunks = picture.chunks;
  if (chunks[0].count > 0) return Exit::kLost;
  return chunks[1].count + chunks[2].count > 0 ? Exit::kUnhealthy : Exit::kOk;
}

Colour colour_of(const std::string& word) {
  return word == "lost" || word == "dead" ? Colour::kRed : Colour::kYellow;
}

std::string spaced(std::string word) {
  if (word == "at_risk") return "at risk";
  std::ranges::replace(word, '_', '-');
  return word == "not-reported" ? "not reported" : word;
}

void print_wrong(const std::vector<Wrong>& all, const std::string& what, const Style& style) {
  for (const Wrong& each : all) {
    if (each.count == 0) continue;
    std::string line = spaced(each.word);
    line = style.paint(colour_of(each.word), line) + std::string(18 - line.size(), ' ');
    line += count_of(static_cast<std::uint64_t>(each.count), what) + ":";
    for (std::size_t i = 0; i < std::min(each.some.size(), kNamedMax); ++i) {
      line += " " + each.some[i];
    }
    const bool more = each.count > static_cast<std::int64_t>(kNamedMax);
    std::printf("%s%s\n", line.c_str(), more ? " ..." : "");
  }
}

void print_totals(const Picture& picture) {
  const auto text = [](std::int64_t count, const char* what) {
    return count_of(static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0)), what);
  };
  std::printf("%-18s%s, %s, %s, %s\n", "holds", text(picture.files, "file").c_str(),
              text(picture.chunks_live, "chunk").c_str(), text(picture.replicas, "replica").c_str(),
              text(picture.servers_known, "server").c_str());
  std::printf("%-18s%s of %s%s\n", "used",
              bytes_text(static_cast<std::uint64_t>(picture.used)).c_str(),
              bytes_text(static_cast<std::uint64_t>(picture.capacity)).c_str(),
              picture.evenness ? (" (" + share_text(picture.evenness->mean) + ")").c_str() : "");
  if (const auto& even = picture.evenness) {
    std::printf("%-18sfrom %s to %s; at most %s from the mean\n", "servers",
                share_text(even->lowest).c_str(), share_text(even->highest).c_str(),
                share_text(even->deviation).c_str());
  }
}

void print(const Picture& picture, const Options& options) {
  const Style style = style_of(STDOUT_FILENO);
  if (const auto& pong = picture.rebalancer) {
    const std::string why = pong->why.empty() ? "" : " (" + printable(pong->why) + ")";
    const Colour colour = pong->mode == "running"  ? Colour::kGreen
                          : pong->mode == "braked" ? Colour::kRed
                                                   : Colour::kYellow;
    std::printf("%-18s%s%s, epoch %s, up %s\n", "rebalancer",
                style.paint(colour, printable(pong->mode)).c_str(), why.c_str(),
                to_string(pong->epoch).c_str(), duration_text(pong->uptime).c_str());
  } else {
    std::printf("%-18s%s from %s\n", "rebalancer", style.paint(Colour::kRed, "no answer").c_str(),
                options.control.c_str());
  }
  print_wrong(picture.chunks, "chunk", style);
  print_wrong(picture.servers, "server", style);
  for (const std::string& words : picture.at_leave) {
    std::printf("%-18s%s\n", "wanted", words.c_str());
  }
  if (!picture.paused.empty()) {
    std::string all;
    for (const std::string& word : picture.paused) all += (all.empty() ? "" : ", ") + word;
    std::printf("%-18s%s\n", "paused", style.paint(Colour::kYellow, all).c_str());
  }
  if (exit_of(picture) == Exit::kOk) {
    std::printf("%-18s%s\n", "chunks",
                style.paint(Colour::kGreen, "each has its goal of replicas").c_str());
  }
  print_totals(picture);
  if (picture.open_commands.rows.empty()) {
    std::printf("%-18snone\n", "open commands");
  } else {
    std::printf("\nopen commands\n%s", table(picture.open_commands, style).c_str());
  }
}

void print_json(const Picture& picture) {
  Fields fields;
  for (const Wrong& each : picture.chunks) fields.emplace_back(each.word, each.count);
  for (const Wrong& each : picture.servers) fields.emplace_back("servers_" + each.word, each.count);
  fields.insert(fields.end(), {{"servers_draining", picture.draining},
                               {"servers_drained", picture.drained},
                               {"servers_in_maintenance", picture.in_maintenance},
                               {"paused", picture.paused},
                               {"chunks", picture.chunks_live},
                               {"chunks_retired", picture.chunks_retired},
                               {"replicas", picture.replicas},
                               {"files", picture.files},
                               {"servers", picture.servers_known},
                               {"used_bytes", picture.used},
                               {"capacity_bytes", picture.capacity}});
  const auto share = [&](double Evenness::*which) {
    return picture.evenness ? Field(*picture.evenness.*which) : Field();
  };
  fields.emplace_back("used_share", share(&Evenness::mean));
  fields.emplace_back("used_share_lowest", share(&Evenness::lowest));
  fields.emplace_back("used_share_highest", share(&Evenness::highest));
  fields.emplace_back("used_share_deviation", share(&Evenness::deviation));
  fields.emplace_back("open_commands", picture.open_commands);
  const auto& pong = picture.rebalancer;
  fields.emplace_back("mode", pong ? pong->mode : "no_answer");
  fields.emplace_back("why", pong ? pong->why : "");
  fields.emplace_back("epoch",
                      pong ? Field(static_cast<std::int64_t>(pong->epoch.value())) : Field());
  std::fputs(json(fields).c_str(), stdout);
}

}  // namespace

Exit status(const Options& options) {
  const Result<View> view = View::open(options.database, options.cluster);
  if (!view) return error(view.error().what);
  Picture picture = picture_of(*view);
  Options hurried = options;
  hurried.timeout = std::min(options.timeout, kPingMax);
  Session session(hurried);
  picture.rebalancer = session.ask<Pong>(Ping{});
  options.json ? print_json(picture) : print(picture, options);
  return exit_of(picture);
}

}  // namespace evenkeel::cli
