#pragma once
#include <filesystem>
#include <string>

#include "common/base/result.h"
#include "common/config/file.h"
#include "common/log/log.h"
#include "services/rebalancer/core/limits.h"
#include "services/rebalancer/io/agents_port.h"
#include "services/rebalancer/io/control_port.h"
#include "services/rebalancer/io/membership_feed.h"
#include "services/rebalancer/io/publisher.h"
#include "services/rebalancer/store/store.h"

namespace evenkeel {

/// All settings of the rebalancer; deploy/rebalancer.toml lists them with their defaults and why.
struct RebalancerSettings {
  std::string cluster = "evenkeel";
  std::filesystem::path data_dir;
  MembershipFeed::Settings membership;
  Publisher::Settings commands;
  AgentsPort::Settings agents;
  ControlPort::Settings control;
  std::string events_endpoint;
  Limits limits;
  Store::Keep keep;
  std::string metrics_listen;  ///< empty: none
  log::Settings log;
};

/// The error names all that is wrong, each with file, line and key.
Result<RebalancerSettings> read_settings(config::Reader& reader);

}  // namespace evenkeel
