#include <algorithm>
#include <bit>
#include <cstring>

#include "tools/plan/cluster_files.h"

namespace evenkeel::offline {
namespace {

static_assert(std::endian::native == std::endian::little, "chunks.bin is read as it lies");

constexpr char kMagic[] = "GCHUNK1";  // with its zero
constexpr std::size_t kWord = sizeof(std::uint32_t);

tl::unexpected<Error> malformed(const std::string& name, const std::string& what) {
  return fail(ErrorCode::kMalformed, name + ": " + what);
}

template <class T>
T at(std::span<const std::byte> bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

/// A block of chunks at a time: their sizes stand in one part of the file, their holders in
/// another.
class ChunkRows {
 public:
  ChunkRows(const std::string& name, const ChunksHeader& header, const ReadAt& read)
      : name_(name), header_(header), read_(read) {}

  Result<void> run(const TakeChunk& take) {
    for (std::uint64_t first = 0; first < header_.chunks; first += kBlock) {
      const std::uint64_t count = std::min(kBlock, header_.chunks - first);
      auto sound = fill(sizes_, sizes_at(first), count);
      if (sound) sound = fill(holders_, holders_at(first), count * header_.replicas);
      for (std::uint64_t i = 0; sound && i < count; ++i) sound = give(first + i, i, take);
      if (!sound) return sound;
    }
    return {};
  }

 private:
  static constexpr std::uint64_t kBlock = 1 << 15;

  std::uint64_t sizes_at(std::uint64_t chunk) const { return ChunksHeader::kBytes + chunk * kWord; }
  std::uint64_t holders_at(std::uint64_t chunk) const {
    return sizes_at(header_.chunks) + chunk * header_.replicas * kWord;
  }

  Result<void> fill(std::vector<std::uint32_t>& words, std::uint64_t offset, std::uint64_t count) {
    words.resize(count);
    if (read_(offset, std::as_writable_bytes(std::span(words)))) return {};
    return malformed(name_, std::to_string(count * kWord) + " bytes at offset " +
                                std::to_string(offset) + " cannot be read");
  }

  Result<void> give(std::uint64_t chunk, std::uint64_t place, const TakeChunk& take) {
    const auto holders = std::span<const std::uint32_t>(holders_).subspan(place * header_.replicas,
                                                                          header_.replicas);
    for (std::size_t i = 0; i < holders.size(); ++i) {
      if (holders[i] >= header_.servers) return fault(chunk, i, "there is no such server");
      if (std::find(holders.begin(), holders.begin() + static_cast<std::ptrdiff_t>(i),
                    holders[i]) != holders.begin() + static_cast<std::ptrdiff_t>(i)) {
        return fault(chunk, i, "it is there already");
      }
    }
    total_kib_ += sizes_[place] * std::uint64_t{header_.replicas};
    if (total_kib_ > kTotalKibMax) {
      return malformed(name_, "up to chunk " + std::to_string(chunk) +
                                  " its replicas come to more than 2^62 bytes");
    }
    take(Bytes(std::uint64_t{sizes_[place]} * 1024), holders);
    return {};
  }

  Result<void> fault(std::uint64_t chunk, std::size_t replica, const char* what) const {
    const std::uint64_t place = chunk % kBlock * header_.replicas + replica;
    return malformed(name_, "chunk " + std::to_string(chunk) + " is on server " +
                                std::to_string(holders_[place]) + " (offset " +
                                std::to_string(holders_at(chunk) + replica * kWord) + "): " + what);
  }

  const std::string& name_;
  const ChunksHeader& header_;
  const ReadAt& read_;
  std::vector<std::uint32_t> sizes_, holders_;
  std::uint64_t total_kib_ = 0;
};

}  // namespace

Result<ChunksHeader> parse_header(const std::string& name, std::span<const std::byte> bytes,
                                  std::uint64_t file_bytes, std::size_t servers) {
  if (bytes.size() < ChunksHeader::kBytes) return malformed(name, "too short for its header");
  if (std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0) {
    return malformed(name, "does not begin with GCHUNK1 and a zero");
  }
  const ChunksHeader header{at<std::uint64_t>(bytes, 8), at<std::uint32_t>(bytes, 16),
                            at<std::uint32_t>(bytes, 20)};
  const auto wrong = [&](std::uint64_t here, const std::string& what) {
    return malformed(name, "its header says " + std::to_string(here) + what);
  };
  if (header.chunks == 0 || header.chunks > kChunksMax) {
    return wrong(header.chunks, " chunks, not 1 to 2^31");
  }
  if (header.replicas == 0 || header.replicas > kReplicasMax) {
    return wrong(header.replicas, " replicas a chunk, not 1 to 16");
  }
  if (header.servers != servers) {
    return wrong(header.servers, " servers, servers.csv has " + std::to_string(servers));
  }
  // Before memory is taken for them: what the header claims must be there.
  const std::uint64_t claimed =
      ChunksHeader::kBytes + header.chunks * (1 + header.replicas) * kWord;
  if (file_bytes != claimed) {
    return wrong(header.chunks, " chunks with " + std::to_string(header.replicas) +
                                    " replicas, which is " + std::to_string(claimed) +
                                    " bytes, but it has " + std::to_string(file_bytes));
  }
  return header;
}

Result<void> read_chunks(const std::string& name, const ChunksHeader& header, const ReadAt& read,
                         const TakeChunk& take) {
  return ChunkRows(name, header, read).run(take);
}

}  // namespace evenkeel::offline
