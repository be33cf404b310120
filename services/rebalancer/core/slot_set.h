#pragma once
#include <iterator>
#include <span>
#include <vector>

#include "common/base/index_table.h"
#include "common/base/parted_index.h"

namespace evenkeel {

/// A set of slots, as packed as an IndexTable is: which chunks a server holds.
class SlotSet {
 public:
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = std::uint32_t;
    using difference_type = std::ptrdiff_t;
    using pointer = const std::uint32_t*;
    using reference = std::uint32_t;

    Iterator() = default;
    Iterator(const IndexTable* table, std::size_t cell) : table_(table), cell_(cell) { settle(); }
    std::uint32_t operator*() const { return table_->cell(cell_); }
    Iterator& operator++() {
      ++cell_;
      settle();
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    void settle() {
      while (cell_ < table_->cells() && table_->cell(cell_) == IndexTable::kNone) ++cell_;
    }
    const IndexTable* table_ = nullptr;
    std::size_t cell_ = 0;
  };

  SlotSet() = default;
  explicit SlotSet(std::uint64_t salt) : table_(salt) {}

  Iterator begin() const { return {&table_, 0}; }
  Iterator end() const { return {&table_, table_.cells()}; }
  std::size_t size() const { return table_.size(); }
  bool empty() const { return table_.empty(); }
  bool contains(std::uint32_t slot) const { return table_.find(slot, kSelf) != IndexTable::kNone; }
  void insert(std::uint32_t slot) { table_.insert(slot, kSelf); }
  bool erase(std::uint32_t slot) { return table_.erase(slot, kSelf); }
  void loosen() { table_.loosen(); }
  void fit() { table_.fit(table_.size(), kSelf); }
  void fit(std::size_t slots) { table_.fit(slots, kSelf); }
  void prefetch_slot(std::uint32_t slot) const { table_.prefetch_key(slot); }
  std::size_t memory() const { return table_.memory(); }

  void prefetch(std::size_t place) const { table_.prefetch(place); }
  /// For walking from any place on: IndexTable::kNone where there is nothing.
  std::size_t cells() const { return table_.cells(); }
  std::uint32_t cell(std::size_t place) const { return table_.cell(place); }

 private:
  static constexpr auto kSelf = [](std::uint32_t slot) { return std::uint64_t{slot}; };
  IndexTable table_;
};

/// Slots in an order, each there once, found and removed at once: what waits for a pass.
class SlotQueue {
  auto slot_at() const {
    return [this](std::uint32_t place) { return std::uint64_t{slots_[place]}; };
  }

 public:
  std::span<const std::uint32_t> slots() const { return slots_; }
  std::size_t size() const { return slots_.size(); }
  void push(std::uint32_t slot) {
    slots_.push_back(slot);
    places_.insert(static_cast<std::uint32_t>(slots_.size() - 1), slot_at());
  }
  /// The last takes its place.
  void erase(std::uint32_t slot) {
    const std::uint32_t place = places_.find(slot, slot_at());
    EK_CHECK(place != IndexTable::kNone);
    const std::uint32_t last = slots_.back();
    places_.erase(slot, slot_at());
    if (last != slot) {
      places_.replace(last, place, slot_at());
      slots_[place] = last;
    }
    slots_.pop_back();
  }
  std::size_t memory() const { return slots_.capacity() * sizeof(slots_[0]) + places_.memory(); }

 private:
  std::vector<std::uint32_t> slots_;
  PartedIndex places_;
};

}  // namespace evenkeel
