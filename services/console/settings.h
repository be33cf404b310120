#pragma once
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/config/file.h"
#include "common/log/log.h"
#include "services/console/io/site.h"

namespace evenkeel::console {

/// The settings as one struct; deploy/console.toml says what each means.
struct Settings {
  Site::Settings site;
  std::string address;  ///< to listen on
  int port = 0;
  std::vector<std::string> hosts;
  log::Settings log;
};

/// The error names all that is wrong, each with file, line and key.
Result<Settings> read_settings(config::Reader& reader);

}  // namespace evenkeel::console
