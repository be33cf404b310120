#include "tools/cli/sources.h"

#include <algorithm>

#include "common/wire/limits.h"

namespace evenkeel::cli {
namespace {

namespace fs = std::filesystem;

Result<void> add_folder(const fs::path& folder, const std::string& prefix,
                        std::vector<PutJob>& jobs) {
  std::error_code failure;
  for (fs::recursive_directory_iterator at(folder, failure), end; !failure && at != end;
       at.increment(failure)) {
    if (at->is_regular_file(failure)) jobs.push_back({at->path(), prefix + at->path().string()});
    if (failure) break;
  }
  if (failure) return fail(ErrorCode::kDenied, folder.string() + ": " + failure.message());
  return {};
}

Result<void> add(const std::string& path, const SourceOptions& options, std::vector<PutJob>& jobs) {
  if (path == "-" && options.name.empty()) {
    return fail(ErrorCode::kMalformed, "standard input has no name: give one with --name");
  }
  if (path != "-") {
    std::error_code failure;
    const fs::file_status status = fs::status(path, failure);
    if (!fs::exists(status)) return fail(ErrorCode::kNotFound, path + ": no such file");
    if (fs::is_directory(status)) {
      if (options.recursive && options.name.empty()) return add_folder(path, options.prefix, jobs);
      return fail(ErrorCode::kMalformed,
                  path + ": is a directory" +
                      (options.recursive ? " and cannot have a --name" : "; see --recursive"));
    }
  }
  jobs.push_back({path, options.prefix + (options.name.empty() ? path : options.name)});
  return {};
}

Result<void> check_names(const std::vector<PutJob>& jobs) {
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const std::string& name = jobs[i].name;
    if (name.size() > wire::kNameBytesMax) {
      return fail(ErrorCode::kMalformed, "the name '" + name + "' is longer than " +
                                             std::to_string(wire::kNameBytesMax) + " bytes");
    }
    if (i > 0 && jobs[i - 1].name == name) {
      return fail(ErrorCode::kConflict, "two files would get the name '" + name + "'");
    }
  }
  return {};
}

}  // namespace

Result<std::vector<PutJob>> jobs_of(const SourceOptions& options) {
  if (!options.name.empty() && options.paths.size() > 1) {
    return fail(ErrorCode::kMalformed,
                "--name is for one file, and there are " + std::to_string(options.paths.size()));
  }
  std::vector<PutJob> jobs;
  for (const std::string& path : options.paths) {
    if (auto added = add(path, options, jobs); !added) return tl::unexpected(added.error());
  }
  std::ranges::sort(jobs, {}, &PutJob::name);
  if (auto checked = check_names(jobs); !checked) return tl::unexpected(checked.error());
  return jobs;
}

}  // namespace evenkeel::cli
