#pragma once
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "common/base/check.h"

namespace evenkeel {

/// A vector that never moves its elements and never reserves more than a block: what a table of ten
/// million rows needs, where doubling would hold up to three times its bytes while it grows. Rows
/// are visited at random, so large tables ask the kernel for huge pages.
template <class T>
class BlockArray {
 public:
  BlockArray() = default;
  BlockArray(BlockArray&& other) noexcept
      : owned_(std::move(other.owned_)),
        blocks_(std::move(other.blocks_)),
        size_(std::exchange(other.size_, 0)) {}
  BlockArray(const BlockArray& other) : size_(other.size_) {
    for (std::size_t i = 0; i < other.blocks_.size(); ++i) {
      add_block();
      const std::size_t used = std::min(size_ - (i << kShift), kMask + 1);
      std::memcpy(blocks_[i], other.blocks_[i], used * sizeof(T));
    }
  }
  BlockArray& operator=(BlockArray other) noexcept {
    owned_.swap(other.owned_);
    blocks_.swap(other.blocks_);
    std::swap(size_, other.size_);
    return *this;
  }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return blocks_[i >> kShift][i & kMask]; }
  const T& operator[](std::size_t i) const { return blocks_[i >> kShift][i & kMask]; }

  void push_back(const T& value) {
    if (size_ == blocks_.size() << kShift) add_block();
    ++size_;
    (*this)[size_ - 1] = value;
  }
  std::size_t memory() const { return (blocks_.size() << kShift) * sizeof(T); }

 private:
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
  static constexpr std::size_t kShift = 16, kMask = (std::size_t{1} << kShift) - 1;
  struct Free {
    void operator()(T* block) const { std::free(block); }
  };

  /// The first blocks come one by one, so that a small table stays small. After them many are asked
  /// for at once, aligned for huge pages: memory is taken when it is touched all the same.
  void add_block() {
    constexpr std::size_t kPage = 4096, kHugePage = 2 << 20, kMany = 16;
    constexpr std::size_t kBytes = sizeof(T) << kShift;
    static_assert(kBytes % kPage == 0 && kBytes * kMany % kHugePage == 0);
    const bool many = blocks_.size() >= kMany;
    if (!many || blocks_.size() % kMany == 0) {
      const std::size_t bytes = many ? kBytes * kMany : kBytes;
      void* memory = std::aligned_alloc(many ? kHugePage : kPage, bytes);
      if (memory == nullptr) throw std::bad_alloc();
      owned_.emplace_back(static_cast<T*>(memory));
      if (many) static_cast<void>(madvise(memory, bytes, MADV_HUGEPAGE));  // a wish
      blocks_.push_back(owned_.back().get());
      return;
    }
    blocks_.push_back(blocks_.back() + kMask + 1);
  }

  std::vector<std::unique_ptr<T, Free>> owned_;
  std::vector<T*> blocks_;
  std::size_t size_ = 0;
};

}  // namespace evenkeel
