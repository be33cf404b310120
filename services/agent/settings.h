#pragma once
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/config/file.h"
#include "common/log/log.h"
#include "common/model/ids.h"
#include "common/model/labels.h"

namespace evenkeel::agent {

/// Everything that deploy/agent.toml explains, checked. One struct a concern; main() hands each
/// part what it needs.
struct DirectorySettings {
  std::filesystem::path data_dir;
  std::optional<Bytes> capacity;  ///< none: what is held plus what is free at the start
  std::optional<Bytes> reserve;   ///< none: default_reserve() of the capacity
  Duration trash_keep = std::chrono::hours(24);
  Duration rescan_interval = std::chrono::seconds(60);
};
struct MembershipSettings {
  std::string endpoint = "tcp://127.0.0.1:7402";
  Duration heartbeat_interval{1'000};
};
struct RebalancerSettings {
  std::string commands = "tcp://127.0.0.1:7411";
  std::string agents = "tcp://127.0.0.1:7412";
};
struct DataPortSettings {
  std::string listen = "127.0.0.1:0";
  std::string advertise;  ///< empty: where it listens
  std::size_t copies_out = 2048;
  std::size_t connections_max = 256;
};
struct WorkSettings {
  std::size_t copies_in = 512;
  Bytes copy_memory{32ULL << 20};
  Duration presence_fresh = std::chrono::minutes(10);
  Duration content_fresh = std::chrono::hours(336);
};
struct ScrubSettings {
  Bytes rate{8ULL << 20};  ///< a second; 0: no scrubbing
  Duration pause =
      std::chrono::hours(168);  ///< a replica read and matched is left in peace so long
};
struct Settings {
  std::string cluster = "evenkeel";
  ServerId server{1};
  std::string location;
  Labels labels;
  DirectorySettings directory;
  MembershipSettings membership;
  RebalancerSettings rebalancer;
  DataPortSettings data_port;
  WorkSettings work;
  ScrubSettings scrub;
  std::string metrics_listen;  ///< empty: none
  log::Settings log;
};

/// All faults at once, each with file, line and key.
Result<Settings> read_settings(config::Reader& reader);

}  // namespace evenkeel::agent
