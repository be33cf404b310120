#pragma once
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/checksum/checksum.h"
#include "common/model/command.h"
#include "tests/support/temp_dir.h"

namespace evenkeel::agent {

using TempDir = DiskDir;  // agents write past the page cache, where that can be done

inline StorageId storage_of(char letter) {
  return *StorageId::from_raw(std::string(16, letter));
}
inline Checksum checksum_of(char letter) {
  return *Checksum::from_raw(std::string(16, letter));
}

/// A chunk whose bytes are known to a test.
struct Sample {
  std::string bytes;
  Manifest manifest;
  ChunkContent content;
};

inline Sample sample(std::uint64_t chunk, std::size_t size, std::uint64_t version = 1) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>((i * 31 + chunk * 7 + version + i / 4096) & 0xFF);
  }
  ChunkHasher hasher;
  hasher.update({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  const Manifest manifest = hasher.finish();
  return {bytes,
          manifest,
          {ChunkId(chunk), ChunkVersion(version), Bytes(size), chunk_checksum(manifest)}};
}

inline void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}
inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
/// Names of the files in a folder, in order.
inline std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace evenkeel::agent
