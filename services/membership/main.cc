#include <sys/random.h>

#include <optional>
#include <stdexcept>

#include "common/base/check.h"
#include "common/base/data_dir.h"
#include "common/base/system_clock.h"
#include "common/log/log.h"
#include "common/program/program.h"
#include "common/reactor/loop.h"
#include "common/reactor/signals.h"
#include "services/membership/io/membership.h"
#include "services/membership/io/metrics_page.h"
#include "services/membership/settings.h"
#include "services/membership/store/member_store.h"

namespace evenkeel::membership {
namespace {

StorageId random_id() {
  StorageId::Array bytes{};
  EK_CHECK(getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  return StorageId(bytes);
}

void serve(const Settings& settings, MemberStore& store) {
  const Options& options = settings.options;
  const SystemClock clock;
  zmq::context_t context;
  Loop loop;
  const Signals signals(loop);
  const Membership membership(options, loop, context, clock, store);
  std::optional<metrics::Exporter> exporter;
  Timer publish(loop, [&] { exporter->publish(metrics_page(membership, store)); });
  if (!settings.metrics_listen.empty()) {
    exporter.emplace(settings.metrics_listen, "membership", EVENKEEL_VERSION);
    publish.start(Duration(0), std::chrono::seconds(1));
  }
  log::info("started", {{"cluster", options.cluster},
                        {"stream", store.stream()},
                        {"number", store.last_number()},
                        {"events", membership.events_endpoint()},
                        {"requests", membership.requests_endpoint()}});
  loop.run();
  log::info("stopped", {{"number", store.last_number()}});
}

Result<Exit> run(config::Reader& reader) {
  const auto settings = read_settings(reader);
  if (!settings) return tl::unexpected(settings.error());
  log::init("membership", settings->log);
  const auto data_dir = DataDir::hold(settings->data_dir, "evenkeel-membership");
  if (!data_dir) throw std::runtime_error(data_dir.error().what);
  auto store =
      MemberStore::open(data_dir->path() / "membership.db", settings->options.cluster, random_id());
  if (!store) return tl::unexpected(store.error());
  serve(*settings, *store);
  return Exit::kGood;
}

}  // namespace
}  // namespace evenkeel::membership

int main(int argc, char** argv) {
  return evenkeel::run_program(
      argc, argv,
      {.name = "evenkeel-membership",
       .version = EVENKEEL_VERSION,
       .purpose = "Evenkeel's membership: hears heartbeats, judges silence, publishes numbered "
                  "events.",
       .settings = "deploy/membership.toml"},
      evenkeel::membership::run);
}
