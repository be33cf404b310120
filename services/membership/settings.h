#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/log/log.h"
#include "services/membership/io/options.h"

namespace evenkeel::membership {

/// The settings as one struct; deploy/membership.toml says what each means.
struct Settings {
  Options options;
  std::filesystem::path data_dir;
  log::Settings log;
};

/// Reads the file, if there is one, and what the command line says over it ("key=value"). The error
/// names all that is wrong, each with file, line and key.
Result<Settings> read_settings(const std::optional<std::filesystem::path>& file,
                               const std::vector<std::string>& overrides);

}  // namespace evenkeel::membership
