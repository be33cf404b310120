#pragma once
#include <filesystem>

#include "common/base/result.h"
#include "common/config/file.h"
#include "common/log/log.h"
#include "services/membership/io/options.h"

namespace evenkeel::membership {

/// The settings as one struct; deploy/membership.toml says what each means.
struct Settings {
  Options options;
  std::filesystem::path data_dir;
  std::string metrics_listen;  ///< empty: none
  log::Settings log;
};

/// The error names all that is wrong, each with file, line and key.
Result<Settings> read_settings(config::Reader& reader);

}  // namespace evenkeel::membership
