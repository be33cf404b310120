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

}  // namespace

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
  return write_all(offset, bytes);
}

DiskResult<void> File::read(std::uint64_t offset, std::span<std::uint8_t> into) const {
  if (strikes(Disks::here()->of(Disks::here()->machine_of(path_)).bad_reads, "read failed")) {
    errno = EIO;
    return disk_fault(path_, "read");
  }
  return read_all(offset, into);
}

DiskResult<void> File::reserve(Bytes) const {
  return {};
}

void File::sync() const {
  const Disks::Faults& faults = before(path_, "sync");
  if (strikes(faults.failed_syncs, "sync failed")) throw SyncFailed(path_, EIO);
  if (!faults.unplugged) Disks::here()->synced(path_);
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
