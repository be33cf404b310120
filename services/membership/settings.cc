#include "services/membership/settings.h"

#include "common/model/text.h"
#include "common/program/program.h"

namespace evenkeel::membership {
namespace {

void read_options(config::Reader& reader, Options& options) {
  options.cluster = reader.string("cluster", options.cluster);
  if (!is_cluster(options.cluster)) {
    reader.fault("cluster", "must be 1 to 63 of a-z, 0-9 and -");
  }
  options.events_endpoint = reader.endpoint("events_endpoint", options.events_endpoint);
  options.requests_endpoint = reader.endpoint("requests_endpoint", options.requests_endpoint);
  Patience& patience = options.patience;
  patience.suspect_after = reader.duration("suspect_after", patience.suspect_after);
  patience.dead_after = reader.duration("dead_after", patience.dead_after);
  options.judge_interval = reader.duration("judge_interval", options.judge_interval);
  options.beacon_interval = reader.duration("beacon_interval", options.beacon_interval);
}

void check_times(config::Reader& reader, const Options& options) {
  const Patience& patience = options.patience;
  if (patience.suspect_after <= Duration::zero()) {
    reader.fault("suspect_after", "must be more than 0");
  }
  if (patience.dead_after <= patience.suspect_after) {
    reader.fault("dead_after", "must be more than suspect_after");
  }
  if (options.judge_interval <= Duration::zero() ||
      options.judge_interval > patience.suspect_after) {
    reader.fault("judge_interval", "must be more than 0 and at most suspect_after");
  }
  if (options.beacon_interval <= Duration::zero()) {
    reader.fault("beacon_interval", "must be more than 0");
  }
}

}  // namespace

Result<Settings> read_settings(config::Reader& reader) {
  Settings settings;
  read_options(reader, settings.options);
  settings.data_dir = reader.string("data_dir");
  check_times(reader, settings.options);
  settings.metrics_listen = read_metrics_listen(reader);
  settings.log = read_log_settings(reader);
  if (const auto read = reader.finish(); !read) return tl::unexpected(read.error());
  return settings;
}

}  // namespace evenkeel::membership
