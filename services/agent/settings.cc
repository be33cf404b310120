#include "services/agent/settings.h"

#include <algorithm>

#include <unistd.h>

#include "common/config/units.h"
#include "common/model/text.h"
#include "common/program/program.h"

namespace evenkeel::agent {
namespace {

std::string host_name() {
  char name[256] = "";
  if (::gethostname(name, sizeof name - 1) != 0 || name[0] == 0) return "localhost";
  return name;
}

/// "auto", or a size.
std::optional<Bytes> bytes_or_auto(config::Reader& reader, const std::string& key) {
  const std::string text = reader.string(key, "auto");
  if (text == "auto") return std::nullopt;
  const auto size = config::bytes(text);
  if (!size) reader.fault(key, size.error().what);
  return size ? std::optional(*size) : std::nullopt;
}

void check_names(config::Reader& reader, const Settings& settings) {
  if (!is_cluster(settings.cluster)) {
    reader.fault("cluster", "must be 1 to 63 of a-z, 0-9 and -");
  }
  if (!is_location(settings.location)) {
    reader.fault("location", "must be a path such as zone1/rack3/host7");
  }
}

void read_labels(config::Reader& reader, Labels& labels) {
  const auto table = reader.string_table("labels");
  auto read = labels_of({table.begin(), table.end()});
  if (read) {
    labels = std::move(*read);
  } else {
    reader.fault("labels", read.error().what);
  }
}

std::size_t count(config::Reader& reader, const std::string& key, std::size_t fallback,
                  std::int64_t most) {
  return static_cast<std::size_t>(
      reader.integer(key, static_cast<std::int64_t>(fallback), {1, most}));
}

void read_directory(config::Reader& reader, DirectorySettings& settings) {
  settings.data_dir = reader.string("data_dir");
  settings.capacity = bytes_or_auto(reader, "capacity");
  settings.reserve = bytes_or_auto(reader, "reserve");
  settings.trash_keep = reader.duration("trash_keep", settings.trash_keep);
  settings.rescan_interval = reader.duration("rescan_interval", settings.rescan_interval);
  if (settings.rescan_interval < Duration(1'000)) {
    reader.fault("rescan_interval", "must be at least 1s");
  }
  if (settings.capacity && settings.reserve && *settings.reserve > *settings.capacity) {
    reader.fault("reserve", "must not be more than the capacity");
  }
}

void read_links(config::Reader& reader, Settings& settings) {
  auto& membership = settings.membership;
  membership.endpoint = reader.endpoint("membership", membership.endpoint);
  membership.heartbeat_interval =
      reader.duration("heartbeat_interval", membership.heartbeat_interval);
  if (membership.heartbeat_interval < Duration(10)) {
    reader.fault("heartbeat_interval", "must be at least 10ms");
  }
  auto& rebalancer = settings.rebalancer;
  rebalancer.commands = reader.endpoint("rebalancer_commands", rebalancer.commands);
  rebalancer.agents = reader.endpoint("rebalancer_agents", rebalancer.agents);
}

void read_data_port(config::Reader& reader, DataPortSettings& settings) {
  settings.listen = reader.host_port("listen", settings.listen);
  if (reader.has("advertise")) settings.advertise = reader.host_port("advertise");
  settings.copies_out = count(reader, "copies_out", settings.copies_out, 65536);
  settings.connections_max = count(reader, "connections_max", settings.connections_max, 65536);
  const bool anywhere =
      settings.listen.starts_with("0.0.0.0:") || settings.listen.starts_with("[::]:");
  if (anywhere && settings.advertise.empty()) {
    reader.fault("advertise", "is needed where 'listen' names no address of its own");
  }
}

void read_work(config::Reader& reader, WorkSettings& settings) {
  settings.copies_in = count(reader, "copies_in", settings.copies_in, 4096);
  settings.copy_memory = reader.bytes("copy_memory", settings.copy_memory);
  if (settings.copy_memory < 4_MiB) reader.fault("copy_memory", "must be at least 4MiB");
  settings.presence_fresh = reader.duration("presence_fresh", settings.presence_fresh);
  if (settings.presence_fresh < std::chrono::minutes(10)) {
    reader.fault("presence_fresh", "must be at least 10min: rightful evidence is up to that old");
  }
  settings.content_fresh = reader.duration("content_fresh", settings.content_fresh);
}

}  // namespace

Result<Settings> read_settings(config::Reader& reader) {
  Settings settings;
  settings.cluster = reader.string("cluster", settings.cluster);
  const std::int64_t server = reader.integer("server", {1, INT64_MAX});
  settings.server = ServerId(static_cast<std::uint64_t>(std::max<std::int64_t>(server, 1)));
  settings.location = reader.string("location", host_name());
  read_labels(reader, settings.labels);
  check_names(reader, settings);
  read_directory(reader, settings.directory);
  read_links(reader, settings);
  read_data_port(reader, settings.data_port);
  read_work(reader, settings.work);
  settings.scrub.rate = reader.bytes("scrub_rate", settings.scrub.rate);
  settings.scrub.pause = reader.duration("scrub_pause", settings.scrub.pause);
  settings.metrics_listen = read_metrics_listen(reader);
  settings.log = read_log_settings(reader);
  if (const auto read = reader.finish(); !read) return tl::unexpected(read.error());
  return settings;
}

}  // namespace evenkeel::agent
