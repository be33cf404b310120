#include "tests/faults/fault_vfs.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <new>

#include <sqlite3.h>
#include <unistd.h>

#include "common/base/check.h"

namespace evenkeel::faults {
namespace {

constexpr std::size_t kSector = 512;

bool halve_reads = false;  // of the system, below the unix VFS

sqlite3_vfs* unix_vfs = nullptr;
sqlite3_mem_methods plain_memory;
FaultVfs* the_one = nullptr;

using Cut = FaultVfs::Cut;

/// What SQLite holds of an open file: the real one lies behind it.
struct File {
  sqlite3_file base;
  FaultVfs::Inode* inode;  // none: not watched
  std::string* path;
  std::shared_ptr<FaultVfs::Inode>* owner;
  bool syncs_folder;  // with its first sync, as the unix VFS does it for logs and journals

  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};
File& of(sqlite3_file* file) {
  return *reinterpret_cast<File*>(file);
}
const sqlite3_io_methods& real_of(sqlite3_file* file) {
  return *of(file).real()->pMethods;
}

/// True if this call of a watched file is to fail.
bool fails(sqlite3_file* file, Kind kind) {
  const File& f = of(file);
  return f.inode && (f.inode->dead || the_one->judge(kind).fails);
}

int on_close(sqlite3_file* file) {
  File& f = of(file);
  const int rc = real_of(file).xClose(f.real());
  delete f.path;
  delete f.owner;
  return rc;
}

int on_read(sqlite3_file* file, void* to, int amount, sqlite3_int64 offset) {
  File& f = of(file);
  if (fails(file, Kind::kRead)) return SQLITE_IOERR_READ;
  halve_reads = fails(file, Kind::kShortRead);
  const int rc = real_of(file).xRead(f.real(), to, amount, offset);
  halve_reads = false;
  return rc;
}

int on_write(sqlite3_file* file, const void* from, int amount, sqlite3_int64 offset) {
  File& f = of(file);
  if (!f.inode) return real_of(file).xWrite(f.real(), from, amount, offset);
  if (fails(file, Kind::kWrite)) return SQLITE_IOERR_WRITE;
  const bool full = fails(file, Kind::kFull);
  if (full) amount /= 2;
  const Cut cut = the_one->change(*f.path);
  if (cut == Cut::kKilled) return SQLITE_IOERR_WRITE;
  const auto* bytes = static_cast<const std::uint8_t*>(from);
  f.inode->unsynced.push_back(
      {static_cast<std::uint64_t>(offset), std::vector<std::uint8_t>(bytes, bytes + amount)});
  if (cut == Cut::kPower) return SQLITE_IOERR_WRITE;
  const int rc = amount == 0 ? SQLITE_OK : real_of(file).xWrite(f.real(), from, amount, offset);
  return full ? SQLITE_FULL : rc;
}

int on_truncate(sqlite3_file* file, sqlite3_int64 size) {
  File& f = of(file);
  if (!f.inode) return real_of(file).xTruncate(f.real(), size);
  if (fails(file, Kind::kTruncate)) return SQLITE_IOERR_TRUNCATE;
  const Cut cut = the_one->change(*f.path);
  if (cut == Cut::kKilled) return SQLITE_IOERR_TRUNCATE;
  f.inode->unsynced.push_back({static_cast<std::uint64_t>(size), {}, true});
  if (cut == Cut::kPower) return SQLITE_IOERR_TRUNCATE;
  return real_of(file).xTruncate(f.real(), size);
}

int on_sync(sqlite3_file* file, int flags) {
  File& f = of(file);
  if (!f.inode) return real_of(file).xSync(f.real(), flags);
  if (f.inode->dead) return SQLITE_IOERR_FSYNC;
  const auto verdict = the_one->judge(Kind::kSync);
  if (verdict.fails) {
    // Linux marks the pages clean that it could not write: a later sync says that all is well.
    if (!verdict.dead) the_one->sync_failed(*f.inode);
    return SQLITE_IOERR_FSYNC;
  }
  if (the_one->change(*f.path, true) != Cut::kNone) return SQLITE_IOERR_FSYNC;
  the_one->sync(*f.inode);
  if (f.syncs_folder) the_one->sync_folder();
  f.syncs_folder = false;
  return SQLITE_OK;  // the real disk is of no interest
}

int on_size(sqlite3_file* file, sqlite3_int64* size) {
  if (fails(file, Kind::kRead)) return SQLITE_IOERR_FSTAT;
  return real_of(file).xFileSize(of(file).real(), size);
}

int on_lock(sqlite3_file* file, int level) {
  if (fails(file, Kind::kLock)) return SQLITE_IOERR_LOCK;
  if (fails(file, Kind::kBusy)) return SQLITE_BUSY;
  return real_of(file).xLock(of(file).real(), level);
}

int on_unlock(sqlite3_file* file, int level) {
  return real_of(file).xUnlock(of(file).real(), level);
}

int on_reserved(sqlite3_file* file, int* reserved) {
  if (fails(file, Kind::kLock)) return SQLITE_IOERR_CHECKRESERVEDLOCK;
  return real_of(file).xCheckReservedLock(of(file).real(), reserved);
}

int on_control(sqlite3_file* file, int op, void* argument) {
  return real_of(file).xFileControl(of(file).real(), op, argument);
}

int sector_size(sqlite3_file* file) {
  return real_of(file).xSectorSize(of(file).real());
}

int characteristics(sqlite3_file* file) {
  return real_of(file).xDeviceCharacteristics(of(file).real());
}

int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** at) {
  if (fails(file, Kind::kOpen)) return SQLITE_IOERR_SHMOPEN;
  return real_of(file).xShmMap(of(file).real(), page, size, extend, at);
}

int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  if (flags & SQLITE_SHM_LOCK) {
    if (fails(file, Kind::kLock)) return SQLITE_IOERR_SHMLOCK;
    if (fails(file, Kind::kBusy)) return SQLITE_BUSY;
  }
  return real_of(file).xShmLock(of(file).real(), offset, count, flags);
}

