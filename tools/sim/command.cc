#include "tools/sim/command.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "common/config/file.h"
#include "common/config/units.h"
#include "services/rebalancer/settings.h"
#include "tools/cli/view.h"
#include "tools/sim/report.h"
#include "tools/sim/simulation.h"
#include "tools/sim/snapshot.h"

namespace evenkeel::sim {
namespace {

constexpr std::int64_t kEvidence = 20'000;  // newest copies that rates are measured by

constexpr const char* kFooter = R"(
Steps happen in order, each when the cluster has come to rest after the one before. What happens at
the same moment is joined by "and" or a comma:
  lose server s3 | lose s3 and s4 | lose host zone1/rack3/host7 | lose rack zone1/rack3 | lose zone z1
  drain s7 | drain rack zone1/rack3
  add 10 servers | add 2 servers of 4TiB in zone1/rack9
Without any step it tells what is still to be done.

The planner is the rebalancer's own, on a copy of its database in a folder below TMPDIR; the database
itself is only read, and the rebalancer never waits for it. Give it the rebalancer's settings with
--config. Rates are measured by the copies that the database remembers if there are enough of them,
and otherwise those of a hard disk; the output says which.

Exit codes:
  0  every chunk has its goal in the end
  1  some chunks can not be made whole
  2  wrong usage, or it could not be done
  3  chunks would be lost

Examples:
  evenkeel simulate "lose server s3"
  evenkeel simulate "lose rack zone1/rack3" --svg rack3.svg
  evenkeel simulate "add 10 servers" "drain s7" --json
  evenkeel simulate "lose s3, s4" --now --network-rate 100MiB)";

/// The words of the command line.
struct Wish {
  std::vector<std::string> steps, settings;
  std::string config, svg;
  std::optional<Bytes> disk, network;
  std::optional<Duration> copy_cost;
  int copies_at_once = Rates{}.copies_at_once;
  Duration detection = Options{}.detection;
  bool now = false;
};

/// An option whose value has a unit.
template <class T, class Read>
void add_measure(CLI::App& command, const std::string& name, T& value, Read read,
                 const std::string& what) {
  command
      .add_option_function<std::string>(
          name, [&value, read](const std::string& text) { value = *read(text); }, what)
      ->check([read](const std::string& text) {
        const auto got = read(text);
        return got ? std::string() : got.error().what;
      });
}

Result<Limits> limits_of(const Wish& wish) {
  std::vector<std::string> overrides = wish.settings;
  if (wish.config.empty()) overrides.push_back("data_dir=.");  // the one that has no default
  auto reader = wish.config.empty() ? config::Reader::of_text("settings", "", overrides)
                                    : config::Reader(std::filesystem::path(wish.config), overrides);
  const auto settings = read_settings(reader);
  if (!settings) return tl::unexpected(settings.error());
  return settings->limits;
}

Rates rates_of(const Wish& wish, const Snapshot& snapshot) {
  const sqlite::Database db(snapshot.file(), sqlite::OpenMode::kReadOnly);
  const auto by_copies = measured(done_copies(db, kEvidence), wish.copies_at_once);
  Rates rates = by_copies.value_or(Rates{});
  if (!by_copies) rates.rest_on = "defaults: too few copies in the database to measure by";
  rates.copies_at_once = wish.copies_at_once;
  if (wish.disk) rates.disk = *wish.disk;
  if (wish.network) rates.network = *wish.network;
  if (wish.copy_cost) rates.copy_cost = *wish.copy_cost;
  if (wish.disk || wish.network || wish.copy_cost) rates.rest_on += "; partly as given";
  return rates;
}

Basis basis_of(const Wish& wish, const cli::Options& options, const Simulation& simulation,
               const Rates& rates) {
  const Tally& tally = simulation.tally();
  return {.database = options.database,
          .servers = simulation.view().servers().size(),
          .chunks = tally.all(),
          .under_way = simulation.under_way(),
          .below_goal = tally.not_whole(),
          .lost = tally.of(Health::kLost),
          .rates = rates,
          .now = wish.now};
}

void write_svg(const std::string& file, const std::string& text) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::fopen(file.c_str(), "wb"),
                                                            std::fclose);
  const bool good = out && std::fwrite(text.data(), 1, text.size(), out.get()) == text.size() &&
                    std::fflush(out.get()) == 0;
  if (!good) throw std::runtime_error(file + ": " + std::strerror(errno));
}

