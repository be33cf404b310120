#pragma once
#include <filesystem>

#include "common/base/result.h"

namespace evenkeel::membership {

/// The service's own folder, held for as long as this object lives: two services that number the
/// same events would tell two truths. The lock is the kernel's and ends with the process, however
/// it ends.
class DataDir {
 public:
  /// Makes the folder if it is not there. kBusy: another process holds it. kDenied: it cannot be
  /// made or written.
  static Result<DataDir> hold(const std::filesystem::path& path);
  DataDir(DataDir&& other) noexcept;
  DataDir& operator=(DataDir&&) = delete;
  ~DataDir();

  std::filesystem::path database() const { return path_ / "membership.db"; }

 private:
  DataDir(std::filesystem::path path, int lock);

  std::filesystem::path path_;
  int lock_;  // descriptor; -1 once it was moved from
};

}  // namespace evenkeel::membership
