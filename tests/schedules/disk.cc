// Stands in for services/agent/store/disk.cc where programs run in a simulated world: the same
// files below, and faults between.
#include "services/agent/store/disk.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/schedules/disks.h"
#include "tests/schedules/world.h"

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

using schedules::Disks;
using schedules::World;

/// What stands between a call and the disk. Throws if its program is cut off here.
Disks::Faults& before(const std::filesystem::path& path, const char* what) {
  World::here().act(what);
  return Disks::here()->of(Disks::here()->machine_of(path));
}

bool strikes(std::uint64_t per_1000, const char* fault) {
  if (per_1000 == 0 || !World::here().rng().chance(per_1000, 1000)) return false;
  World::here().fire(fault);
  return true;
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
  const Disks::Faults& faults = before(path_, "write");
  if (faults.full) {
    World::here().fire("disk full");
    const ssize_t half = ::pwrite(fd_, bytes.data(), bytes.size() / 2, static_cast<off_t>(offset));
    errno = half < 0 ? errno : ENOSPC;
    return disk_fault(path_, "write");
  }
  if (faults.unplugged || strikes(faults.bad_writes, "write failed")) {
    errno = EIO;
    return disk_fault(path_, "write");
  }
  Disks::here()->wrote(path_);
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
  if (strikes(Disks::here()->of(Disks::here()->machine_of(path_)).bad_reads, "read failed")) {
    errno = EIO;
    return disk_fault(path_, "read");
  }
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

DiskResult<void> File::reserve(Bytes) const {
  return {};
}

void File::sync() const {
  const Disks::Faults& faults = before(path_, "sync");
  if (strikes(faults.failed_syncs, "sync failed")) throw SyncFailed(path_, EIO);
  if (!faults.unplugged) Disks::here()->synced(path_);
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
  const Disks::Faults& faults = before(folder, "sync");
  if (strikes(faults.failed_syncs, "sync failed")) throw SyncFailed(folder, EIO);
  if (!faults.unplugged) Disks::here()->synced_folder(folder);
}

void sync_file_system(const File& folder) {
  const Disks::Faults& faults = before(folder.path(), "sync");
  if (strikes(faults.failed_syncs, "sync failed")) throw SyncFailed(folder.path(), EIO);
  if (!faults.unplugged) Disks::here()->synced_all(folder.path());
}

DiskResult<void> rename_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  const Disks::Faults& faults = before(from, "rename");
  if (faults.unplugged || strikes(faults.bad_writes, "rename failed")) {
    errno = EIO;
    return disk_fault(from, "rename");
  }
  if (::rename(from.c_str(), to.c_str()) != 0) return disk_fault(from, "rename");
  Disks::here()->renamed(from, to);
  return {};
}

Bytes free_space(const std::filesystem::path& folder) {
  constexpr Bytes kPlenty{1ULL << 30};
  return Disks::here()->of(Disks::here()->machine_of(folder)).full ? Bytes() : kPlenty;
}

}  // namespace evenkeel::agent
