#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "common/base/block_array.h"
#include "common/base/parted_index.h"
#include "services/rebalancer/core/chunk.h"

namespace evenkeel {

/// A replica in four bytes.
class PackedReplica {
 public:
  static constexpr ServerSlot kServers = 1u << 20;  ///< slots that it can name

  constexpr PackedReplica() = default;
  PackedReplica(ServerSlot server, ReplicaState state)
      : bits_(server | static_cast<std::uint32_t>(state) << 20) {
    EK_CHECK(server < kServers);
  }
  ServerSlot server() const { return bits_ & (kServers - 1); }
  ReplicaState state() const { return static_cast<ReplicaState>(bits_ >> 20 & 7); }
  bool leaving() const { return (bits_ >> 23 & 1) != 0; }
  /// When its content was last checked, as ContentClock writes it.
  std::uint8_t content() const { return static_cast<std::uint8_t>(bits_ >> 24); }
  bool valid() const { return state() <= ReplicaState::kSurplus; }

  void set_state(ReplicaState state) {
    bits_ = (bits_ & ~(7u << 20)) | static_cast<std::uint32_t>(state) << 20;
  }
  void set_leaving(bool leaving) {
    bits_ = (bits_ & ~(1u << 23)) | static_cast<std::uint32_t>(leaving) << 23;
  }
  void set_content(std::uint8_t content) {
    bits_ = (bits_ & 0xFFFFFFu) | static_cast<std::uint32_t>(content) << 24;
  }

 private:
  std::uint32_t bits_ = 0;
};

/// All chunks and their replicas, in 44 bytes a chunk of up to three replicas and 4.4 to 5 for
/// finding it by its id. What is rare (more replicas, sizes from 4 GiB, versions from 511) stands
/// beside.
class ChunkTable {
 public:
  std::size_t size() const { return rows_.size(); }
  void reserve(std::size_t chunks);
  std::size_t memory() const;

  /// Of a chunk that is not there yet.
  ChunkSlot add(const ChunkContent& content, int goal, ChunkLife life);
  /// The same, but it is not found by its id before index() was called: many at once go quicker.
  /// The caller knows that no two have one id.
  ChunkSlot append(const ChunkContent& content, int goal, ChunkLife life);
  void index();
  std::optional<ChunkSlot> find(ChunkId id) const;

  ChunkId id(ChunkSlot slot) const {
    return ChunkId(rows_[slot].id_low | wide(rows_[slot].id_high));
  }
  ChunkContent content(ChunkSlot slot) const;
  void set_content(ChunkSlot slot, const ChunkContent& content);
  Bytes bytes(ChunkSlot slot) const {
    const std::uint32_t size = rows_[slot].size;
    return size == kElsewhere ? sizes_.at(slot) : Bytes(size);
  }

  int goal(ChunkSlot slot) const { return 1 + static_cast<int>(get(slot, kGoal)); }
  ChunkLife life(ChunkSlot slot) const { return static_cast<ChunkLife>(get(slot, kLife)); }
  Queue queue(ChunkSlot slot) const { return static_cast<Queue>(get(slot, kQueue)); }
  PolicyId policy(ChunkSlot slot) const { return PolicyId(get(slot, kPolicy)); }
  /// Some command about it is in flight.
  bool busy(ChunkSlot slot) const { return get(slot, kBusy) != 0; }
  bool aside(ChunkSlot slot) const { return get(slot, kAsideBit) != 0; }

  void set_goal(ChunkSlot slot, int goal);
  void set_life(ChunkSlot slot, ChunkLife life) { set(slot, kLife, static_cast<unsigned>(life)); }
  void set_queue(ChunkSlot slot, Queue queue) { set(slot, kQueue, static_cast<unsigned>(queue)); }
  void set_policy(ChunkSlot slot, PolicyId policy);
  void set_busy(ChunkSlot slot, bool busy) { set(slot, kBusy, busy); }
  void set_aside(ChunkSlot slot, bool aside) { set(slot, kAsideBit, aside); }

  std::span<const PackedReplica> replicas(ChunkSlot slot) const {
    const Row& row = rows_[slot];
    const unsigned count = row.flags >> kCount.shift & 7;
    if (count <= kInline) return {row.replicas.data(), count};
    return more_.at(slot);
  }
  std::span<PackedReplica> replicas(ChunkSlot slot) {
    Row& row = rows_[slot];
    const unsigned count = row.flags >> kCount.shift & 7;
    if (count <= kInline) return {row.replicas.data(), count};
    return more_.at(slot);
  }
  void add_replica(ChunkSlot slot, PackedReplica replica);
  void remove_replica(ChunkSlot slot, ServerSlot server);

  /// Brings the row's memory near, for whoever will look at it soon.
  void prefetch(ChunkSlot slot) const {
    const Row& row = rows_[slot];
    __builtin_prefetch(&row);
    __builtin_prefetch(&row.checksum.back());  // mostly on the next line
  }

 private:
  static constexpr unsigned kInline = 3;
  static constexpr std::uint32_t kElsewhere = UINT32_MAX;
  struct Row {
    std::uint32_t flags;
    std::array<PackedReplica, kInline> replicas;
    std::uint32_t size;
    std::uint32_t id_low, id_high;  // two words: the row needs no alignment of eight
    std::array<std::uint8_t, 16> checksum;
  };
  static_assert(sizeof(Row) == 44);

  struct Field {
    unsigned shift, bits;
  };
  // Replicas in the row: 0 to 3; 4: elsewhere.
  static constexpr Field kCount{0, 3}, kQueue{3, 4}, kLife{7, 2}, kGoal{9, 4}, kPolicy{13, 8},
      kBusy{21, 1}, kAsideBit{22, 1}, kVersion{23, 9};
  static constexpr std::uint64_t kVersionElsewhere = 511;

  static std::uint64_t wide(std::uint32_t high) { return std::uint64_t{high} << 32; }
  unsigned get(ChunkSlot slot, Field field) const {
    return rows_[slot].flags >> field.shift & ((1u << field.bits) - 1);
  }
  void set(ChunkSlot slot, Field field, unsigned value) {
    const std::uint32_t mask = ((1u << field.bits) - 1) << field.shift;
    rows_[slot].flags = (rows_[slot].flags & ~mask) | value << field.shift;
  }
  auto key_of() const {
    return [this](std::uint32_t slot) { return id(slot).value(); };
  }
  void set_size(ChunkSlot slot, Bytes size);
  void set_version(ChunkSlot slot, ChunkVersion version);

  BlockArray<Row> rows_;
  PartedIndex by_id_;
  std::unordered_map<ChunkSlot, std::vector<PackedReplica>> more_;
  std::unordered_map<ChunkSlot, Bytes> sizes_;
  std::unordered_map<ChunkSlot, ChunkVersion> versions_;
};

}  // namespace evenkeel