void shm_barrier(sqlite3_file* file) {
  real_of(file).xShmBarrier(of(file).real());
}

int shm_unmap(sqlite3_file* file, int remove) {
  return real_of(file).xShmUnmap(of(file).real(), remove);
}

const sqlite3_io_methods kMethods{2,           on_close,    on_read,         on_write,  on_truncate,
                                  on_sync,     on_size,     on_lock,         on_unlock, on_reserved,
                                  on_control,  sector_size, characteristics, shm_map,   shm_lock,
                                  shm_barrier, shm_unmap,   nullptr,         nullptr};

int on_open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
  File& f = of(file);
  f = File{};
  const bool watched = name && the_one->watches(name);
  if (watched && the_one->is_cut_off(name)) return SQLITE_CANTOPEN;
  if (watched && the_one->judge(Kind::kOpen).fails) return SQLITE_CANTOPEN;
  int exists = 0;
  if (watched) unix_vfs->xAccess(unix_vfs, name, SQLITE_ACCESS_EXISTS, &exists);
  const bool makes = watched && !exists && (flags & SQLITE_OPEN_CREATE);
  if (makes && the_one->change(name) != Cut::kNone) return SQLITE_CANTOPEN;
  const int rc = unix_vfs->xOpen(unix_vfs, name, f.real(), flags, out);
  if (rc != SQLITE_OK) return rc;
  f.base.pMethods = &kMethods;
  if (!watched) return rc;
  f.path = new std::string(name);
  f.owner = new std::shared_ptr<FaultVfs::Inode>(the_one->opened(*f.path, !exists));
  f.inode = f.owner->get();
  f.syncs_folder =
      (flags & SQLITE_OPEN_CREATE) && (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL));
  return rc;
}

int on_delete(sqlite3_vfs*, const char* name, int sync_folder) {
  if (!the_one->watches(name)) return unix_vfs->xDelete(unix_vfs, name, sync_folder);
  if (the_one->is_cut_off(name) || the_one->judge(Kind::kDelete).fails) return SQLITE_IOERR_DELETE;
  if (the_one->change(name) != Cut::kNone) return SQLITE_IOERR_DELETE;
  const int rc = unix_vfs->xDelete(unix_vfs, name, sync_folder);
  if (rc == SQLITE_OK) the_one->removed(name, sync_folder != 0);
  return rc;
}

int on_access(sqlite3_vfs*, const char* name, int flags, int* out) {
  if (the_one->watches(name) && the_one->judge(Kind::kRead).fails) return SQLITE_IOERR_ACCESS;
  return unix_vfs->xAccess(unix_vfs, name, flags, out);
}

int no_sleep(sqlite3_vfs*, int microseconds) {
  return microseconds;  // who waits for a lock that is held for good would take its whole patience
}

ssize_t some_of(int file, void* to, std::size_t amount, off_t offset) {
  return pread(file, to, halve_reads ? (amount + 1) / 2 : amount, offset);
}

void* on_malloc(int bytes) {
  return the_one->judge(Kind::kMemory).fails ? nullptr : plain_memory.xMalloc(bytes);
}
void* on_realloc(void* old, int bytes) {
  return the_one->judge(Kind::kMemory).fails ? nullptr : plain_memory.xRealloc(old, bytes);
}

sqlite3_vfs vfs;

std::vector<std::uint8_t> contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) return {};
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(in.tellg()));
  in.seekg(0);
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  EK_CHECK(in.good());
  return bytes;
}

void write_whole(const std::string& path, const std::vector<std::uint8_t>& bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  EK_CHECK(out.good());
}

