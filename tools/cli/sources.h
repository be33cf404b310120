#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace evenkeel::cli {

/// One file to put, and its name in the cluster.
struct PutJob {
  std::filesystem::path path;  ///< "-": standard input
  std::string name;
};

struct SourceOptions {
  std::vector<std::string> paths;
  std::string name;    ///< for a single file; empty: the path as given
  std::string prefix;  ///< before each name
  bool recursive = false;
};

/// What is to be put, in order of names. An error names the path or the name that is wrong: a
/// directory without `recursive`, something that is no file, a name that is too long or there
/// twice.
Result<std::vector<PutJob>> jobs_of(const SourceOptions& options);

}  // namespace evenkeel::cli
