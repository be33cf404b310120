#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/random.h"

namespace evenkeel::schedules {

/// The disks of the machines, under the programs' own reading and writing (services/agent/store:
/// disk.h). The files are real, in memory; what of them would outlive a loss of power is kept in
/// mind. Each machine has the folder of its name below the root.
class Disks {
 public:
  struct Faults {
    bool full = false;               ///< writes find no space
    std::uint64_t bad_reads = 0;     ///< in how many of 1,000 reads there is an I/O error
    std::uint64_t bad_writes = 0;    ///< the same of writes and renames
    std::uint64_t failed_syncs = 0;  ///< the same of syncs, which end a program
    bool unplugged = false;          ///< nothing reaches it: its machine is being taken down
  };

  explicit Disks(std::filesystem::path root);
  ~Disks();
  Disks(const Disks&) = delete;
  Disks& operator=(const Disks&) = delete;

  const std::filesystem::path& root() const { return root_; }
  Faults& of(const std::string& machine) { return faults_[machine]; }
  std::string machine_of(const std::filesystem::path& path) const;

  /// The power of a machine goes: of what was not synced some is lost. No program of it runs.
  void lose_power(const std::string& machine, Rng& rng);

  /// Told of every rename, after it.
  std::function<void(const std::filesystem::path& from, const std::filesystem::path& to)> on_rename;

  // For disk.cc.
  static Disks* here();
  void wrote(const std::filesystem::path& file) { unsynced_.insert(file.string()); }
  void synced(const std::filesystem::path& file) { unsynced_.erase(file.string()); }
  void renamed(const std::filesystem::path& from, const std::filesystem::path& to);
  void synced_folder(const std::filesystem::path& folder);
  void synced_all(const std::filesystem::path& below);

 private:
  const std::filesystem::path root_;
  std::map<std::string, Faults> faults_;
  std::set<std::string> unsynced_;                            // files whose bytes may be lost
  std::vector<std::pair<std::string, std::string>> renames_;  // not durable yet, in order
};

}  // namespace evenkeel::schedules
