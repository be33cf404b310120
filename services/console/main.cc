#include <filesystem>

#include "common/base/hex.h"
#include "common/log/log.h"
#include "common/program/program.h"
#include "common/reactor/loop.h"
#include "common/reactor/signals.h"
#include "common/token/token.h"
#include "services/console/io/http_server.h"
#include "services/console/settings.h"

namespace evenkeel::console {
namespace {

std::string new_token() {
  const std::string raw = random_bytes(32);
  return to_hex({reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size()});
}

/// The command line tool lies beside this program.
std::filesystem::path tool() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "evenkeel";
}

Result<Exit> run(config::Reader& reader) {
  auto settings = read_settings(reader);
  if (!settings) return tl::unexpected(settings.error());
  log::init("console", settings->log);
  Loop loop;
  const Signals signals(loop);
  Timer awake(loop,
              [] {});  // a loop ends when there is nothing to wait for, and signals do not count
  awake.start(std::chrono::hours(1), std::chrono::hours(1));
  HttpServer server(settings->address, settings->port);
  settings->site.version = EVENKEEL_VERSION;
  Site site(settings->site,
            Guard(hosts_of(settings->address, server.port(), settings->hosts), new_token()),
            tool());
  server.start([&](const Request& request) { return site.answer(request); });
  const bool v6 = settings->address.find(':') != std::string::npos;
  log::info("started",
            {{"cluster", settings->site.cluster},
             {"address", "http://" + (v6 ? "[" + settings->address + "]" : settings->address) +
                             ":" + std::to_string(server.port())},
             {"allow_changes", settings->site.allow_changes}});
  loop.run();
  site.stop();
  server.stop();
  log::info("stopped");
  return Exit::kGood;
}

}  // namespace
}  // namespace evenkeel::console

int main(int argc, char** argv) {
  return evenkeel::run_program(
      argc, argv,
      {.name = "evenkeel-console",
       .version = EVENKEEL_VERSION,
       .purpose = "Evenkeel's console: a web page for operators, that shows the cluster and asks "
                  "the rebalancer.",
       .settings = "deploy/console.toml"},
      evenkeel::console::run);
}
