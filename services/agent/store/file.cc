#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/agent/store/disk.h"

// What files are apart from what a disk may do to them, which is in disk.cc.
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

DiskResult<void> File::write_all(std::uint64_t offset, std::span<const std::uint8_t> bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return disk_fault(path_, "write");
    offset += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

DiskResult<void> File::read_all(std::uint64_t offset, std::span<std::uint8_t> into) const {
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

void File::drop_cache() const {
  ::posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED);
}

DiskResult<File> open_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return disk_fault(folder, "open");
  return File(fd, folder);
}

}  // namespace evenkeel::agent
