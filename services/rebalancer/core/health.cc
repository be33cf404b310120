#include "services/rebalancer/core/health.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/base/overloaded.h"

namespace evenkeel {
namespace {

bool is_unwell(ChunkHealth health) {
  return std::find(kUnwell.begin(), kUnwell.end(), health) != kUnwell.end();
}

}  // namespace

std::string_view to_text(ChunkHealth health) {
  switch (health) {
    case ChunkHealth::kCreating:
      return "creating";
    case ChunkHealth::kRetired:
      return "retired";
    case ChunkHealth::kHealthy:
      return "healthy";
    case ChunkHealth::kLost:
      return "lost";
    case ChunkHealth::kAtRisk:
      return "at_risk";
    case ChunkHealth::kUnderReplicated:
      return "under_replicated";
    case ChunkHealth::kOverReplicated:
      return "over_replicated";
  }
  EK_CHECK(false);
}

ChunkHealth health_of(const ClusterView& view, ChunkSlot slot) {
  const ChunkTable& table = view.table();
  const ChunkLife life = table.life(slot);
  if (life == ChunkLife::kCreating) return ChunkHealth::kCreating;
  if (life == ChunkLife::kRetired) return ChunkHealth::kRetired;
  int valid = 0, staying = 0;
  for (const PackedReplica replica : table.replicas(slot)) {
    if (!replica.valid() || !view.counts(replica.server())) continue;
    ++valid;
    staying += view.stays(replica.server());
  }
  const int goal = table.goal(slot);
  if (valid == 0) return ChunkHealth::kLost;
  if (valid < goal) return valid == 1 ? ChunkHealth::kAtRisk : ChunkHealth::kUnderReplicated;
  return staying > goal ? ChunkHealth::kOverReplicated : ChunkHealth::kHealthy;
}

HealthBook::HealthBook(const ClusterView& view) {
  of_.reserve(view.chunk_count());
  for (ChunkSlot slot = 0; slot < view.chunk_count(); ++slot) {
    look(view, slot);
    replicas_ += view.table().replicas(slot).size();
  }
  for (ServerSlot slot = 0; slot < view.server_slots(); ++slot) {
    standings_.push_back(standing(view, slot));
  }
}

/// All that health_of() asks of a server.
std::uint8_t HealthBook::standing(const ClusterView& view, ServerSlot server) {
  return static_cast<std::uint8_t>(view.counts(server) + 2 * view.stays(server));
}

void HealthBook::look(const ClusterView& view, ChunkSlot slot) {
  if (slot >= of_.size()) of_.resize(slot + std::size_t{1}, kNever);
  const ChunkHealth now = health_of(view, slot);
  if (of_[slot] == static_cast<std::uint8_t>(now)) return;
  if (of_[slot] != kNever) {
    const auto before = static_cast<ChunkHealth>(of_[slot]);
    --counts_[index(before)];
    if (is_unwell(before)) unwell_[index(before)].erase(slot);
  }
  of_[slot] = static_cast<std::uint8_t>(now);
  ++counts_[index(now)];
  if (is_unwell(now)) unwell_[index(now)].push(slot);
}

void HealthBook::before(const Change& change, const ClusterView& view) {
  if (const auto* lost = std::get_if<ReplicaLost>(&change)) {
    const auto chunk = view.find(lost->chunk);
    if (chunk && view.replica(*chunk, lost->server)) --replicas_;
  }
  const auto* replaced = std::get_if<ServerReplaced>(&change);
  if (!replaced) return;
  const auto& gone = view.find(replaced->member.server)->chunks;
  behind_.insert(behind_.end(), gone.begin(), gone.end());
  replicas_ -= gone.size();
}

void HealthBook::after(const Change& change, const ClusterView& view) {
  std::visit(Overloaded{
                 [&](const ChunkAdded& c) { look(view, c.content.chunk); },
                 [&](const ChunkRaised& c) { look(view, c.content.chunk); },
                 [&](const ChunkResized& c) { look(view, c.chunk); },
                 [&](const ChunkPublished& c) { look(view, c.chunk); },
                 [&](const ChunkRetired& c) { look(view, c.chunk); },
                 [&](const ChunkPolicySet& c) { look(view, c.chunk); },
                 [&](const ReplicaAdded& c) {
                   ++replicas_;
                   look(view, c.chunk);
                 },
                 [&](const ReplicaChanged& c) { look(view, c.chunk); },
                 [&](const ReplicaLost& c) { look(view, c.chunk); },
                 [](const auto&) {},  // tells nothing of one chunk; servers: see catch_up()
             },
             change);
}

bool HealthBook::catch_up(const ClusterView& view, std::size_t most) {
  for (ServerSlot slot = 0; slot < view.server_slots(); ++slot) {
    const std::uint8_t now = standing(view, slot);
    if (slot == standings_.size()) standings_.push_back(now);
    if (standings_[slot] == now) continue;
    standings_[slot] = now;
    const auto& chunks = view.server(slot).chunks;
    behind_.insert(behind_.end(), chunks.begin(), chunks.end());
  }
  const std::size_t some = std::min(most, behind_.size());
  for (std::size_t i = 0; i < some; ++i) {
    look(view, behind_.back());
    behind_.pop_back();
  }
  return some > 0;
}

}  // namespace evenkeel