void put(std::vector<std::uint8_t>& image, std::uint64_t offset, const std::uint8_t* bytes,
         std::size_t count) {
  if (image.size() < offset + count) image.resize(offset + count);
  std::copy(bytes, bytes + count, image.begin() + static_cast<std::ptrdiff_t>(offset));
}

void put_sectors(std::vector<std::uint8_t>& image, const FaultVfs::Write& write, Rng& rng) {
  for (std::size_t at = 0; at < write.bytes.size();) {
    const std::size_t to_border = kSector - (write.offset + at) % kSector;
    const std::size_t count = std::min(to_border, write.bytes.size() - at);
    if (rng.chance(1, 2)) put(image, write.offset + at, write.bytes.data() + at, count);
    at += count;
  }
}

}  // namespace

const char* to_text(Kind kind) {
  constexpr const char* kNames[] = {"IOERR_READ",  "SHORT_READ",     "IOERR_WRITE",  "FULL",
                                    "IOERR_FSYNC", "IOERR_TRUNCATE", "IOERR_DELETE", "CANTOPEN",
                                    "IOERR_LOCK",  "BUSY",           "NOMEM"};
  return kNames[static_cast<std::size_t>(kind)];
}

const char* to_text(Unsynced unsynced) {
  constexpr const char* kNames[] = {"lost", "torn", "some", "kept"};
  return kNames[static_cast<std::size_t>(unsynced)];
}

FaultVfs& FaultVfs::install() {
  static FaultVfs one;
  if (the_one) return one;
  the_one = &one;
  EK_CHECK(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain_memory) == SQLITE_OK);
  if (!plain_memory.xMalloc) {  // SQLite has not chosen its own yet
    EK_CHECK(sqlite3_initialize() == SQLITE_OK && sqlite3_shutdown() == SQLITE_OK);
    EK_CHECK(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain_memory) == SQLITE_OK);
  }
  sqlite3_mem_methods memory = plain_memory;
  memory.xMalloc = on_malloc;
  memory.xRealloc = on_realloc;
  EK_CHECK(sqlite3_config(SQLITE_CONFIG_MALLOC, &memory) == SQLITE_OK);
  unix_vfs = sqlite3_vfs_find("unix");
  EK_CHECK(unix_vfs != nullptr);
  for (const char* name : {"pread", "pread64"}) {
    unix_vfs->xSetSystemCall(unix_vfs, name, reinterpret_cast<sqlite3_syscall_ptr>(some_of));
  }
  vfs = *unix_vfs;
  vfs.szOsFile = static_cast<int>(sizeof(File)) + unix_vfs->szOsFile;
  vfs.zName = "fault";
  vfs.pNext = nullptr;
  vfs.xOpen = on_open;
  vfs.xDelete = on_delete;
  vfs.xAccess = on_access;
  vfs.xSleep = no_sleep;
  EK_CHECK(sqlite3_vfs_register(&vfs, 1) == SQLITE_OK);
  return one;
}

void FaultVfs::watch(const std::filesystem::path& folder) {
  folder_ = folder.string() + "/";
  there_.clear();
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string path = entry.path().string();
    if (!entry.is_regular_file() || path.ends_with("-shm")) continue;
    there_[path] = std::make_shared<Inode>(Inode{contents(path), {}});
  }
  synced_ = there_;
  calls_ = {};
  changes_ = syncs_ = failed_ = 0;
  fail_.reset();
  cut_off_.clear();
  power_goes_at_.reset();
  power_lost_ = ignore_syncs_ = dead_ = dies_of_sync_ = power_goes_at_sync_ = false;
}

void FaultVfs::fail(Kind kind, std::uint64_t nth, bool for_good) {
  fail_ = Fail{kind, nth, for_good};
}

FaultVfs::Verdict FaultVfs::judge(Kind kind) {
  if (quiet_ > 0) return {};
  if (power_lost_ || dead_) return {kind != Kind::kMemory, true};
  const std::uint64_t n = ++calls_[static_cast<std::size_t>(kind)];
  if (!fail_ || fail_->kind != kind) return {};
  if (n != fail_->nth && !(fail_->for_good && n > fail_->nth)) return {};
  ++failed_;
  return {true, false};
}

Cut FaultVfs::change(const std::string& path, bool is_sync) {
  if (quiet_ > 0) return Cut::kNone;
  ++changes_;
  if (power_goes_at_ && changes_ == *power_goes_at_) power_lost_ = true;
  if (power_goes_at_sync_ && is_sync) power_lost_ = true;
  if (power_lost_ || dead_) return Cut::kPower;
  const Cut cut = on_change ? on_change(path, is_sync) : Cut::kNone;
  if (cut != Cut::kNone) cut_off(std::filesystem::path(path).parent_path());
  return cut;
}

