#include <charconv>
#include <cstdio>
#include <string>
#include <system_error>

#include "tools/cli/commands.h"
#include "tools/cli/local_file.h"
#include "tools/cli/render.h"
#include "tools/cli/text.h"

namespace evenkeel::cli {
namespace {

using offline::Move;
using offline::Outcome;
using offline::Stats;

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// "-" is standard output.
Result<std::unique_ptr<OutputFile>> created(const std::string& path) {
  return path == "-" ? OutputFile::of_descriptor(STDOUT_FILENO) : OutputFile::create(path);
}

Result<void> write_file(const std::string& path, const std::string& text) {
  auto file = created(path);
  if (!file) return tl::unexpected(file.error());
  if (auto written = (*file)->append(bytes_of(text)); !written) return written;
  return (*file)->commit();
}

void append_number(std::string& text, std::uint32_t number, char after) {
  char digits[11];
  char* const end = std::to_chars(digits, digits + 10, number).ptr;
  *end = after;
  text.append(digits, end + 1);
}

/// A row for each move, "chunk,old,target,source". By hand: there may be millions.
Result<void> write_moves(const std::string& path, const std::vector<Move>& moves) {
  constexpr std::size_t kPart = 1 << 20;
  auto file = created(path);
  if (!file) return tl::unexpected(file.error());
  std::string text;
  for (const Move& move : moves) {
    append_number(text, move.chunk, ',');
    append_number(text, move.old, ',');
    append_number(text, move.target, ',');
    append_number(text, move.source, '\n');
    if (text.size() < kPart) continue;
    if (auto written = (*file)->append(bytes_of(text)); !written) return written;
    text.clear();
  }
  if (auto written = (*file)->append(bytes_of(text)); !written) return written;
  return (*file)->commit();
}

std::string stats_json(const Stats& stats) {
  const auto whole = [](std::uint64_t number) { return static_cast<std::int64_t>(number); };
  return json(Fields{{"load_seconds", stats.load_seconds},
                     {"plan_seconds", stats.plan_seconds},
                     {"plan_cpu_seconds", stats.plan_cpu_seconds},
                     {"peak_bytes", whole(stats.peak_bytes)},
                     {"moves", whole(stats.moves)},
                     {"bytes_moved", whole(stats.bytes_moved.count())},
                     {"bytes_minimum", whole(stats.bytes_minimum.count())},
                     {"view_bytes_per_chunk", stats.view_bytes_per_chunk},
                     {"left_over", whole(stats.left_over)}});
}

std::string in_words(const Stats& stats) {
  char times[96];
  std::snprintf(times, sizeof times, "loaded in %.2f s, planned in %.4f s", stats.load_seconds,
                stats.plan_seconds);
  return count_of(stats.moves, "move") + ", " + bytes_text(stats.bytes_moved.count()) +
         " (at least " + bytes_text(stats.bytes_minimum.count()) + "); " + times + "\n";
}

}  // namespace

Exit plan_offline(const Options& options, const PlanWish& wish) {
  const auto outcome = offline::plan(wish.cluster);
  if (!outcome) return error("plan: " + outcome.error().what);
  const Stats& stats = outcome->stats;
  auto written = write_moves(wish.out, outcome->moves);
  if (written && !wish.stats.empty()) written = write_file(wish.stats, stats_json(stats));
  if (!written) return error("plan: " + written.error().what);
  if (wish.out != "-" && wish.stats != "-") {
    std::fputs((options.json ? stats_json(stats) : in_words(stats)).c_str(), stdout);
  }
  if (stats.left_over == 0) return Exit::kOk;
  error("plan: there is no place for " + count_of(stats.left_over, "replica") +
        " on servers that are down or draining");
  return Exit::kUnhealthy;
}

}  // namespace evenkeel::cli
