#include "services/agent/store/disk.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace evenkeel::agent {

DiskResult<void> File::write(std::uint64_t offset, std::span<const std::uint8_t> bytes) const {
  return write_all(offset, bytes);
}

DiskResult<void> File::read(std::uint64_t offset, std::span<std::uint8_t> into) const {
  return read_all(offset, into);
}

DiskResult<void> File::reserve(Bytes size) const {
  struct statfs status {};
  // There it would fill the memory with zeros, for nothing.
  if (::fstatfs(fd_, &status) == 0 && status.f_type == TMPFS_MAGIC) return {};
  if (size == Bytes() || ::fallocate(fd_, 0, 0, static_cast<off_t>(size.count())) == 0) return {};
  if (errno == EOPNOTSUPP || errno == ENOSYS) return {};  // then the writes will tell
  return disk_fault(path_, "reserve space for");
}

void File::sync() const {
  if (::fsync(fd_) != 0) throw SyncFailed(path_, errno);
}

void sync_folder(const std::filesystem::path& folder) {
  const auto owner = open_folder(folder);
  if (!owner) throw SyncFailed(folder, errno);
  owner->sync();
}

void sync_file_system(const File& folder) {
  if (::syncfs(folder.descriptor()) != 0) throw SyncFailed(folder.path(), errno);
}

DiskResult<void> rename_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return disk_fault(from, "rename");
  return {};
}

Bytes free_space(const std::filesystem::path& folder) {
  struct statvfs status {};
  if (::statvfs(folder.c_str(), &status) != 0) {
    throw std::runtime_error("cannot look at the file system of " + folder.string() + ": " +
                             std::strerror(errno));
  }
  return Bytes(std::uint64_t{status.f_bavail} * status.f_frsize);
}

}  // namespace evenkeel::agent
