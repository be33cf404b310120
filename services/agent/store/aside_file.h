#pragma once
#include <optional>
#include <vector>

#include "common/checksum/checksum.h"
#include "services/agent/store/disk.h"

namespace evenkeel::agent {

/// A file in tmp/ that is being written, by several threads at once if need be. The bytes of a
/// large one go past the page cache where the file system can do that: nobody will read them soon,
/// and it takes a fifth of the processor's time.
class AsideFile {
 public:
  /// With all of its space reserved if it is a large one, so that a full disk is known before bytes
  /// have moved.
  static DiskResult<AsideFile> create(const std::filesystem::path& path, Bytes size);

  /// One that an earlier run of the agent had begun.
  static DiskResult<AsideFile> reopen(const std::filesystem::path& path, Bytes size);
  /// The blocks that are there already.
  std::vector<std::uint64_t> matching(const Manifest& manifest) const;

  DiskResult<void> write(std::uint64_t offset, std::span<const std::uint8_t> bytes) const;

 private:
  AsideFile(File file, std::optional<File> direct)
      : file_(std::move(file)), direct_(std::move(direct)) {}
  static DiskResult<AsideFile> with_space(File file, Bytes size);

  File file_;
  std::optional<File> direct_;
};

}  // namespace evenkeel::agent
