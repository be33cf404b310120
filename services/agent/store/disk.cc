#include "services/agent/store/disk.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace evenkeel::agent {
namespace {

DiskFault::Kind kind_of(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return DiskFault::Kind::kNoSpace;
    case ENOENT:
      return DiskFault::Kind::kMissing;
    default:
      return DiskFault::Kind::kIo;
  }
}

std::string text(const std::filesystem::path& file, std::string_view doing, int error) {
  return std::string(doing) + " " + file.filename().string() + ": " + std::strerror(error);
}

}  // namespace

tl::unexpected<DiskFault> disk_fault(const std::filesystem::path& file, std::string_view doing) {
  const int error = errno;
  return tl::unexpected(DiskFault{kind_of(error), text(file, doing, error)});
}

SyncFailed::SyncFailed(const std::filesystem::path& file, int error)
    : std::runtime_error("cannot sync " + file.string() + ": " + std::strerror(error) +
                         "; what this disk holds is uncertain") {}

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}
File::File(File&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
File& File::operator=(File&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  return *this;
}

DiskResult<File> File::open(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return disk_fault(path, "open");
  return File(fd, path);
}

DiskResult<File> File::create(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd < 0) return disk_fault(path, "make");
  return File(fd, path);
}

DiskResult<File> File::open_to_go_on(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return disk_fault(path, "open");
  return File(fd, path);
}

DiskResult<File> File::open_direct(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_DIRECT);
  if (fd < 0) return disk_fault(path, "open");
  return File(fd, path);
}

DiskResult<void> File::write(std::uint64_t offset, std::span<const std::uint8_t> bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return disk_fault(path_, "write");
    offset += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

DiskResult<void> File::read(std::uint64_t offset, std::span<std::uint8_t> into) const {
  while (!into.empty()) {
    const ssize_t count = ::pread(fd_, into.data(), into.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return disk_fault(path_, "read");
    if (count == 0) {
      return tl::unexpected(
          DiskFault{DiskFault::Kind::kShort, path_.filename().string() + " is short"});
    }
    offset += static_cast<std::uint64_t>(count);
    into = into.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

DiskResult<Bytes> File::size() const {
  struct stat status {};
  if (::fstat(fd_, &status) != 0) return disk_fault(path_, "look at");
  return Bytes(static_cast<std::uint64_t>(status.st_size));
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

void File::drop_cache() const {
  ::posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED);
}

DiskResult<File> open_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return disk_fault(folder, "open");
  return File(fd, folder);
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
