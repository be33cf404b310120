#include <algorithm>
#include <cstdio>
#include <string>

#include <unistd.h>

#include "common/model/control.h"
#include "common/model/text.h"
#include "tools/cli/commands.h"
#include "tools/cli/render.h"
#include "tools/cli/text.h"

namespace evenkeel::cli {
namespace {

std::string name_of(const Subject& what) {
  return std::visit([](auto id) { return to_string(id); }, what);
}

Cell number(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}
template <class Id>
Cell id_or_none(const std::optional<Id>& id) {
  return id ? number(id->value()) : Cell();
}

std::string joined(const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : ", ") + word;
  return all;
}

/// "s4: same host; s9: 61.2 %".
std::string in_words(const std::vector<Candidate>& others) {
  std::string all;
  for (const Candidate& other : others) {
    const std::string use =
        other.use_ppm ? share_text(static_cast<double>(*other.use_ppm) / 1e6) : std::string();
    all += (all.empty() ? "" : "; ") + to_string(other.server) + ": " +
           (other.refusals.empty() ? use : joined(other.refusals));
  }
  return all;
}

Rows facts_of(const Explained& explained) {
  Rows rows{{{"label", "", Kind::kText}, {"value", "", Kind::kText}}, {}};
  for (const auto& fact : explained.facts) rows.rows.push_back({fact.label, fact.value});
  return rows;
}

Rows causes_of(const Explained& explained) {
  Rows rows{{{"kind", "CAUSE", Kind::kText, 9}, {"text", "WHAT", Kind::kText, 8}}, {}};
  for (const auto& cause : explained.causes) rows.rows.push_back({cause.kind, cause.text});
  return rows;
}

Rows candidates_of(const Explained& explained) {
  Rows rows{{{"server_id", "SERVER", Kind::kServer, 9},
             {"use_share", "USE", Kind::kShare, 7},
             {"refusals", "REFUSALS", Kind::kText, 8}},
            {}};
  for (const Candidate& candidate : explained.candidates) {
    const Cell use =
        candidate.use_ppm ? Cell(static_cast<double>(*candidate.use_ppm) / 1e6) : Cell();
    rows.rows.push_back({number(candidate.server.value()), use, joined(candidate.refusals)});
  }
  return rows;
}

Rows decisions_of(const Explained& explained) {
  Rows rows{{{"command_id", "COMMAND", Kind::kCommand, 9},
             {"kind", "KIND", Kind::kText, 7},
             {"reason", "REASON", Kind::kText, 6},
             {"chunk_id", "CHUNK", Kind::kChunk, 5},
             {"source_id", "FROM", Kind::kServer, 5},
             {"server_id", "SERVER", Kind::kServer, 8},
             {"drop_id", "DROPS", Kind::kServer, 3},
             {"state", "STATE", Kind::kText, 8},
             {"why", "WHY", Kind::kText, 4},
             {"because", "BECAUSE", Kind::kText, 7},
             {"candidates", "INSTEAD OF", Kind::kText, 6},
             {"issued_ms", "ISSUED", Kind::kTime, 4},
             {"closed_ms", "", Kind::kTime}},
            {}};
  for (const Decision& d : explained.decisions) {
    const auto ms = [](Timestamp at) -> Cell {
      return std::int64_t{at.time_since_epoch().count()};
    };
    rows.rows.push_back({number(d.command.value()), std::string(to_text(d.kind)),
                         std::string(to_text(d.reason)), id_or_none(d.chunk), id_or_none(d.source),
                         number(d.server.value()), id_or_none(d.drop), d.state, d.why, d.because,
                         in_words(d.others), ms(d.issued), d.closed ? ms(*d.closed) : Cell()});
  }
  return rows;
}

void print(const Explained& explained) {
  const Style style = style_of(STDOUT_FILENO);
  const Colour colour = explained.causes.empty() ? Colour::kGreen : Colour::kYellow;
  std::printf("%s: %s\n", name_of(explained.what).c_str(),
              style.paint(colour, printable(explained.verdict)).c_str());
  std::size_t width = 0;
  for (const auto& fact : explained.facts) width = std::max(width, fact.label.size());
  for (const auto& fact : explained.facts) {
    std::printf("  %-*s  %s\n", static_cast<int>(width), printable(fact.label).c_str(),
                printable(fact.value).c_str());
  }
  const auto part = [&](const char* heading, const Rows& rows) {
    if (!rows.rows.empty()) std::printf("\n%s\n%s", heading, table(rows, style).c_str());
  };
  part("what stands in the way", causes_of(explained));
  part("candidates", candidates_of(explained));
  if (explained.candidates_total > explained.candidates.size()) {
    std::printf("... of %llu servers\n",
                static_cast<unsigned long long>(explained.candidates_total));
  }
  part("decisions, the newest first", decisions_of(explained));
}

void print_json(const Explained& explained) {
  const Fields fields{{"what", name_of(explained.what)},
                      {"verdict", explained.verdict},
                      {"facts", facts_of(explained)},
                      {"causes", causes_of(explained)},
                      {"candidates", candidates_of(explained)},
                      {"candidates_total", static_cast<std::int64_t>(explained.candidates_total)},
                      {"decisions", decisions_of(explained)}};
  std::fputs(json(fields).c_str(), stdout);
}

}  // namespace

Exit explain(const Options& options, const Subject& what) {
  Session session(options);
  const Result<Explained> explained = session.ask<Explained>(Explain{what});
  if (!explained) return error("explain " + name_of(what) + ": " + explained.error().what);
  options.json ? print_json(*explained) : print(*explained);
  return Exit::kOk;
}

}  // namespace evenkeel::cli
