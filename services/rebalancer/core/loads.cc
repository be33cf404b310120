#include "services/rebalancer/core/loads.h"

#include "services/rebalancer/core/drained.h"

namespace evenkeel {
namespace {

bool leaves(const Server& server) {
  return server.admin == AdminState::kDraining || server.admin == AdminState::kDrained;
}

ServerLoad load_of(const Server& server, const std::optional<ServerLoad::Left>& left) {
  return {.replicas = server.chunks.size(),
          .used = server.used,
          .incoming = server.incoming,
          .outgoing = server.bytes_out,
          .copies_in = server.copies_in,
          .copies_out = server.copies_out,
          .left = left};
}

}  // namespace

void Loads::begin_round(const ClusterView& view) {
  told_.resize(view.server_slots());
  left_.resize(view.server_slots());
  count_what_is_left(view);
  next_ = 0;
  in_round_ = true;
}

std::vector<std::pair<ServerId, ServerLoad>> Loads::changed(const ClusterView& view) {
  if (!in_round_) begin_round(view);
  std::vector<std::pair<ServerId, ServerLoad>> changed;
  for (; next_ < told_.size() && changed.size() < kServers; ++next_) {
    const Server& server = view.server(next_);
    if (!leaves(server)) left_[next_].reset();
    ServerLoad load = load_of(server, left_[next_]);
    if (told_[next_] == load) continue;
    told_[next_] = load;
    changed.emplace_back(server.id(), std::move(load));
  }
  in_round_ = next_ < told_.size();
  return changed;
}

/// Those that were never counted first, then in turn.
std::optional<ServerSlot> Loads::next_leaving(const ClusterView& view) const {
  std::optional<ServerSlot> first, after;
  for (ServerSlot slot = 0; slot < view.server_slots(); ++slot) {
    if (!leaves(view.server(slot))) continue;
    if (!left_[slot]) return slot;
    if (!first) first = slot;
    if (!after && slot > last_) after = slot;
  }
  return after ? after : first;
}

void Loads::count_what_is_left(const ClusterView& view) {
  std::optional<ServerSlot> began_with;
  for (std::size_t looks = 0; looks < kLooks;) {
    if (looking_ && !leaves(view.server(*looking_))) looking_.reset();
    if (!looking_) {
      looking_ = next_leaving(view);
      if (!looking_ || looking_ == began_with) break;
      if (!began_with) began_with = looking_;
      cell_ = 0;
      so_far_ = {};
    }
    const SlotSet& chunks = view.server(*looking_).chunks;
    for (; cell_ < chunks.cells() && looks < kLooks; ++cell_, ++looks) {
      const ChunkSlot chunk = chunks.cell(cell_);
      if (chunk == IndexTable::kNone || !rests_on(view, chunk, *looking_)) continue;
      ++so_far_.chunks;
      so_far_.bytes += view.table().bytes(chunk);
    }
    if (cell_ < chunks.cells()) break;
    left_[*looking_] = so_far_;
    last_ = *looking_;
    looking_.reset();
    ++looks;  // also if it holds nothing
  }
}

}  // namespace evenkeel
