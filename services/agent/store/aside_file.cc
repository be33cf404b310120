#include "services/agent/store/aside_file.h"

#include "common/base/buffer.h"

namespace evenkeel::agent {
namespace {

constexpr Bytes kLarge{1ULL << 20};
constexpr std::uint64_t kPage = 4096;  // what direct writes are aligned to, in memory and on disk

bool aligned(std::uint64_t offset, const std::uint8_t* bytes) {
  return offset % kPage == 0 && reinterpret_cast<std::uintptr_t>(bytes) % kPage == 0;
}

}  // namespace

DiskResult<AsideFile> AsideFile::create(const std::filesystem::path& path, Bytes size) {
  auto file = File::create(path);
  if (!file) return tl::unexpected(file.error());
  if (size <= kLarge) return AsideFile(std::move(*file), std::nullopt);
  return with_space(std::move(*file), size);
}

DiskResult<AsideFile> AsideFile::reopen(const std::filesystem::path& path, Bytes size) {
  auto file = File::open_to_go_on(path);
  if (!file) return create(path, size);
  return with_space(std::move(*file), size);
}

DiskResult<AsideFile> AsideFile::with_space(File file, Bytes size) {
  const std::filesystem::path path = file.path();
  if (auto reserved = file.reserve(size); !reserved) {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    return tl::unexpected(reserved.error());
  }
  auto direct = File::open_direct(path);
  if (!direct) return AsideFile(std::move(file), std::nullopt);
  return AsideFile(std::move(file), std::move(*direct));
}

std::vector<std::uint64_t> AsideFile::matching(const Manifest& manifest) const {
  // After a sync that failed the cache may hold what the disk does not, and no later sync writes
  // it. What is dropped here is clean: it is then read from the disk, or it is not there.
  file_.drop_cache();
  std::vector<std::uint64_t> blocks;
  Buffer buffer(kBlockBytes);
  for (std::uint64_t block = 0; block < manifest.blocks.size(); ++block) {
    const std::span<std::uint8_t> bytes(buffer.data(), block_size(manifest.size_bytes, block));
    if (!file_.read(block * kBlockBytes, bytes)) continue;  // it is shorter, or cannot be read
    if (block_checksum(bytes) == manifest.blocks[block]) blocks.push_back(block);
  }
  return blocks;
}

DiskResult<void> AsideFile::write(std::uint64_t offset, std::span<const std::uint8_t> bytes) const {
  if (!direct_ || !aligned(offset, bytes.data())) return file_.write(offset, bytes);
  const std::size_t whole = bytes.size() / kPage * kPage;
  // What cannot be written this way is written the other way, which then says what is wrong.
  const bool written = direct_->write(offset, bytes.first(whole)).has_value();
  return file_.write(written ? offset + whole : offset, written ? bytes.subspan(whole) : bytes);
}

}  // namespace evenkeel::agent
