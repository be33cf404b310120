#include <algorithm>
#include <optional>
#include <stdexcept>

#include "common/base/data_dir.h"
#include "common/base/system_clock.h"
#include "common/log/log.h"
#include "common/program/program.h"
#include "common/reactor/loop.h"
#include "common/reactor/signals.h"
#include "common/sqlite/migrate.h"
#include "services/rebalancer/io/metrics_page.h"
#include "services/rebalancer/io/service.h"
#include "services/rebalancer/settings.h"
#include "services/rebalancer/store/histories.h"

namespace evenkeel {
namespace {

Result<Exit> run(config::Reader& reader) {
  const auto settings = read_settings(reader);
  if (!settings) return tl::unexpected(settings.error());
  log::init("rebalancer", settings->log);
  const auto data_dir = DataDir::hold(settings->data_dir, "evenkeel-rebalancer");
  if (!data_dir) throw std::runtime_error(data_dir.error().what);
  const SystemClock clock;
  const Instant began = clock.now();
  Store store(data_dir->path() / "rebalancer.db", sqlite::schema_directory("rebalancer"),
              settings->cluster, epoch_at(clock.wall_now()));
  Rebalancer rebalancer(store, clock, settings->limits);
  std::vector<Store::Setting> in_force;
  for (const auto& [key, setting] : reader.in_force()) {
    in_force.push_back({key, setting.value, setting.given});
  }
  store.save_settings(in_force);
  zmq::context_t context;
  Loop loop;
  const Signals signals(loop);
  Service service(loop, context, *settings, clock, store, rebalancer);
  std::optional<metrics::Exporter> exporter;
  Timer publish(loop, [&] { exporter->publish(metrics_page(rebalancer)); });
  if (!settings->metrics_listen.empty()) {
    exporter.emplace(settings->metrics_listen, "rebalancer", EVENKEEL_VERSION);
    service.on_turn = [turns = exporter->timing("evenkeel_rebalancer_turn_seconds",
                                                "Planning and one synced commit.")](
                          Duration took) mutable { turns.took(took); };
    publish.start(Duration(0), std::chrono::seconds(1));
  }
  log::info("started", {{"cluster", settings->cluster},
                        {"epoch", rebalancer.view().epoch().value()},
                        {"chunks", rebalancer.view().chunk_count()},
                        {"servers", rebalancer.view().server_slots()},
                        {"open_commands", rebalancer.view().in_flight().size()},
                        {"took_ms", (clock.now() - began).count()}});
  // What it throws ends the process: memory may be ahead of the database by then, and the next
  // start begins from what is durable.
  loop.run();
  log::info("stopped", {{"epoch", rebalancer.view().epoch().value()}});
  return Exit::kGood;
}

}  // namespace
}  // namespace evenkeel

int main(int argc, char** argv) {
  return evenkeel::run_program(
      argc, argv,
      {.name = "evenkeel-rebalancer",
       .version = EVENKEEL_VERSION,
       .purpose =
           "Evenkeel's rebalancer: holds the chunk map, decides where replicas live, and has "
           "agents copy and delete them.",
       .settings = "deploy/rebalancer.toml"},
      evenkeel::run);
}
