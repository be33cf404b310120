#pragma once
#include <compare>
#include <cstdint>

#include "common/base/check.h"

namespace evenkeel {

/// An amount of data. Never a count, never a rate. Arithmetic that would wrap around aborts.
class Bytes {
 public:
  constexpr Bytes() = default;
  explicit constexpr Bytes(std::uint64_t count) : count_(count) {}
  constexpr std::uint64_t count() const { return count_; }

  friend constexpr auto operator<=>(Bytes, Bytes) = default;
  friend constexpr Bytes operator+(Bytes a, Bytes b) {
    EK_CHECK(a.count_ + b.count_ >= a.count_);
    return Bytes(a.count_ + b.count_);
  }
  friend constexpr Bytes operator-(Bytes a, Bytes b) {
    EK_CHECK(a.count_ >= b.count_);
    return Bytes(a.count_ - b.count_);
  }
  friend constexpr Bytes operator*(Bytes size, std::uint64_t times) {
    EK_CHECK(times == 0 || size.count_ <= UINT64_MAX / times);
    return Bytes(size.count_ * times);
  }
  constexpr Bytes& operator+=(Bytes other) { return *this = *this + other; }
  constexpr Bytes& operator-=(Bytes other) { return *this = *this - other; }

 private:
  std::uint64_t count_ = 0;
};

/// A share of a whole, 0.0 to 1.0. A type of its own, so that it cannot be mistaken for a
/// duration or a percentage when settings are read.
class Ratio {
 public:
  explicit constexpr Ratio(double value) : value_(value) { EK_CHECK(value >= 0.0 && value <= 1.0); }
  constexpr double value() const { return value_; }
  friend constexpr auto operator<=>(Ratio, Ratio) = default;

 private:
  double value_;
};

/// As much of `whole` as `share` says, rounded down.
constexpr Bytes operator*(Bytes whole, Ratio share) {
  return Bytes(static_cast<std::uint64_t>(static_cast<double>(whole.count()) * share.value()));
}

inline namespace literals {
constexpr Bytes operator""_B(unsigned long long n) {
  return Bytes(n);
}
constexpr Bytes operator""_KiB(unsigned long long n) {
  return Bytes(n << 10);
}
constexpr Bytes operator""_MiB(unsigned long long n) {
  return Bytes(n << 20);
}
constexpr Bytes operator""_GiB(unsigned long long n) {
  return Bytes(n << 30);
}
}  // namespace literals

}  // namespace evenkeel
