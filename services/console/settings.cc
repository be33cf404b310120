#include "services/console/settings.h"

#include "common/model/text.h"
#include "common/program/program.h"

namespace evenkeel::console {
namespace {

/// Takes "[::1]:7430" and "localhost:7430" apart; that it is one of these is known.
void split(const std::string& listen, Settings& settings) {
  const std::size_t colon = listen.rfind(':');
  settings.address = listen.substr(0, colon);
  if (settings.address.starts_with('[')) {
    settings.address = settings.address.substr(1, settings.address.size() - 2);
  }
  settings.port = std::stoi(listen.substr(colon + 1));
}

}  // namespace

Result<Settings> read_settings(config::Reader& reader) {
  Settings settings;
  Site::Settings& site = settings.site;
  site.cluster = reader.string("cluster", site.cluster);
  if (!is_cluster(site.cluster)) reader.fault("cluster", "must be 1 to 63 of a-z, 0-9 and -");
  site.database = reader.string("database");
  site.control = reader.endpoint("control_endpoint", "tcp://127.0.0.1:7413");
  site.rebalancer = reader.string("rebalancer_settings", "");
  const std::string listen = reader.host_port("listen", "127.0.0.1:7430");
  settings.hosts = reader.strings("hosts", {});
  site.allow_changes = reader.boolean("allow_changes", false);
  site.simulate_allowed = reader.duration("simulate_allowed", site.simulate_allowed);
  settings.log = read_log_settings(reader);
  if (site.simulate_allowed <= Duration::zero()) {
    reader.fault("simulate_allowed", "must be more than 0");
  }
  split(listen, settings);
  if (site.allow_changes && !is_loopback(settings.address)) {
    reader.fault("allow_changes",
                 "wants 'listen' on this machine only: nobody is asked here who he is. Put a proxy "
                 "that does before it");
  }
  if (const auto read = reader.finish(); !read) return tl::unexpected(read.error());
  return settings;
}

}  // namespace evenkeel::console
