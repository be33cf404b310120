#pragma once
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

namespace evenkeel {

/// Memory for bytes that are about to be overwritten: it is not set to zero first. Of a page or
/// more it begins at a page and is a whole number of pages, as direct input and output want it.
template <class T>
struct RawAllocator {
  using value_type = T;
  static constexpr std::size_t kPage = 4096;

  RawAllocator() = default;
  template <class U>
  RawAllocator(const RawAllocator<U>&) {}

  T* allocate(std::size_t count) {
    const std::size_t bytes = count * sizeof(T);
    if (bytes < kPage) return static_cast<T*>(::operator new(bytes));
    return static_cast<T*>(::operator new(whole_pages(bytes), std::align_val_t(kPage)));
  }
  void deallocate(T* at, std::size_t count) {
    const std::size_t bytes = count * sizeof(T);
    if (bytes < kPage) return ::operator delete(at);
    ::operator delete(at, std::align_val_t(kPage));
  }
  /// What a vector grows by without being told a value is left as it is.
  template <class U>
  void construct(U* at) {
    ::new (static_cast<void*>(at)) U;
  }
  template <class U, class... Arguments>
  void construct(U* at, Arguments&&... arguments) {
    ::new (static_cast<void*>(at)) U(std::forward<Arguments>(arguments)...);
  }
  template <class U>
  bool operator==(const RawAllocator<U>&) const {
    return true;
  }

 private:
  static std::size_t whole_pages(std::size_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }
};

/// Bytes on their way. Buffer(n) holds n bytes of which nothing is known.
using Buffer = std::vector<std::uint8_t, RawAllocator<std::uint8_t>>;

}  // namespace evenkeel