void FaultVfs::cut_off(const std::filesystem::path& folder) {
  const std::string below = folder.string() + "/";
  cut_off_.insert(below);
  for (const auto& names : {there_, synced_}) {
    for (auto at = names.lower_bound(below); at != names.end() && at->first.starts_with(below);
         ++at) {
      at->second->dead = true;
    }
  }
}

bool FaultVfs::is_cut_off(const std::string& path) const {
  return std::any_of(cut_off_.begin(), cut_off_.end(),
                     [&](const std::string& below) { return path.starts_with(below); });
}

void FaultVfs::bring_back(const std::filesystem::path& folder, Unsynced unsynced, Rng& rng) {
  const std::string below = folder.string() + "/";
  cut_off_.erase(below);
  // What a program has written is there for the next one, synced or not.
  if (unsynced != Unsynced::kKept) leave_what_is_left(below, unsynced, rng);
  for (const auto& names : {there_, synced_}) {
    for (auto at = names.lower_bound(below); at != names.end() && at->first.starts_with(below);
         ++at) {
      at->second->dead = false;
    }
  }
}

void FaultVfs::take_for_synced(const std::filesystem::path& file) {
  there_[file.string()] = synced_[file.string()] =
      std::make_shared<Inode>(Inode{contents(file.string()), {}});
}

void FaultVfs::forget(const std::filesystem::path& file) {
  there_.erase(file.string());
  synced_.erase(file.string());
}

bool FaultVfs::watches(const char* path) const {
  return quiet_ == 0 && !folder_.empty() &&
         std::strncmp(path, folder_.c_str(), folder_.size()) == 0;
}

std::shared_ptr<FaultVfs::Inode> FaultVfs::opened(const std::string& path, bool is_new) {
  std::shared_ptr<Inode>& inode = there_[path];
  // One that is there and not known was made by other means than SQLite; nobody has synced it.
  if (!inode || is_new) inode = std::make_shared<Inode>();
  return inode;
}

void FaultVfs::sync(Inode& inode) {
  ++syncs_;
  if (ignore_syncs_) return;
  for (const Write& write : inode.unsynced) {
    if (write.truncates) {
      inode.synced.resize(write.offset);
    } else {
      put(inode.synced, write.offset, write.bytes.data(), write.bytes.size());
    }
  }
  inode.unsynced.clear();
}

/// Programs go on reading what the cache has; only the disk never gets it.
void FaultVfs::sync_failed(Inode& inode) {
  inode.unsynced.clear();
  if (dies_of_sync_) dead_ = true;
}

void FaultVfs::sync_folder() {
  if (!ignore_syncs_) synced_ = there_;
}

void FaultVfs::removed(const std::string& path, bool folder_synced) {
  there_.erase(path);
  if (folder_synced) sync_folder();
}

std::vector<std::uint8_t> FaultVfs::survivors(const Inode& inode, Unsynced unsynced, Rng& rng) {
  std::vector<std::uint8_t> image = inode.synced;
  if (unsynced == Unsynced::kLost) return image;
  for (const Write& write : inode.unsynced) {
    if (write.truncates) {
      if (unsynced == Unsynced::kKept || rng.chance(1, 2)) image.resize(write.offset);
    } else if (unsynced == Unsynced::kTorn) {
      put_sectors(image, write, rng);
    } else if (unsynced == Unsynced::kKept || rng.chance(1, 2)) {
      put(image, write.offset, write.bytes.data(), write.bytes.size());
    }
  }
  return image;
}

void FaultVfs::heal(Unsynced unsynced, Rng& rng) {
  fail_.reset();
  power_goes_at_.reset();
  power_goes_at_sync_ = false;
  if (!power_lost_) return;
  power_lost_ = false;
  leave_what_is_left("", unsynced, rng);
}

/// Of all files whose names begin with `below`.
void FaultVfs::leave_what_is_left(const std::string& below, Unsynced unsynced, Rng& rng) {
  std::map<std::string, std::shared_ptr<Inode>> names = synced_;
  names.insert(there_.begin(), there_.end());
  for (const auto& [path, any] : names) {
    if (!path.starts_with(below)) continue;
    const auto seen = there_.find(path), durable = synced_.find(path);
    const bool as_seen =
        unsynced == Unsynced::kKept || (unsynced != Unsynced::kLost && rng.chance(1, 2));
    const auto& which = as_seen ? seen : durable;
    std::filesystem::remove(path + "-shm");
    if (which == (as_seen ? there_.end() : synced_.end())) {
      std::filesystem::remove(path);
      there_.erase(path);
      synced_.erase(path);
      continue;
    }
    auto inode = std::make_shared<Inode>(Inode{survivors(*which->second, unsynced, rng), {}});
    write_whole(path, inode->synced);
    there_[path] = synced_[path] = std::move(inode);
  }
}

}  // namespace evenkeel::faults
