#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "services/rebalancer/core/chunk.h"

namespace evenkeel {

/// Servers by a key that changes all the time, the smallest first: a binary heap that knows where
/// each server stands. Equal keys are ordered by slot, so that equal histories give equal choices.
class ServerHeap {
 public:
  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  bool contains(ServerSlot server) const {
    return server < place_.size() && place_[server] != kNowhere;
  }
  ServerSlot top() const { return heap_.front().server; }
  double key(ServerSlot server) const { return heap_[place_[server]].key; }

  /// For all at once, before order().
  void add(ServerSlot server, double key) {
    if (server >= place_.size()) place_.resize(server + 1, kNowhere);
    place_[server] = static_cast<std::uint32_t>(heap_.size());
    heap_.push_back({key, server});
  }
  void order() {
    for (std::size_t i = heap_.size() / 2; i-- > 0;) sink(i);
  }

  void update(ServerSlot server, double key) {
    if (!contains(server)) return;
    const std::size_t at = place_[server];
    const Entry before = heap_[at];
    heap_[at].key = key;
    heap_[at] < before ? rise(at) : sink(at);
  }
  void insert(ServerSlot server, double key) {
    add(server, key);
    rise(heap_.size() - 1);
  }
  void remove(ServerSlot server) {
    const std::size_t at = place_[server];
    const Entry last = heap_.back();
    heap_.pop_back();
    place_[server] = kNowhere;
    if (last.server == server) return;
    set(at, last);
    rise(at);
    sink(place_[last.server]);
  }

  /// The first server in order of keys that `pass` takes, of at most `visits`; none if it is not
  /// among these. `all` tells whether all there are were looked at.
  template <class Pass>
  std::optional<ServerSlot> first(const Pass& pass, int visits, bool* all = nullptr) const {
    if (all != nullptr) *all = true;
    if (heap_.empty()) return std::nullopt;
    if (pass(heap_[0].server)) return heap_[0].server;  // mostly
    frontier_.clear();
    for (std::uint32_t child = 1; child <= 2 && child < heap_.size(); ++child) {
      frontier_.push_back(child);
    }
    if (frontier_.size() == 2 && heap_[2] < heap_[1]) std::swap(frontier_[0], frontier_[1]);
    --visits;
    const auto later = [this](std::uint32_t a, std::uint32_t b) { return heap_[b] < heap_[a]; };
    while (!frontier_.empty()) {
      if (visits-- == 0) {
        if (all != nullptr) *all = false;
        return std::nullopt;
      }
      std::pop_heap(frontier_.begin(), frontier_.end(), later);
      const std::uint32_t at = frontier_.back();
      frontier_.pop_back();
      if (pass(heap_[at].server)) return heap_[at].server;
      for (std::uint32_t child = 2 * at + 1; child <= 2 * at + 2; ++child) {
        if (child >= heap_.size()) break;
        frontier_.push_back(child);
        std::push_heap(frontier_.begin(), frontier_.end(), later);
      }
    }
    return std::nullopt;
  }

 private:
  static constexpr std::uint32_t kNowhere = UINT32_MAX;
  struct Entry {
    double key;
    ServerSlot server;
    bool operator<(const Entry& other) const {
      return key != other.key ? key < other.key : server < other.server;
    }
  };

  void set(std::size_t at, const Entry& entry) {
    heap_[at] = entry;
    place_[entry.server] = static_cast<std::uint32_t>(at);
  }
  void rise(std::size_t at) {
    const Entry entry = heap_[at];
    for (; at > 0 && entry < heap_[(at - 1) / 2]; at = (at - 1) / 2) set(at, heap_[(at - 1) / 2]);
    set(at, entry);
  }
  void sink(std::size_t at) {
    const Entry entry = heap_[at];
    while (true) {
      std::size_t child = 2 * at + 1;
      if (child >= heap_.size()) break;
      if (child + 1 < heap_.size() && heap_[child + 1] < heap_[child]) ++child;
      if (!(heap_[child] < entry)) break;
      set(at, heap_[child]);
      at = child;
    }
    set(at, entry);
  }

  std::vector<Entry> heap_;
  std::vector<std::uint32_t> place_;  // by server slot
  mutable std::vector<std::uint32_t> frontier_;
};

}  // namespace evenkeel
