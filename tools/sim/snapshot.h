#pragma once
#include <filesystem>
#include <string>

#include "common/base/result.h"
#include "services/rebalancer/core/cluster_view.h"
#include "services/rebalancer/core/limits.h"

namespace evenkeel::sim {

/// A copy of a rebalancer's database as it is at one moment, in a folder of its own that goes with
/// this object. The database is opened read only: it is not changed, and nobody who writes to it
/// has to wait.
class Snapshot {
 public:
  /// The copy goes below TMPDIR, or the system's folder for such things. Throws SqliteError when
  /// there is no room for it, or it is not a rebalancer's database.
  explicit Snapshot(const std::filesystem::path& database);

  const std::filesystem::path& file() const { return file_; }

  /// All that the rebalancer holds true, loaded as it does itself at a start, and then as if it had
  /// run on: its servers have reported, membership is in step and safe mode is over. Throws
  /// SqliteError, and std::runtime_error if it is another cluster's.
  ClusterView view(const std::string& cluster, const Limits& limits, Instant now) const;

 private:
  struct Folder {
    Folder();
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder();
    std::filesystem::path path;
  };

  Folder folder_;
  std::filesystem::path file_;
};

/// Makes what was just loaded what it was before the rebalancer was stopped: servers that are not
/// dead have reported.
void resume(ClusterView& view, Instant now);

}  // namespace evenkeel::sim
