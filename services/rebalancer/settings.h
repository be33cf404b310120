#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/log/log.h"
#include "services/rebalancer/core/limits.h"
#include "services/rebalancer/io/agents_port.h"
#include "services/rebalancer/io/control_port.h"
#include "services/rebalancer/io/membership_feed.h"
#include "services/rebalancer/io/publisher.h"

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
  std::uint64_t history = 1'000'000;  ///< closed commands and events that are kept
  log::Settings log;
};

/// From a settings file (none: defaults) and `--set key=value` words. All faults at once.
Result<RebalancerSettings> read_settings(const std::optional<std::filesystem::path>& file,
                                         const std::vector<std::string>& overrides);

}  // namespace evenkeel
