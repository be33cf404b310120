#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "common/base/bytes.h"

/// Files as the agent needs them: every failure is either an answer, or the end of the process.
namespace evenkeel::agent {

/// What a disk may say that is no surprise.
struct DiskFault {
  enum class Kind { kNoSpace, kMissing, kShort, kCorrupt, kIo };
  Kind kind;
  std::string what;  ///< for people; names the file
};
template <class T>
using DiskResult = tl::expected<T, DiskFault>;

/// From errno.
tl::unexpected<DiskFault> disk_fault(const std::filesystem::path& file, std::string_view doing);

/// A sync failed, so nobody knows what is on the disk: the process must end. Syncing again would
/// say that all is well, for the kernel has dropped what it could not write.
class SyncFailed : public std::runtime_error {
 public:
  SyncFailed(const std::filesystem::path& file, int error);
};

/// Owns a file descriptor.
class File {
 public:
  File() = default;
  explicit File(int fd, std::filesystem::path path) : fd_(fd), path_(std::move(path)) {}
  ~File();
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;

  static DiskResult<File> open(const std::filesystem::path& path);
  /// A new file for reading and writing, mode 0640; what was there is emptied.
  static DiskResult<File> create(const std::filesystem::path& path);

  /// One that is there, for reading and writing.
  static DiskResult<File> open_to_go_on(const std::filesystem::path& path);
  /// For writing whole pages past the page cache; a fault where the file system cannot.
  static DiskResult<File> open_direct(const std::filesystem::path& path);

  DiskResult<void> write(std::uint64_t offset, std::span<const std::uint8_t> bytes) const;
  /// Exactly as many bytes as `into` holds; kShort if the file ends before.
  DiskResult<void> read(std::uint64_t offset, std::span<std::uint8_t> into) const;
  DiskResult<Bytes> size() const;
  /// Asks the file system for the space now, so that a full disk is known before bytes have moved.
  DiskResult<void> reserve(Bytes size) const;
  void sync() const;        ///< throws SyncFailed
  void drop_cache() const;  ///< these bytes will not be read again soon

  const std::filesystem::path& path() const { return path_; }
  int descriptor() const { return fd_; }  ///< stays ours

 private:
  DiskResult<void> write_all(std::uint64_t offset, std::span<const std::uint8_t> bytes) const;
  DiskResult<void> read_all(std::uint64_t offset, std::span<std::uint8_t> into) const;

  int fd_ = -1;
  std::filesystem::path path_;
};

/// Makes renames in `folder` durable. Throws SyncFailed.
void sync_folder(const std::filesystem::path& folder);
/// Makes everything durable that was written to the file system of an open folder since the last
/// time. Throws SyncFailed, for whatever could not be written since the folder was opened.
void sync_file_system(const File& folder);
DiskResult<File> open_folder(const std::filesystem::path& folder);
DiskResult<void> rename_file(const std::filesystem::path& from, const std::filesystem::path& to);
/// What the file system that `folder` is on has left for us.
Bytes free_space(const std::filesystem::path& folder);

}  // namespace evenkeel::agent