cli::Exit exit_of(const std::vector<Forecast>& forecasts) {
  for (const Forecast& forecast : forecasts) {
    if (forecast.lost.amount.count > 0) return cli::Exit::kLost;
  }
  return forecasts.back().not_whole.empty() ? cli::Exit::kOk : cli::Exit::kUnhealthy;
}

Result<std::vector<Step>> steps_of(const Wish& wish) {
  if (wish.steps.empty()) return std::vector{Step{"as it is", {}}};
  std::vector<Step> steps;
  for (const std::string& words : wish.steps) {
    auto step = parse_step(words);
    if (!step) return tl::unexpected(step.error());
    steps.push_back(std::move(*step));
  }
  return steps;
}

cli::Exit simulate(const Wish& wish, const cli::Options& options) {
  const auto steps = steps_of(wish);
  if (!steps) return cli::error(steps.error().what);
  const auto limits = limits_of(wish);
  if (!limits) return cli::error(limits.error().what);
  // Says in words what is wrong with it, if anything is.
  if (const auto looked = cli::View::open(options.database, options.cluster); !looked) {
    return cli::error(looked.error().what);
  }
  const Snapshot snapshot(options.database);
  const Rates rates = rates_of(wish, snapshot);
  Simulation simulation(snapshot.view(options.cluster, *limits, Instant{}), *limits, rates,
                        {.detection = wish.detection, .now = wish.now});
  const Basis basis = basis_of(wish, options, simulation, rates);
  std::vector<Forecast> forecasts;
  for (const Step& step : *steps) {
    auto forecast = simulation.run(step);
    if (!forecast) return cli::error("\"" + step.words + "\": " + forecast.error().what);
    forecasts.push_back(std::move(*forecast));
  }
  if (!wish.svg.empty()) {
    write_svg(wish.svg, svg(simulation.timeline(), "evenkeel simulate on " + options.database));
  }
  const std::string said =
      options.json ? json(basis, forecasts, simulation.timeline()) : text(basis, forecasts);
  std::fputs(said.c_str(), stdout);
  return exit_of(forecasts);
}

}  // namespace

void add_simulate(CLI::App& app, const cli::Options& options, std::function<cli::Exit()>& run) {
  const auto wish = std::make_shared<Wish>();
  CLI::App* command = app.add_subcommand(
      "simulate", "What would become of the cluster if servers were lost, drained or added");
  command->footer(kFooter);
  command->fallthrough();
  command->callback(
      [wish, &options, &run] { run = [wish, &options] { return simulate(*wish, options); }; });
  command->add_option("STEP", wish->steps, "What happens, such as \"lose server s3\"");
  command->add_option("--config", wish->config, "The rebalancer's settings file");
  command->add_option("--set", wish->settings, "A setting of the rebalancer over those of the file")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  add_measure(*command, "--detection", wish->detection, config::duration,
              "Silence until membership calls a server dead [30s]");
  command->add_flag("--now", wish->now, "Wait for nothing: no patience, no brake");
  add_measure(*command, "--disk-rate", wish->disk, config::bytes,
              "A second, what a server reads and writes together; 0B: no limit");
  add_measure(*command, "--network-rate", wish->network, config::bytes,
              "A second, of a machine, in and out each; 0B: no limit");
  add_measure(*command, "--copy-cost", wish->copy_cost, config::duration,
              "What a copy takes beside its bytes");
  command->add_option("--copies-at-once", wish->copies_at_once, "The agents' copies_in")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command->add_option("--svg", wish->svg, "Draws the course of it into this file")
      ->type_name("FILE");
}

}  // namespace evenkeel::sim
