#include "services/agent/store/chunk_files.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "common/base/mutant.h"
#include "services/agent/store/manifest_file.h"

namespace evenkeel::agent {
namespace fs = std::filesystem;
namespace {

DataDir held(const fs::path& path) {
  auto data_dir = DataDir::hold(path, "evenkeel-agent");
  if (!data_dir) throw std::runtime_error(data_dir.error().what);
  return std::move(*data_dir);
}

File opened(const fs::path& path) {
  auto folder = open_folder(path);
  if (!folder) throw std::runtime_error(folder.error().what);
  return std::move(*folder);
}

constexpr std::uint64_t kBlocksMax = 65'536;
// A sync of the whole file system also waits for what others have written to it; one file by itself
// costs a commit of the file system's journal. Measured on ext4: 64 files of 64 KiB one by one take
// about 20 times as long as together.
constexpr std::size_t kFewFiles = 4;
constexpr Bytes kWorthKeeping{1ULL << 20};  // a smaller copy begins anew as quickly

Bytes size_of(const fs::directory_entry& entry) {
  std::error_code error;
  const auto size = entry.file_size(error);
  return Bytes(error ? 0 : size);  // it went while we looked
}

std::optional<Timestamp> ending_time(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos) return std::nullopt;
  std::int64_t ms = 0;
  const char* end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(name.data() + dot + 1, end, ms);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return Timestamp(Duration(ms));
}

}  // namespace

ChunkFiles::ChunkFiles(fs::path data_dir)
    : dir_(std::move(data_dir)), held_(held(dir_)), whole_(opened(dir_)) {
  for (const char* folder : {"live", "tmp", "trash", "quarantine"}) {
    fs::create_directories(dir_ / folder);
  }
  // An earlier run may have ended between a rename and its sync, or by one that failed. What is
  // found here is told to others, and must then outlive a loss of power.
  if (EK_MUTANT(no_sync_at_start)) return;
  sync_live();
  sync_trash();
  sync_quarantine();
}

std::set<fs::path> ChunkFiles::empty_tmp() const {
  std::set<fs::path> left;
  for (const auto& entry : fs::directory_iterator(dir_ / "tmp")) {
    const std::string name = entry.path().filename().string();
    const bool copy = parse_name(name.substr(0, name.rfind('.'))).has_value();
    if (copy && entry.is_regular_file() && size_of(entry) > kWorthKeeping) {
      left.insert(entry.path());
    } else {
      drop_aside(entry.path());
    }
  }
  return left;
}

Census ChunkFiles::census() const {
  Census census;
  for (const auto& entry : fs::directory_iterator(dir_ / "live")) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(kManifestEnding)) continue;
    const auto parsed = entry.is_regular_file() ? parse_name(name) : std::nullopt;
    // One with more blocks than a message may tell of cannot be served, copied or reported.
    const bool servable = parsed && block_count(size_of(entry).count()) <= kBlocksMax;
    if (!servable) {
      census.strange.push_back(name);
    } else if (parsed->checksum) {
      census.replicas.push_back({parsed->key, *parsed->checksum, size_of(entry)});
    } else {
      census.adoptable.push_back({parsed->key, size_of(entry)});
    }
  }
  std::sort(census.replicas.begin(), census.replicas.end(), [](const auto& a, const auto& b) {
    return std::tie(a.key, a.checksum) < std::tie(b.key, b.checksum);
  });
  return census;
}

std::vector<TrashFile> ChunkFiles::trash() const {
  std::vector<TrashFile> files;
  for (const auto& entry : fs::directory_iterator(dir_ / "trash")) {
    const std::string name = entry.path().filename().string();
    const auto when = ending_time(name);
    if (when && entry.is_regular_file()) files.push_back({name, *when, size_of(entry)});
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) {
    return std::tie(a.deleted, a.name) < std::tie(b.deleted, b.name);
  });
  return files;
}

Bytes ChunkFiles::quarantined() const {
  Bytes sum;
  for (const auto& entry : fs::directory_iterator(dir_ / "quarantine")) sum += size_of(entry);
  return sum;
}

fs::path ChunkFiles::live(const ChunkContent& content) const {
  return dir_ / "live" / file_name(content);
}

fs::path ChunkFiles::bare(const ReplicaKey& key) const {
  const std::string name = file_name(key, Checksum({}));
  return dir_ / "live" / name.substr(0, name.rfind('.'));
}

