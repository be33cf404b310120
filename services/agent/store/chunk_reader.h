#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "common/base/buffer.h"
#include "services/agent/store/chunk_files.h"

namespace evenkeel::agent {

/// A replica that is open for reading. Blocking; for the thread pool. It stays readable when its
/// file is moved to the trash meanwhile.
class ChunkReader {
 public:
  /// Opens the file and its manifest. kMissing: not there. kShort: its size is not that of
  /// `content`. kCorrupt: neither the manifest nor the bytes add up to the checksum in its name.
  /// A manifest that is lost or damaged is made anew from bytes that are right.
  static DiskResult<std::shared_ptr<const ChunkReader>> open(const ChunkFiles& files,
                                                             const ChunkContent& content);

  const Manifest& manifest() const { return manifest_; }
  /// A run of whole blocks, each matched with the manifest; kCorrupt if one does not match.
  DiskResult<Buffer> read(std::uint64_t first_block, std::uint64_t count) const;
  void drop_cache() const { file_.drop_cache(); }
  int descriptor() const { return file_.descriptor(); }  ///< stays ours

 private:
  ChunkReader(File file, Manifest manifest)
      : file_(std::move(file)), manifest_(std::move(manifest)) {}
  File file_;
  Manifest manifest_;
};

/// A chunk and its manifest, read at once.
struct WholeChunk {
  Manifest manifest;
  Buffer bytes;  ///< with room for something else `ahead` of them
};
/// One pass over the file for both: faults as those of ChunkReader. For chunks that fit in memory.
DiskResult<WholeChunk> read_whole(const ChunkFiles& files, const ChunkContent& content,
                                  std::size_t ahead = 0);

/// A small chunk without a look at its bytes: for who looks at them himself. kShort: its size is
/// not that of `content`.
DiskResult<Buffer> read_unseen(const ChunkFiles& files, const ChunkContent& content,
                               std::size_t ahead = 0);
/// Its file, for the same purpose.
DiskResult<File> open_unseen(const ChunkFiles& files, const ChunkContent& content);

/// The bytes of a file summed up.
DiskResult<Manifest> read_manifest_from(const File& file);

/// File, size and manifest, without reading the content (of a chunk of several blocks).
DiskResult<void> check_presence(const ChunkFiles& files, const ChunkContent& content);
/// Every block read and matched.
DiskResult<void> check_content(const ChunkFiles& files, const ChunkContent& content);

/// What such a fault says of a replica.
ReplicaFinding finding_of(const DiskFault& fault);

}  // namespace evenkeel::agent
