#pragma once
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "common/base/data_dir.h"
#include "common/base/time.h"
#include "common/checksum/checksum.h"
#include "common/model/command.h"
#include "services/agent/core/replica_table.h"
#include "services/agent/store/chunk_name.h"
#include "services/agent/store/disk.h"

namespace evenkeel::agent {

/// What live/ holds, by the names and sizes of its files.
struct Census {
  struct Found {
    ReplicaKey key;
    Checksum checksum;
    Bytes size;
  };
  struct Adoptable {
    ReplicaKey key;
    Bytes size;
  };
  std::vector<Found> replicas;       ///< in the order of their names
  std::vector<Adoptable> adoptable;  ///< named <chunk>.<version> only
  std::vector<std::string> strange;  ///< left alone: not ours to judge
};

/// A deleted replica that is still there, or its manifest.
struct TrashFile {
  std::string name;
  Timestamp deleted{};
  Bytes size;
};

/// The folders of one chunk directory and every way in which a file in them may move
/// (schema/disk/README.md). Holds no state but the paths and the lock, so that all of it but the
/// constructor may be called from the thread pool. Renames are not durable before sync().
class ChunkFiles {
 public:
  /// Makes the folders, locks the directory, and makes durable what an earlier run had renamed.
  /// Throws std::runtime_error if another agent has it, SyncFailed.
  explicit ChunkFiles(std::filesystem::path data_dir);

  /// Copies that were cut off: nobody was told of them. Large ones stay, and are named: their
  /// command may come again, and they can go on.
  std::set<std::filesystem::path> empty_tmp() const;
  Census census() const;
  std::vector<TrashFile> trash() const;
  Bytes quarantined() const;

  std::filesystem::path live(const ChunkContent& content) const;
  std::filesystem::path bare(const ReplicaKey& key) const;  ///< of a file to adopt
  bool exists(const ChunkContent& content) const;           ///< in live/, by that name
  std::filesystem::path live_manifest(const ChunkContent& content) const;
  /// Where a copy of `content` is written until it is whole. `attempt` keeps two apart.
  std::filesystem::path aside(const ChunkContent& content, std::uint64_t attempt) const;
  static std::filesystem::path manifest_of(const std::filesystem::path& file);

  /// The manifest beside a file in tmp/. For chunks of one block or none it does nothing.
  DiskResult<void> write_manifest(const std::filesystem::path& aside,
                                  const Manifest& manifest) const;
  /// Makes files in tmp/ and their manifests durable, each of which is whole: many with one sync of
  /// the whole file system, few one by one. Throws SyncFailed. Not from two threads at once.
  void sync_asides(const std::vector<std::filesystem::path>& asides) const;
  /// Replaces a manifest in live/ that was lost or damaged.
  DiskResult<void> mend_manifest(const ChunkContent& content, const Manifest& manifest) const;
  /// A whole, synced file from tmp/ becomes a replica: first its manifest, then itself.
  DiskResult<void> place(const std::filesystem::path& aside, const ChunkContent& content) const;
  void drop_aside(const std::filesystem::path& aside) const;

  DiskResult<void> move_to_trash(const ChunkContent& content, Timestamp when) const;
  DiskResult<void> move_to_quarantine(const ChunkContent& content, Timestamp when) const;
  /// Renames a file that bears no checksum to its full name.
  DiskResult<void> adopt(const ChunkContent& content, const Manifest& manifest) const;

  /// The only place in which a chunk's bytes are given up.
  void remove_for_ever(const TrashFile& file) const;

  /// Throws SyncFailed.
  void sync_live() const { sync_folder(dir_ / "live"); }
  void sync_trash() const { sync_folder(dir_ / "trash"); }
  void sync_quarantine() const { sync_folder(dir_ / "quarantine"); }

  Bytes disk_free() const { return free_space(dir_); }
  const std::filesystem::path& dir() const { return dir_; }

 private:
  DiskResult<void> move_away(const ChunkContent& content, const char* folder, Timestamp when) const;

  std::filesystem::path dir_;
  DataDir held_;
  File whole_;  // open since before the first write, so that no sync misses what failed
};

}  // namespace evenkeel::agent
