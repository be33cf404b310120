#include <cstdlib>
#include <optional>
#include <string>

#include "common/base/system_clock.h"
#include "common/program/program.h"
#include "common/reactor/signals.h"
#include "services/agent/io/agent.h"
#include "services/agent/io/metrics_page.h"

namespace {

using namespace evenkeel;

Result<Exit> run(config::Reader& reader) {
  const auto settings = agent::read_settings(reader);
  if (!settings) return tl::unexpected(settings.error());
  log::init("agent-" + std::to_string(settings->server.value()), settings->log);
  const SystemClock clock;
  zmq::context_t context;
  Loop loop;
  {
    agent::Agent agent(loop, context, clock, *settings);
    std::optional<metrics::Exporter> exporter;
    Timer publish(loop, [&] { exporter->publish(agent::metrics_page(agent)); });
    if (!settings->metrics_listen.empty()) {
      exporter.emplace(settings->metrics_listen, "agent", EVENKEEL_VERSION);
      publish.start(Duration(0), std::chrono::seconds(1));
    }
    const Signals signals(loop, [&](int number) {
      log::info("stopping", {{"signal", number}});
      agent.stop([&] { loop.stop(); });
    });
    loop.run();
  }
  log::info("stopped");
  return Exit::kGood;
}

}  // namespace

int main(int argc, char** argv) {
  // Most of them wait for the disk: the four that libuv has by default hold up what could go on.
  ::setenv("UV_THREADPOOL_SIZE", "12", 0);
  return run_program(argc, argv,
                     {.name = "evenkeel-agent",
                      .version = EVENKEEL_VERSION,
                      .purpose = "Evenkeel's agent: looks after one chunk directory; reports it, "
                                 "copies, deletes, verifies and serves chunks.",
                      .settings = "deploy/agent.toml"},
                     run);
}
