#pragma once
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "common/base/check.h"

namespace evenkeel {

/// A vector that never moves its elements and never reserves more than a block: what a table of ten
/// million rows needs, where doubling would hold up to three times its bytes while it grows. Blocks
/// are offered to the kernel for huge pages, since rows are visited at random.
template <class T>
class BlockArray {
 public:
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return blocks_[i >> kShift].get()[i & kMask]; }
  const T& operator[](std::size_t i) const { return blocks_[i >> kShift].get()[i & kMask]; }

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

  void add_block() {
    constexpr std::size_t kPage = 4096, kBytes = sizeof(T) << kShift;
    static_assert(kBytes % kPage == 0);
    // Small tables stay small: pages of a block are made as they are touched.
    void* memory = std::aligned_alloc(kPage, kBytes);
    if (memory == nullptr) throw std::bad_alloc();
    if (!blocks_.empty()) static_cast<void>(madvise(memory, kBytes, MADV_HUGEPAGE));  // a wish
    blocks_.emplace_back(static_cast<T*>(memory));
  }

  std::vector<std::unique_ptr<T, Free>> blocks_;
  std::size_t size_ = 0;
};

}  // namespace evenkeel
