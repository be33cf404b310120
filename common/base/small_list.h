#pragma once
#include <array>
#include <cstddef>
#include <vector>

namespace evenkeel {

/// A list that needs no allocation while it has at most `Few` elements.
template <class T, std::size_t Few>
class SmallList {
 public:
  const T* begin() const { return size_ <= Few ? few_.data() : many_.data(); }
  const T* end() const { return begin() + size_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const T& operator[](std::size_t i) const { return begin()[i]; }
  const T& front() const { return *begin(); }
  void push_back(const T& value) {
    if (size_ < Few) {
      few_[size_] = value;
    } else {
      if (size_ == Few) many_.assign(few_.begin(), few_.end());
      many_.push_back(value);
    }
    ++size_;
  }

 private:
  std::array<T, Few> few_;
  std::vector<T> many_;
  std::size_t size_ = 0;
};

}  // namespace evenkeel
