#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "common/base/check.h"

namespace evenkeel {

/// Random numbers that are the same for the same seed on every compiler and library.
/// std::shuffle and the std distributions are not: their results are left to the library, so a
/// seed would stop reproducing a failure when the toolchain changes.
class Rng {
 public:
  explicit constexpr Rng(std::uint64_t seed) : state_(seed) {}

  constexpr std::uint64_t next() {  // SplitMix64, Steele et al., OOPSLA 2014
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }

  /// Uniform in [0, limit). Rejects the uneven tail instead of taking a biased remainder.
  constexpr std::uint64_t below(std::uint64_t limit) {
    EK_CHECK(limit > 0);
    const std::uint64_t tail = (0 - limit) % limit;
    for (;;) {
      const std::uint64_t draw = next();
      if (draw >= tail) return draw % limit;
    }
  }

  /// Uniform in [low, high], both ends included.
  constexpr std::uint64_t between(std::uint64_t low, std::uint64_t high) {
    EK_CHECK(low <= high);
    return high - low == UINT64_MAX ? next() : low + below(high - low + 1);
  }

  /// True `numerator` times in `denominator`.
  constexpr bool chance(std::uint64_t numerator, std::uint64_t denominator) {
    return below(denominator) < numerator;
  }

  /// One of `items`, which must not be empty.
  template <class T>
  const T& pick(const std::vector<T>& items) {
    return items[below(items.size())];
  }

  template <class T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  std::uint64_t state_;
};

}  // namespace evenkeel
