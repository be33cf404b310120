#pragma once
#include <cstdint>
#include <vector>

#include "common/base/check.h"

namespace evenkeel {

/// Spreads the bits of a number over a word; the finalizer of splitmix64 (Steele, Lea, Flood 2014).
constexpr std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

/// An index over something that is kept elsewhere: a set of 32-bit numbers, each found by a key
/// that the caller computes from the number. Open addressing with linear probing and deletion by
/// shifting back (Knuth, 6.4 R), between 0.8 and 0.92 full, so that an entry costs 4.4 to 5 bytes:
/// the reason for not taking a library's, whose tables grow by doubling.
///
/// The order of walking it follows from the history of insertions and removals alone.
class IndexTable {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  /// `salt`: another order of entries. Where those of one table are put into another in the order
  /// of walking it, the two must not order them alike: neighbours would come upon neighbours, in
  /// runs that grow without bound.
  IndexTable() : IndexTable(0) {}
  explicit IndexTable(std::uint64_t salt) : salt_(mixed(salt + 1)) {}

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::size_t memory() const { return cells_.capacity() * sizeof(std::uint32_t); }

  /// The places of the table, kNone where it is free. For walking it, or a part of it.
  std::size_t cells() const { return cells_.size(); }
  std::uint32_t cell(std::size_t place) const { return cells_[place]; }

  void prefetch(std::size_t place) const { __builtin_prefetch(&cells_[place]); }
  /// Brings the place near at which a key will be looked for or put; for whoever has many of them.
  void prefetch_key(std::uint64_t key) const {
    if (!cells_.empty()) __builtin_prefetch(&cells_[home(key)], 1);
  }

  /// The entry whose key is `key`, or kNone. `key_of(entry)` gives an entry's key.
  template <class KeyOf>
  std::uint32_t find(std::uint64_t key, const KeyOf& key_of) const {
    if (cells_.empty()) return kNone;
    for (std::size_t i = home(key);; i = next(i)) {
      if (cells_[i] == kNone || key_of(cells_[i]) == key) return cells_[i];
    }
  }

  /// The key must not be there yet.
  template <class KeyOf>
  void insert(std::uint32_t entry, const KeyOf& key_of) {
    EK_CHECK(entry != kNone && size_ < kNone);
    if (full(size_ + 1, cells_.size())) rebuild(size_ + size_ / (loose_ ? 2 : 8) + 4, key_of);
    put(entry, key_of(entry));
    ++size_;
  }

  /// False if it is not there.
  template <class KeyOf>
  bool erase(std::uint64_t key, const KeyOf& key_of) {
    if (cells_.empty()) return false;
    std::size_t hole = home(key);
    while (cells_[hole] != kNone && key_of(cells_[hole]) != key) hole = next(hole);
    if (cells_[hole] == kNone) return false;
    for (std::size_t i = next(hole); cells_[i] != kNone; i = next(i)) {
      // An entry moves into the hole unless its home lies behind the hole, up to where it stands.
      const std::size_t wanted = home(key_of(cells_[i]));
      const bool stays = hole < i ? (hole < wanted && wanted <= i) : (hole < wanted || wanted <= i);
      if (stays) continue;
      cells_[hole] = cells_[i];
      hole = i;
    }
    cells_[hole] = kNone;
    --size_;
    if (cells_.size() > 64 && size_ < cells_.size() / 4) rebuild(size_, key_of);
    return true;
  }

  /// Writes `to` where `from` stands; both have the same key.
  template <class KeyOf>
  void replace(std::uint64_t key, std::uint32_t to, const KeyOf& key_of) {
    for (std::size_t i = home(key); cells_[i] != kNone; i = next(i)) {
      if (key_of(cells_[i]) != key) continue;
      cells_[i] = to;
      return;
    }
    EK_CHECK(false);
  }

  /// Grows by a half instead of an eighth, while very many are put in; fit() ends it.
  void loosen() { loose_ = true; }
  /// Makes it as large as `entries` of them need.
  template <class KeyOf>
  void fit(std::size_t entries, const KeyOf& key_of) {
    loose_ = false;
    if (entries >= size_) rebuild(entries, key_of);
  }

 private:
  static bool full(std::size_t entries, std::size_t cells) { return entries * 25 > cells * 23; }
  std::size_t home(std::uint64_t key) const {
    return static_cast<std::size_t>(
        ((mixed(key ^ (salt_ + cells_.size())) >> 32) * cells_.size()) >> 32);
  }
  std::size_t next(std::size_t place) const { return place + 1 == cells_.size() ? 0 : place + 1; }

  void put(std::uint32_t entry, std::uint64_t key) {
    std::size_t i = home(key);
    while (cells_[i] != kNone) i = next(i);
    cells_[i] = entry;
  }

  template <class KeyOf>
  void rebuild(std::size_t entries, const KeyOf& key_of) {
    std::vector<std::uint32_t> before(entries + entries / 9 + 2, kNone);
    before.swap(cells_);
    for (const std::uint32_t entry : before) {
      if (entry != kNone) put(entry, key_of(entry));
    }
  }

  std::vector<std::uint32_t> cells_;
  std::size_t size_ = 0;
  std::uint64_t salt_;
  bool loose_ = false;
};

}  // namespace evenkeel
