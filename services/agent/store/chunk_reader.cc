#include "services/agent/store/chunk_reader.h"

#include <algorithm>

#include "common/base/mutant.h"
#include "services/agent/store/manifest_file.h"

namespace evenkeel::agent {
namespace {

constexpr std::uint64_t kBlocksAtOnce = 4;

tl::unexpected<DiskFault> fault(DiskFault::Kind kind, const ChunkContent& content,
                                const std::string& what) {
  return tl::unexpected(DiskFault{kind, file_name(content) + " " + what});
}

std::optional<Manifest> manifest_beside(const ChunkFiles& files, const ChunkContent& content) {
  const auto file = File::open(files.live_manifest(content));
  if (!file) return std::nullopt;
  const auto size = file->size();
  const std::uint64_t expected = 12 + 8 * block_count(content.size.count());
  if (!size || size->count() != expected) return std::nullopt;
  std::vector<std::uint8_t> bytes(expected);
  if (!file->read(0, bytes)) return std::nullopt;
  auto manifest = parse_manifest(bytes);
  const bool good = manifest && manifest_matches(*manifest, content.size.count(), content.checksum);
  return good ? manifest : std::nullopt;
}

DiskResult<Manifest> manifest_for(const ChunkFiles& files, const ChunkContent& content,
                                  const File& file) {
  const bool beside = block_count(content.size.count()) > 1;
  if (beside) {
    if (auto manifest = manifest_beside(files, content)) return std::move(*manifest);
  }
  auto made = read_manifest_from(file);
  if (!made) return made;
  if (chunk_checksum(*made) != content.checksum) {
    return fault(DiskFault::Kind::kCorrupt, content, "does not match its checksum");
  }
  // A full disk is no reason not to serve a chunk: its manifest will be made anew another time.
  if (beside) static_cast<void>(files.mend_manifest(content, *made));
  return made;
}

}  // namespace

DiskResult<Manifest> read_manifest_from(const File& file) {
  const auto size = file.size();
  if (!size) return tl::unexpected(size.error());
  ChunkHasher hasher;
  std::vector<std::uint8_t> buffer(std::min(size->count(), kBlocksAtOnce * kBlockBytes));
  for (std::uint64_t at = 0; at < size->count();) {
    const std::span<std::uint8_t> piece(buffer.data(),
                                        std::min<std::uint64_t>(buffer.size(), size->count() - at));
    if (auto read = file.read(at, piece); !read) return tl::unexpected(read.error());
    hasher.update(piece);
    at += piece.size();
  }
  return hasher.finish();
}

DiskResult<std::shared_ptr<const ChunkReader>> ChunkReader::open(const ChunkFiles& files,
                                                                 const ChunkContent& content) {
  auto file = open_unseen(files, content);
  if (!file) return tl::unexpected(file.error());
  auto manifest = manifest_for(files, content, *file);
  if (!manifest) return tl::unexpected(manifest.error());
  return std::shared_ptr<const ChunkReader>(
      new ChunkReader(std::move(*file), std::move(*manifest)));
}

DiskResult<Buffer> ChunkReader::read(std::uint64_t first_block, std::uint64_t count) const {
  EK_CHECK(count <= manifest_.blocks.size() && first_block <= manifest_.blocks.size() - count);
  const std::uint64_t begin = first_block * kBlockBytes;
  const std::uint64_t end = std::min(manifest_.size_bytes, begin + count * kBlockBytes);
  Buffer bytes(end - begin);
  if (auto read = file_.read(begin, bytes); !read) return tl::unexpected(read.error());
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::size_t at = i * kBlockBytes;
    const std::span<const std::uint8_t> block(
        bytes.data() + at, std::min<std::size_t>(kBlockBytes, bytes.size() - at));
    if (block_checksum(block) == manifest_.blocks[first_block + i]) continue;
    const std::string which = "block " + std::to_string(first_block + i);
    return tl::unexpected(
        DiskFault{DiskFault::Kind::kCorrupt, file_.path().filename().string() + " " + which});
  }
  return bytes;
}

DiskResult<File> open_unseen(const ChunkFiles& files, const ChunkContent& content) {
  auto file = File::open(files.live(content));
  if (!file) return file;
  const auto size = file->size();
  if (!size) return tl::unexpected(size.error());
  if (*size != content.size) return fault(DiskFault::Kind::kShort, content, "has another size");
  return file;
}

DiskResult<Buffer> read_unseen(const ChunkFiles& files, const ChunkContent& content,
                               std::size_t ahead) {
  const auto file = open_unseen(files, content);
  if (!file) return tl::unexpected(file.error());
  Buffer bytes(ahead + content.size.count());
  const auto read = file->read(0, std::span(bytes).subspan(ahead));
  if (!read) return tl::unexpected(read.error());
  return bytes;
}

DiskResult<WholeChunk> read_whole(const ChunkFiles& files, const ChunkContent& content,
                                  std::size_t ahead) {
  auto bytes = read_unseen(files, content, ahead);
  if (!bytes) return tl::unexpected(bytes.error());
  ChunkHasher hasher;
  hasher.update(std::span(*bytes).subspan(ahead));
  WholeChunk chunk{hasher.finish(), std::move(*bytes)};
  if (EK_MUTANT(copy_without_checksum)) return chunk;
  if (chunk_checksum(chunk.manifest) == content.checksum) return chunk;
  return fault(DiskFault::Kind::kCorrupt, content, "does not match its checksum");
}

DiskResult<void> check_presence(const ChunkFiles& files, const ChunkContent& content) {
  if (EK_MUTANT(verify_does_not_look)) return {};
  const auto reader = ChunkReader::open(files, content);
  if (!reader) return tl::unexpected(reader.error());
  return {};
}

DiskResult<void> check_content(const ChunkFiles& files, const ChunkContent& content) {
  const auto reader = ChunkReader::open(files, content);
  if (!reader) return tl::unexpected(reader.error());
  const std::uint64_t blocks = (*reader)->manifest().blocks.size();
  for (std::uint64_t at = 0; at < blocks; at += kBlocksAtOnce) {
    const auto bytes = (*reader)->read(at, std::min(kBlocksAtOnce, blocks - at));
    if (!bytes) return tl::unexpected(bytes.error());
  }
  return {};
}

ReplicaFinding finding_of(const DiskFault& fault) {
  switch (fault.kind) {
    case DiskFault::Kind::kCorrupt:
      return ReplicaFinding::kCorrupt;
    case DiskFault::Kind::kShort:
      return ReplicaFinding::kShort;
    case DiskFault::Kind::kMissing:
    case DiskFault::Kind::kNoSpace:
    case DiskFault::Kind::kIo:
      return ReplicaFinding::kUnreadable;
  }
  return ReplicaFinding::kUnreadable;
}

}  // namespace evenkeel::agent
