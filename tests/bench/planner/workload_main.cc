// evenkeel-workload: makes the clusters on which planners are compared, and judges their plans.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <limits>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "tests/bench/planner/generate.h"
#include "tests/bench/planner/judge.h"
#include "tests/bench/planner/workload.h"

namespace evenkeel::workload {
namespace {

constexpr int kGood = 0, kFailed = 1;

struct GenerateOptions {
  std::filesystem::path spec, folder;
  std::string name;
  std::uint32_t scale = 1;
};

struct JudgeOptions {
  std::filesystem::path folder;
  std::string plan;  // a path, or "none"
  double seconds = 0;
  bool json = false;
};

Result<void> run_generate(const GenerateOptions& options) {
  const auto specs = read_specs(options.spec);
  if (!specs) return tl::unexpected(specs.error());
  const auto spec = find_spec(*specs, options.name);
  if (!spec) return tl::unexpected(spec.error());
  const auto wanted = scaled(*spec, options.scale);
  if (!wanted) return tl::unexpected(wanted.error());
  const auto workload = generate(*wanted);
  if (!workload) return tl::unexpected(workload.error());
  save(*workload, options.folder);
  return {};
}

using Rows = std::vector<std::pair<const char*, double>>;

/// The unit is last in the name; without one it is a count, or a share of the mean.
Rows rows_of(const Verdict& verdict, double seconds) {
  const auto number = [](std::uint64_t count) { return static_cast<double>(count); };
  constexpr double kGib = 1 << 30;
  return {{"plan_s", seconds},
          {"moves", number(verdict.moves)},
          {"moved_gib", number(verdict.moved.count()) / kGib},
          {"minimum_gib", verdict.minimum_bytes / kGib},
          {"ratio", verdict.ratio()},
          {"start_deviation_pct", verdict.start_deviation * 100},
          {"max_deviation_pct", verdict.max_deviation * 100},
          {"max_over_mean", verdict.max_over_mean},
          {"stdev_pct", verdict.stdev * 100},
          {"rack_violations", number(verdict.rack_violations)},
          {"duplicates", number(verdict.duplicates)},
          {"unrepaired", number(verdict.unrepaired)},
          {"undrained", number(verdict.undrained)},
          {"over_limit", number(verdict.over_limit)},
          {"bad_moves", number(verdict.bad_moves)},
          {"sources", number(verdict.sources)},
          {"targets", number(verdict.targets)},
          {"source_peak_over_mean", verdict.source_peak_over_mean},
          {"target_peak_over_mean", verdict.target_peak_over_mean}};
}

std::string in_json(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::string text_of(const Workload& workload, const Verdict& verdict, const JudgeOptions& options) {
  std::ostringstream out;
  out.precision(options.json ? std::numeric_limits<double>::max_digits10 : 7);
  if (options.json) {
    out << "{\"workload\": " << in_json(workload.name) << ", \"task\": \""
        << to_string(workload.task) << "\", \"sound\": " << (verdict.sound() ? "true" : "false");
  } else {
    out << workload.name << ", " << to_string(workload.task) << ": "
        << (verdict.sound() ? "sound" : "NOT SOUND") << '\n';
  }
  for (const auto& [name, value] : rows_of(verdict, options.seconds)) {
    if (options.json) {
      out << ", \"" << name << "\": " << value;
    } else {
      out << "  " << std::string(24 - std::string_view(name).size(), ' ') << name << "  " << value
          << '\n';
    }
  }
  if (options.json) out << "}\n";
  return out.str();
}

Result<void> run_judge(const JudgeOptions& options) {
  const auto workload = load(options.folder);
  if (!workload) return tl::unexpected(workload.error());
  Judge judge(*workload);
  if (options.plan != "none") {
    const auto read = read_plan(options.plan, [&](const Move& move) { judge.take(move); });
    if (!read) return read;
  }
  std::fputs(text_of(*workload, judge.verdict(), options).c_str(), stdout);
  return {};
}

int run(int argc, char** argv) {
  CLI::App app("Makes clusters for comparing planners, and judges plans", "evenkeel-workload");
  app.require_subcommand(1);
  GenerateOptions to_generate;
  CLI::App* const generating = app.add_subcommand("generate", "Writes a workload into a folder");
  generating->add_option("SPEC", to_generate.spec, "Such as workloads.txt")->required();
  generating->add_option("NAME", to_generate.name, "Of a line in it")->required();
  generating->add_option("OUTDIR", to_generate.folder, "Made if it is not there")->required();
  generating->add_option("--scale", to_generate.scale, "So many times smaller")
      ->check(CLI::PositiveNumber);
  JudgeOptions to_judge;
  CLI::App* const judging = app.add_subcommand("judge", "Says what a plan comes to");
  judging->add_option("DIR", to_judge.folder, "Of a workload")->required();
  judging->add_option("PLAN", to_judge.plan, "Rows chunk,old,dst,from; or none")->required();
  judging->add_option("--seconds", to_judge.seconds, "What planning took, to be shown");
  judging->add_flag("--json", to_judge.json, "One object on one line");
  CLI11_PARSE(app, argc, argv);

  const Result<void> done = *generating ? run_generate(to_generate) : run_judge(to_judge);
  if (done) return kGood;
  std::fprintf(stderr, "%s\n", done.error().what.c_str());
  return kFailed;
}

}  // namespace
}  // namespace evenkeel::workload

int main(int argc, char** argv) {
  try {
    return evenkeel::workload::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "evenkeel-workload: %s\n", error.what());
    return 1;
  }
}
