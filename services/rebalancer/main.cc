#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "common/base/data_dir.h"
#include "common/base/system_clock.h"
#include "common/log/log.h"
#include "common/reactor/loop.h"
#include "common/reactor/signals.h"
#include "common/sqlite/migrate.h"
#include "services/rebalancer/io/service.h"
#include "services/rebalancer/settings.h"

namespace evenkeel {
namespace {

enum Exit { kGood = 0, kFailed = 1, kBadSettings = 2 };

int run(const RebalancerSettings& settings) {
  const auto data_dir = DataDir::hold(settings.data_dir, "evenkeel-rebalancer");
  if (!data_dir) {
    log::error("cannot start", {{"why", data_dir.error().what}});
    return kFailed;
  }
  const SystemClock clock;
  const Instant began = clock.now();
  Store store(data_dir->path() / "rebalancer.db", sqlite::schema_directory("rebalancer"),
              settings.cluster);
  Rebalancer rebalancer(store, clock, settings.limits);
  zmq::context_t context;
  Loop loop;
  const Signals signals(loop);
  const Service service(loop, context, settings, clock, store, rebalancer);
  log::info("started", {{"cluster", settings.cluster},
                        {"epoch", rebalancer.view().epoch().value()},
                        {"chunks", rebalancer.view().chunk_count()},
                        {"servers", rebalancer.view().server_slots()},
                        {"open_commands", rebalancer.view().in_flight().size()},
                        {"took_ms", (clock.now() - began).count()}});
  loop.run();
  log::info("stopped", {{"epoch", rebalancer.view().epoch().value()}});
  return kGood;
}

int main(int argc, char** argv) {
  CLI::App app(
      "Evenkeel's rebalancer: holds the chunk map, decides where replicas live, and has agents "
      "copy and delete them.");
  std::optional<std::filesystem::path> file;
  std::vector<std::string> overrides;
  app.add_option("--config", file, "Settings file (TOML); see deploy/rebalancer.toml");
  app.add_option("--set", overrides, "A setting over those of the file; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.set_version_flag("--version", std::string("evenkeel-rebalancer ") + EVENKEEL_VERSION);
  CLI11_PARSE(app, argc, argv);

  const auto settings = read_settings(file, overrides);
  if (!settings) {
    std::fprintf(stderr, "%s\n", settings.error().what.c_str());
    return kBadSettings;
  }
  try {
    log::init("rebalancer", settings->log);
    return run(*settings);
  } catch (const std::exception& error) {
    // Memory may be ahead of the database by now: the next start begins from what is durable.
    log::error("failed", {{"why", error.what()}});
    return kFailed;
  }
}

}  // namespace
}  // namespace evenkeel

int main(int argc, char** argv) {
  return evenkeel::main(argc, argv);
}
