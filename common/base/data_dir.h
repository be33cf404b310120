#pragma once
#include <filesystem>
#include <string>

#include "common/base/result.h"

namespace evenkeel {

/// A process's own folder, held for as long as this object lives: two processes on one folder would
/// tell two truths. The lock is the kernel's and ends with the process, however that ends.
class DataDir {
 public:
  /// Makes the folder if it is not there. `who` is named to others that want it. kBusy: another
  /// process holds it. kDenied: it cannot be made or written.
  static Result<DataDir> hold(const std::filesystem::path& path, const std::string& who);
  DataDir(DataDir&& other) noexcept;
  DataDir& operator=(DataDir&&) = delete;
  ~DataDir();

  const std::filesystem::path& path() const { return path_; }

 private:
  DataDir(std::filesystem::path path, int lock);

  std::filesystem::path path_;
  int lock_;  // descriptor; -1 once it was moved from
};

}  // namespace evenkeel
