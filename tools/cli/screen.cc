#include "tools/cli/screen.h"

#include <algorithm>

namespace evenkeel::cli {
namespace {

constexpr std::size_t kLabelWidth = 18;

Colour colour_of(const std::string& word) {
  return word == "lost" || word == "dead" ? Colour::kRed : Colour::kYellow;
}

std::string spaced(std::string word) {
  if (word == "at_risk") return "at risk";
  std::ranges::replace(word, '_', '-');
  return word == "not-reported" ? "not reported" : word;
}

std::string line(const std::string& label, const std::string& words, const Style& style = Style{},
                 Colour colour = Colour::kNone) {
  return style.paint(colour, label) + std::string(kLabelWidth - label.size(), ' ') + words + "\n";
}

std::string count_of(std::int64_t count, const char* what) {
  return cli::count_of(static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0)), what);
}
std::string bytes_of(std::int64_t bytes) {
  return bytes_text(static_cast<std::uint64_t>(std::max<std::int64_t>(bytes, 0)));
}

std::string wrong_text(const std::vector<Wrong>& all, const char* what, const Style& style) {
  std::string text;
  for (const Wrong& each : all) {
    if (each.count == 0) continue;
    std::string words = count_of(each.count, what) + ":";
    for (std::size_t i = 0; i < std::min(each.some.size(), kNamedMax); ++i) {
      words += " " + each.some[i];
    }
    if (each.count > static_cast<std::int64_t>(kNamedMax)) words += " ...";
    text += line(spaced(each.word), words, style, colour_of(each.word));
  }
  return text;
}

std::string rebalancer_text(const Result<Pong>& pong, const Options& options, const Style& style) {
  if (!pong) {
    return line("rebalancer", style.paint(Colour::kRed, "no answer") + " from " + options.control);
  }
  const std::string why = pong->why.empty() ? "" : " (" + printable(pong->why) + ")";
  const Colour colour = pong->mode == "running"                              ? Colour::kGreen
                        : pong->mode == "braked" || pong->mode == "log_full" ? Colour::kRed
                                                                             : Colour::kYellow;
  return line("rebalancer", style.paint(colour, printable(pong->mode)) + why + ", epoch " +
                                to_string(pong->epoch) + ", up " + duration_text(pong->uptime));
}

std::string wishes_text(const Picture& picture, const Style& style) {
  std::string text;
  for (const std::string& words : picture.at_leave) text += line("wanted", words);
  for (const std::string& words : picture.proposed) {
    text += line("proposed", style.paint(Colour::kYellow, printable(words)));
  }
  if (picture.paused.empty()) return text;
  std::string all;
  for (const std::string& word : picture.paused) all += (all.empty() ? "" : ", ") + word;
  return text + line("paused", style.paint(Colour::kYellow, all));
}

std::string totals_text(const Picture& picture) {
  std::string text = line("holds", count_of(picture.files, "file") + ", " +
                                       count_of(picture.chunks_live, "chunk") + ", " +
                                       count_of(picture.replicas, "replica") + ", " +
                                       count_of(picture.servers_known, "server"));
  const auto& even = picture.evenness;
  text += line("used", bytes_of(picture.used) + " of " + bytes_of(picture.capacity) +
                           (even ? " (" + share_text(even->mean) + ")" : ""));
  if (!even) return text;
  return text +
         line("servers", "from " + share_text(even->lowest) + " to " + share_text(even->highest) +
                             "; at most " + share_text(even->deviation) + " from the mean");
}

}  // namespace

Exit exit_of(const Picture& picture) {
  const auto& chunks = picture.chunks;
  if (chunks[0].count > 0) return Exit::kLost;
  return chunks[1].count + chunks[2].count > 0 ? Exit::kUnhealthy : Exit::kOk;
}

std::string text_of(const Screen& screen, const Options& options, const Style& style) {
  const Picture& picture = screen.picture;
  std::string text = rebalancer_text(screen.rebalancer, options, style) +
                     wrong_text(picture.chunks, "chunk", style) +
                     wrong_text(picture.servers, "server", style) + wishes_text(picture, style);
  if (exit_of(picture) == Exit::kOk) {
    text += line("chunks", style.paint(Colour::kGreen, "each has its goal of replicas"));
  }
  text += totals_text(picture);
  return text + (picture.open_commands.rows.empty()
                     ? line("open commands", "none")
                     : "\nopen commands\n" + table(picture.open_commands, style));
}

Fields fields_of(const Screen& screen) {
  const Picture& picture = screen.picture;
  Fields fields;
  for (const Wrong& each : picture.chunks) fields.emplace_back(each.word, each.count);
  for (const Wrong& each : picture.servers) fields.emplace_back("servers_" + each.word, each.count);
  fields.insert(fields.end(), {{"servers_draining", picture.draining},
                               {"servers_drained", picture.drained},
                               {"servers_in_maintenance", picture.in_maintenance},
                               {"paused", picture.paused},
                               {"proposed", picture.proposed},
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
  const auto& pong = screen.rebalancer;
  fields.emplace_back("mode", pong ? pong->mode : "no_answer");
  fields.emplace_back("why", pong ? pong->why : "");
  fields.emplace_back("epoch",
                      pong ? Field(static_cast<std::int64_t>(pong->epoch.value())) : Field());
  return fields;
}

}  // namespace evenkeel::cli
