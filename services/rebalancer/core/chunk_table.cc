#include "services/rebalancer/core/chunk_table.h"

#include <algorithm>

namespace evenkeel {

void ChunkTable::reserve(std::size_t chunks) {
  by_id_.fit(std::max(chunks, size()), key_of());
}

std::size_t ChunkTable::memory() const {
  // A node of an unordered_map: its value, a pointer to the next and malloc's header.
  constexpr std::size_t kNode = 24;
  std::size_t bytes = rows_.memory() + by_id_.memory();
  for (const auto& [slot, replicas] : more_) {
    bytes += kNode + sizeof(replicas) + replicas.capacity() * sizeof(PackedReplica);
  }
  return bytes + (sizes_.size() + versions_.size()) * (kNode + 16);
}

ChunkSlot ChunkTable::append(const ChunkContent& content, int goal, ChunkLife life) {
  const auto slot = static_cast<ChunkSlot>(rows_.size());
  EK_CHECK(slot != kNoChunk);
  rows_.push_back(Row{});
  set_content(slot, content);
  set_goal(slot, goal);
  set_life(slot, life);
  return slot;
}

ChunkSlot ChunkTable::add(const ChunkContent& content, int goal, ChunkLife life) {
  EK_CHECK(by_id_.size() == rows_.size() && !find(content.chunk));
  const ChunkSlot slot = append(content, goal, life);
  by_id_.insert(slot, key_of());
  return slot;
}

void ChunkTable::index() {
  constexpr ChunkSlot kAhead = 24;
  if (by_id_.size() == size()) return;
  by_id_.fit(size(), key_of());
  for (auto slot = static_cast<ChunkSlot>(by_id_.size()); slot < size(); ++slot) {
    if (slot + kAhead < size()) by_id_.prefetch_key(id(slot + kAhead).value());
    by_id_.insert(slot, key_of());
  }
}

std::optional<ChunkSlot> ChunkTable::find(ChunkId id) const {
  const std::uint32_t slot = by_id_.find(id.value(), key_of());
  return slot == IndexTable::kNone ? std::nullopt : std::optional<ChunkSlot>(slot);
}

ChunkContent ChunkTable::content(ChunkSlot slot) const {
  const unsigned version = get(slot, kVersion);
  return {id(slot), version == kVersionElsewhere ? versions_.at(slot) : ChunkVersion(version),
          bytes(slot), Checksum(rows_[slot].checksum)};
}

void ChunkTable::set_content(ChunkSlot slot, const ChunkContent& content) {
  Row& row = rows_[slot];
  row.id_low = static_cast<std::uint32_t>(content.chunk.value());
  row.id_high = static_cast<std::uint32_t>(content.chunk.value() >> 32);
  row.checksum = content.checksum.bytes();
  set_size(slot, content.size);
  set_version(slot, content.version);
}

void ChunkTable::set_size(ChunkSlot slot, Bytes size) {
  const bool elsewhere = size.count() >= kElsewhere;
  rows_[slot].size = elsewhere ? kElsewhere : static_cast<std::uint32_t>(size.count());
  if (elsewhere) {
    sizes_.insert_or_assign(slot, size);
  } else if (!sizes_.empty()) {
    sizes_.erase(slot);
  }
}

void ChunkTable::set_version(ChunkSlot slot, ChunkVersion version) {
  const bool elsewhere = version.value() >= kVersionElsewhere;
  set(slot, kVersion, static_cast<unsigned>(elsewhere ? kVersionElsewhere : version.value()));
  if (elsewhere) {
    versions_.insert_or_assign(slot, version);
  } else if (!versions_.empty()) {
    versions_.erase(slot);
  }
}

void ChunkTable::set_goal(ChunkSlot slot, int goal) {
  EK_CHECK(goal >= 1 && goal <= 16);
  set(slot, kGoal, static_cast<unsigned>(goal - 1));
}

void ChunkTable::set_policy(ChunkSlot slot, PolicyId policy) {
  EK_CHECK(policy.value() < 256);
  set(slot, kPolicy, static_cast<unsigned>(policy.value()));
}

void ChunkTable::add_replica(ChunkSlot slot, PackedReplica replica) {
  const unsigned count = get(slot, kCount);
  if (count < kInline) {
    rows_[slot].replicas[count] = replica;
    set(slot, kCount, count + 1);
    return;
  }
  if (count == kInline) {
    const auto& few = rows_[slot].replicas;
    more_.emplace(slot, std::vector<PackedReplica>(few.begin(), few.end()));
    set(slot, kCount, kInline + 1);
  }
  more_.at(slot).push_back(replica);
}

void ChunkTable::remove_replica(ChunkSlot slot, ServerSlot server) {
  const auto held = replicas(slot);
  const auto gone =
      std::find_if(held.begin(), held.end(), [&](PackedReplica r) { return r.server() == server; });
  EK_CHECK(gone != held.end());
  std::copy(gone + 1, held.end(), gone);
  if (get(slot, kCount) <= kInline) return set(slot, kCount, get(slot, kCount) - 1);
  auto& many = more_.at(slot);
  many.pop_back();
  if (many.size() > kInline) return;
  std::copy(many.begin(), many.end(), rows_[slot].replicas.begin());
  set(slot, kCount, static_cast<unsigned>(many.size()));
  more_.erase(slot);
}

}  // namespace evenkeel
