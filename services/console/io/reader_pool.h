#pragma once
#include <filesystem>
#include <functional>
#include <mutex>
#include <vector>

#include "services/console/store/reader.h"

namespace evenkeel::console {

/// Readers of the same database, each used by one thread at a time. A file that was replaced is
/// opened anew.
class ReaderPool {
 public:
  ReaderPool(std::filesystem::path database, std::string cluster)
      : database_(std::move(database)), cluster_(std::move(cluster)) {}

  /// What SQLite says is an error (kBusy), and the next one opens the file anew.
  Result<std::string> with(const std::function<Result<std::string>(Reader&)>& ask);

 private:
  static constexpr std::size_t kIdle = 8;  // kept open at most

  std::filesystem::path database_;
  std::string cluster_;
  std::mutex mutex_;
  std::vector<Reader> idle_;
};

}  // namespace evenkeel::console
