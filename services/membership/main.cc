#include <sys/random.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "common/base/check.h"
#include "common/base/data_dir.h"
#include "common/base/system_clock.h"
#include "common/log/log.h"
#include "common/reactor/loop.h"
#include "common/reactor/signals.h"
#include "services/membership/io/membership.h"
#include "services/membership/settings.h"
#include "services/membership/store/member_store.h"

namespace evenkeel::membership {
namespace {

enum Exit { kGood = 0, kFailed = 1, kBadSettings = 2 };

StorageId random_id() {
  StorageId::Array bytes{};
  EK_CHECK(getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  return StorageId(bytes);
}

void serve(const Options& options, MemberStore& store) {
  const SystemClock clock;
  zmq::context_t context;
  Loop loop;
  const Signals signals(loop);
  const Membership membership(options, loop, context, clock, store);
  log::info("started", {{"cluster", options.cluster},
                        {"stream", store.stream()},
                        {"number", store.last_number()},
                        {"events", membership.events_endpoint()},
                        {"requests", membership.requests_endpoint()}});
  loop.run();
  log::info("stopped", {{"number", store.last_number()}});
}

int refuse(const Error& error, Exit code) {
  log::error("cannot start", {{"why", error.what}});
  return code;
}

int run(const Settings& settings) {
  const auto data_dir = DataDir::hold(settings.data_dir, "evenkeel-membership");
  if (!data_dir) return refuse(data_dir.error(), kFailed);
  auto store =
      MemberStore::open(data_dir->path() / "membership.db", settings.options.cluster, random_id());
  if (!store) return refuse(store.error(), kBadSettings);
  serve(settings.options, *store);
  return kGood;
}

int main(int argc, char** argv) {
  CLI::App app(
      "Evenkeel's membership: hears heartbeats, judges silence, publishes numbered events.");
  std::optional<std::filesystem::path> file;
  std::vector<std::string> overrides;
  app.add_option("--config", file, "Settings file (TOML); see deploy/membership.toml");
  app.add_option("--set", overrides, "A setting over those of the file; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.set_version_flag("--version", std::string("evenkeel-membership ") + EVENKEEL_VERSION);
  CLI11_PARSE(app, argc, argv);

  const auto settings = read_settings(file, overrides);
  if (!settings) {
    std::fprintf(stderr, "%s\n", settings.error().what.c_str());
    return kBadSettings;
  }
  try {
    log::init("membership", settings->log);
    return run(*settings);
  } catch (const std::exception& error) {
    log::error("failed", {{"why", error.what()}});
    return kFailed;
  }
}

}  // namespace
}  // namespace evenkeel::membership

int main(int argc, char** argv) {
  return evenkeel::membership::main(argc, argv);
}
