#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "common/base/system_clock.h"
#include "common/reactor/signals.h"
#include "services/agent/io/agent.h"

namespace {

using namespace evenkeel;

constexpr int kBadSettings = 2;

int run(const agent::Settings& settings) {
  log::init("agent-" + std::to_string(settings.server.value()), settings.log);
  try {
    const SystemClock clock;
    zmq::context_t context;
    Loop loop;
    {
      agent::Agent agent(loop, context, clock, settings);
      const Signals signals(loop, [&](int number) {
        log::info("stopping", {{"signal", number}});
        agent.stop([&] { loop.stop(); });
      });
      loop.run();
    }
    log::info("stopped");
    return 0;
  } catch (const std::exception& error) {
    log::error("failed", {{"why", error.what()}});
    return 1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Looks after one chunk directory: reports it, copies, deletes, verifies and serves "
      "chunks.");
  std::string config;
  std::vector<std::string> overrides;
  app.add_option("--config", config, "Settings file (deploy/agent.toml explains every setting)");
  app.add_option("--set", overrides, "key=value; wins over the file; may be given again")
      ->allow_extra_args(false);
  app.set_version_flag("--version", "evenkeel-agent " EVENKEEL_VERSION);
  CLI11_PARSE(app, argc, argv);

  auto reader = config.empty() ? evenkeel::config::Reader::of_text("settings", "", overrides)
                               : evenkeel::config::Reader(config, overrides);
  const auto settings = evenkeel::agent::read_settings(reader);
  if (!settings) {
    std::fprintf(stderr, "%s\n", settings.error().what.c_str());
    return kBadSettings;
  }
  return run(*settings);
}