bool ChunkFiles::exists(const ChunkContent& content) const {
  std::error_code ignored;
  return fs::exists(live(content), ignored);
}

fs::path ChunkFiles::live_manifest(const ChunkContent& content) const {
  return manifest_of(live(content));
}

fs::path ChunkFiles::aside(const ChunkContent& content, std::uint64_t attempt) const {
  return dir_ / "tmp" / (file_name(content) + "." + std::to_string(attempt));
}

fs::path ChunkFiles::manifest_of(const fs::path& file) {
  return file.string() + std::string(kManifestEnding);
}

DiskResult<void> ChunkFiles::write_manifest(const fs::path& aside, const Manifest& manifest) const {
  if (manifest.blocks.size() < 2) return {};
  auto file = File::create(manifest_of(aside));
  if (!file) return tl::unexpected(file.error());
  return file->write(0, manifest_bytes(manifest));
}

void ChunkFiles::sync_asides(const std::vector<fs::path>& asides) const {
  if (EK_MUTANT(no_sync_of_files)) return;
  if (asides.size() > kFewFiles) return sync_file_system(whole_);
  for (const fs::path& aside : asides) {
    for (const fs::path& path : {aside, manifest_of(aside)}) {
      const auto file = File::open(path);
      if (file) file->sync();
      if (!file && (path == aside || file.error().kind != DiskFault::Kind::kMissing)) {
        return sync_file_system(whole_);
      }
    }
  }
}

DiskResult<void> ChunkFiles::mend_manifest(const ChunkContent& content,
                                           const Manifest& manifest) const {
  const fs::path aside = dir_ / "tmp" / (file_name(content) + ".mend");
  if (auto written = write_manifest(aside, manifest); !written) return written;
  if (const auto file = File::open(manifest_of(aside))) file->sync();
  if (auto moved = rename_file(manifest_of(aside), live_manifest(content)); !moved) return moved;
  sync_live();
  return {};
}

DiskResult<void> ChunkFiles::place(const fs::path& aside, const ChunkContent& content) const {
  if (block_count(content.size.count()) > 1) {
    if (auto moved = rename_file(manifest_of(aside), live_manifest(content)); !moved) return moved;
  }
  return rename_file(aside, live(content));
}

void ChunkFiles::drop_aside(const fs::path& aside) const {
  // Never a replica: the path is in tmp/, where nothing has been told of to anyone.
  EK_CHECK(aside.parent_path() == dir_ / "tmp");
  std::error_code ignored;
  fs::remove(aside, ignored);
  fs::remove(manifest_of(aside), ignored);
}

DiskResult<void> ChunkFiles::move_to_trash(const ChunkContent& content, Timestamp when) const {
  return move_away(content, "trash", when);
}

DiskResult<void> ChunkFiles::move_to_quarantine(const ChunkContent& content, Timestamp when) const {
  return move_away(content, "quarantine", when);
}

DiskResult<void> ChunkFiles::move_away(const ChunkContent& content, const char* folder,
                                       Timestamp when) const {
  const std::string ending = "." + std::to_string(when.time_since_epoch().count());
  const fs::path from = live(content), to = dir_ / folder / from.filename();
  // Its manifest first: a replica without one is whole all the same, and what fails here has then
  // left it where it was. The other way round it would be gone, and said to be there.
  if (EK_MUTANT(manifest_moved_last)) {
    if (auto moved = rename_file(from, to.string() + ending); !moved) return moved;
  }
  const auto manifest = rename_file(manifest_of(from), manifest_of(to).string() + ending);
  if (!manifest && manifest.error().kind != DiskFault::Kind::kMissing) return manifest;
  if (EK_MUTANT(manifest_moved_last)) return {};
  return rename_file(from, to.string() + ending);
}

DiskResult<void> ChunkFiles::adopt(const ChunkContent& content, const Manifest& manifest) const {
  if (manifest.blocks.size() > 1) {
    if (auto mended = mend_manifest(content, manifest); !mended) return mended;
  }
  if (auto moved = rename_file(bare(key_of(content)), live(content)); !moved) return moved;
  sync_live();
  return {};
}

void ChunkFiles::remove_for_ever(const TrashFile& file) const {
  const fs::path path = dir_ / "trash" / file.name;
  ::unlink(path.c_str());  // a failure leaves it for the next time
}

}  // namespace evenkeel::agent
