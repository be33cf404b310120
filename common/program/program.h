#pragma once
#include <functional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/config/file.h"
#include "common/log/log.h"

namespace evenkeel {

/// How a service ends, as its exit code.
enum class Exit {
  kGood = 0,
  kFailed = 1,      ///< something of this machine failed; to be started again
  kBadSettings = 2  ///< starting again will not help
};

struct Program {
  std::string name;  ///< "evenkeel-agent"
  std::string version;
  std::string purpose;   ///< for --help
  std::string settings;  ///< where they are explained: "deploy/agent.toml"
};

/// What all services have in common from main() on: `--config FILE`, `--set key=value`, `--help`
/// and
/// `--version`; settings that are refused are told on stderr, all faults at once; an exception that
/// reaches the top is logged and ends the process with kFailed.
///
/// `body` reads its settings from the reader, begins the log, and runs until the service is told to
/// stop. An error that it returns is one of settings.
int run_program(int argc, char** argv, const Program& program,
                const std::function<Result<Exit>(config::Reader&)>& body);

/// The settings `log_level` (debug, info, warn, error) and `log_json`, the same for all services.
log::Settings read_log_settings(config::Reader& reader);

/// The setting `metrics_listen`: "host:port", or empty for no metrics; the same for all services.
std::string read_metrics_listen(config::Reader& reader);

}  // namespace evenkeel
