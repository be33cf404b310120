#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "common/base/index_table.h"

namespace evenkeel {

/// An IndexTable in parts, each of which grows by itself: whoever inserts never waits until all
/// entries are put anew. Of a million entries, random places in memory, that took 20 to 30 ms
/// (tests/bench/load_bench.cc); a part of them takes a tenth of one. Keys and entries as there.
class PartedIndex {
 public:
  static constexpr std::size_t kParts = 256;
  static constexpr std::uint32_t kNone = IndexTable::kNone;

  PartedIndex() {
    for (std::size_t i = 0; i < kParts; ++i) parts_.emplace_back(i);
  }

  std::size_t size() const { return size_; }
  std::size_t memory() const {
    std::size_t bytes = parts_.capacity() * sizeof(IndexTable);
    for (const IndexTable& part : parts_) bytes += part.memory();
    return bytes;
  }

  void prefetch_key(std::uint64_t key) const { part_of(key).prefetch_key(key); }

  template <class KeyOf>
  std::uint32_t find(std::uint64_t key, const KeyOf& key_of) const {
    return part_of(key).find(key, key_of);
  }

  template <class KeyOf>
  void insert(std::uint32_t entry, const KeyOf& key_of) {
    part_of(key_of(entry)).insert(entry, key_of);
    ++size_;
  }

  template <class KeyOf>
  bool erase(std::uint64_t key, const KeyOf& key_of) {
    if (!part_of(key).erase(key, key_of)) return false;
    --size_;
    return true;
  }

  template <class KeyOf>
  void replace(std::uint64_t key, std::uint32_t to, const KeyOf& key_of) {
    part_of(key).replace(key, to, key_of);
  }

  /// Makes it as large as `entries` of them need, by and large: they do not spread evenly.
  template <class KeyOf>
  void fit(std::size_t entries, const KeyOf& key_of) {
    const double each = static_cast<double>(entries) / kParts;
    const auto most = static_cast<std::size_t>(each + 3 * std::sqrt(each)) + 1;
    for (IndexTable& part : parts_) part.fit(std::max(most, part.size()), key_of);
  }

 private:
  static std::size_t number(std::uint64_t key) {
    // Not as a part spreads its keys, or those of one part would stand close together in it.
    return static_cast<std::size_t>(mixed(key + 0x9E3779B97F4A7C15ull) >> 56);
  }
  static_assert(kParts == 1 << 8);
  IndexTable& part_of(std::uint64_t key) { return parts_[number(key)]; }
  const IndexTable& part_of(std::uint64_t key) const { return parts_[number(key)]; }

  std::vector<IndexTable> parts_;
  std::size_t size_ = 0;
};

}  // namespace evenkeel
