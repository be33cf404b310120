#include "services/agent/core/inventory_desk.h"

#include "common/base/mutant.h"

#include <algorithm>

namespace evenkeel::agent {

void InventoryDesk::identify(const AgentIdentity& from) {
  if (from == from_) return;
  if (from.incarnation != from_.incarnation) {
    last_ = InventoryNumber(0);
    basis_.reset();
    full_wanted_ = true;
  }
  from_ = from;
  if (parts_.empty()) return;
  parts_.clear();
  full_wanted_ = true;
}

InventoryNumber InventoryDesk::want_full() {
  parts_.clear();
  full_wanted_ = true;
  return last_.next();
}

void InventoryDesk::begin(const ReplicaTable& table, const AgeClock& ages, JournalNumber journal,
                          Instant now) {
  EK_CHECK(idle());
  last_ = last_.next();
  telling_.merge(changed_);
  changed_.clear();
  Inventory whole{from_, last_, std::nullopt, journal, 1, 1, {}, {}};
  if (full_wanted_ || !basis_) {
    for (const auto& [key, replica] : table.all()) {
      const auto age = replica.checked ? ages.age(*replica.checked, now) : std::nullopt;
      whole.rows.push_back({content_of(key, replica), replica.finding, age});
    }
    full_wanted_ = false;
  } else {
    whole.basis = basis_;
    tell_of_all_versions(table);
    whole.rows = rows_of(table, ages, now);
    for (const ReplicaKey& key : telling_) {
      if (!table.find(key)) whole.gone.emplace_back(key.chunk, key.version);
    }
  }
  cut(std::move(whole));
}

/// Who hears of one version of a chunk, and of no other, takes it for the only one here.
void InventoryDesk::tell_of_all_versions(const ReplicaTable& table) {
  for (const ReplicaKey& key : std::set(telling_)) {
    auto held = table.all().lower_bound({key.chunk, ChunkVersion(0)});
    for (; held != table.all().end() && held->first.chunk == key.chunk; ++held) {
      telling_.insert(held->first);
    }
  }
}

std::vector<ReportedReplica> InventoryDesk::rows_of(const ReplicaTable& table, const AgeClock& ages,
                                                    Instant now) const {
  std::vector<ReportedReplica> rows;
  for (const ReplicaKey& key : telling_) {
    const Replica* replica = table.find(key);
    if (!replica) continue;
    const auto age = replica->checked ? ages.age(*replica->checked, now) : std::nullopt;
    rows.push_back({content_of(key, *replica), replica->finding, age});
  }
  return rows;
}

void InventoryDesk::cut(Inventory whole) {
  const auto parts_for = [&](std::size_t count) {
    return (count + rows_per_part_ - 1) / rows_per_part_;
  };
  const std::size_t row_parts = parts_for(whole.rows.size());
  const std::size_t gone_parts = parts_for(whole.gone.size());
  const std::size_t parts = std::max({row_parts, gone_parts, std::size_t{1}});
  const auto slice = [&](auto& from, auto& to, std::size_t part) {
    const std::size_t first = std::min(from.size(), part * rows_per_part_);
    const std::size_t last = std::min(from.size(), first + rows_per_part_);
    to.assign(from.begin() + static_cast<std::ptrdiff_t>(first),
              from.begin() + static_cast<std::ptrdiff_t>(last));
  };
  for (std::size_t part = 0; part < parts; ++part) {
    Inventory piece{whole.from, whole.number, whole.basis, whole.journal, part + 1, parts, {}, {}};
    slice(whole.rows, piece.rows, part);
    slice(whole.gone, piece.gone, part);
    parts_.push_back(std::move(piece));
  }
  at_ = 0;
  again_at_.reset();
  backoff_.reset();
}

std::optional<Inventory> InventoryDesk::next(Instant now) {
  if (parts_.empty() || (again_at_ && now < *again_at_)) return std::nullopt;
  again_at_ = now + backoff_.next();
  if (EK_MUTANT(delta_lost) && parts_.size() == 1 && parts_[0].basis) {  // told once, heard or not
    const Inventory told = std::move(parts_[0]);
    parts_.clear();
    telling_.clear();
    basis_ = told.number;
    return told;
  }
  return parts_[at_];
}

void InventoryDesk::on_reply(const InventoryReply& reply) {
  if (parts_.empty() || reply.number != parts_[at_].number) return;
  if (reply.status == InventoryReply::Status::kAgain) {
    parts_.clear();
    full_wanted_ = true;
    return;
  }
  if (reply.part != parts_[at_].part) return;
  again_at_.reset();
  backoff_.reset();
  if (++at_ < parts_.size()) return;
  basis_ = reply.number;
  telling_.clear();
  parts_.clear();
}

}  // namespace evenkeel::agent
