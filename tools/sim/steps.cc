// Simulation, the part that lets what was asked about happen.
#include <algorithm>
#include <set>

#include "services/rebalancer/core/admin.h"
#include "services/rebalancer/core/brake.h"
#include "services/rebalancer/core/facts.h"
#include "services/rebalancer/core/placement.h"
#include "tools/sim/simulation.h"

namespace evenkeel::sim {
namespace {

/// Of servers that will exist only here.
StorageId made_up_storage(ServerId server) {
  std::string raw = "simulated" + to_string(server);
  raw.resize(16, '.');
  return *StorageId::from_raw(raw);
}

std::vector<const Server*> serving(const ClusterView& view) {
  std::vector<const Server*> all;
  for (const auto& [id, slot] : view.servers()) {
    const Server& server = view.server(slot);
    if (server.member.liveness == Liveness::kDead) continue;
    if (server.admin == AdminState::kInService) all.push_back(&server);
  }
  return all;
}

Bytes mean_of(const std::vector<const Server*>& servers, Bytes Member::*what) {
  if (servers.empty()) return Bytes(0);
  double total = 0;
  for (const Server* server : servers) {
    total += static_cast<double>((server->member.*what).count());
  }
  return Bytes(static_cast<std::uint64_t>(total / static_cast<double>(servers.size())));
}

std::vector<std::string> racks_of(const std::vector<const Server*>& servers) {
  std::set<std::string> racks;
  for (const Server* server : servers) racks.emplace(rack_of(server->member.location));
  return {racks.begin(), racks.end()};
}

}  // namespace

Result<Simulation::Known> Simulation::look_up(const Step& step) const {
  Known known;
  for (const Act& act : step.acts) {
    if (const auto* added = std::get_if<Add>(&act)) {
      known.added.push_back(*added);
      continue;
    }
    const auto* lost = std::get_if<Lose>(&act);
    const auto found = servers_at(view_, lost ? lost->place : std::get<Drain>(act).place);
    if (!found) return tl::unexpected(found.error());
    auto& named = lost ? known.lost : known.drained;
    for (const ServerId id : *found) {
      if (!agents_.serves(id) && found->size() == 1) {
        return fail(ErrorCode::kConflict, to_string(id) + " is dead already");
      }
      if (!lost && found->size() == 1) {
        if (const auto can = drain(view_, id, AfterDrain::kStay); !can) {
          return tl::unexpected(can.error());
        }
      }
      const bool twice = std::ranges::find(named, id) != named.end();
      if (agents_.serves(id) && !twice) named.push_back(id);
    }
  }
  return known;
}

void Simulation::learn(const Known& known) {
  learn_of_loss(known.lost);
  for (const ServerId id : known.drained) learn_of_drain(id);
  if (options_.now) record(brake_released(view_));
  for (const Add& wish : known.added) learn_of_new(wish);
}

void Simulation::learn_of_member(MemberEventKind kind, const Member& member) {
  const StorageId stream = view_.membership_stream().value_or(made_up_storage(ServerId(0)));
  take_in(MemberChanged{stream, view_.membership_number().next(), kind, member});
}

/// Also counts the replicas that are missing because of it: what chunks that can still be copied
/// are farther below their goal than before.
template <class Below>
void Simulation::count_missing(const std::set<ChunkSlot>& touched, Below below,
                               const std::function<void()>& happen) {
  const auto missing = [&](ChunkSlot slot) -> std::uint64_t {
    if (view_.table().life(slot) != ChunkLife::kLive) return 0;
    return static_cast<std::uint64_t>(std::max(0, below(slot)));
  };
  std::vector<std::uint64_t> before;
  for (const ChunkSlot slot : touched) before.push_back(missing(slot));
  happen();
  auto was = before.begin();
  for (const ChunkSlot slot : touched) {
    const std::uint64_t now = missing(slot);
    if (now > *was) forecast_.missing.add(view_.table().bytes(slot), now - *was);
    ++was;
  }
}

void Simulation::learn_of_loss(const std::vector<ServerId>& lost) {
  const auto below = [&](ChunkSlot slot) {
    const int valid = view_.count(slot).valid;
    return valid == 0 ? 0 : view_.table().goal(slot) - valid;
  };
  count_missing(chunks_of(lost), below, [&] {
    for (const ServerId id : lost) {
      Member member = view_.find(id)->member;
      member.liveness = Liveness::kDead;
      learn_of_member(MemberEventKind::kFailed, member);
    }
  });
}

/// What is missing then are the replicas that do not stay.
void Simulation::learn_of_drain(ServerId id) {
  const auto changes = drain(view_, id, AfterDrain::kStay);
  if (!changes) return;  // one of many, which was drained before
  const auto below = [&](ChunkSlot slot) {
    return view_.table().goal(slot) - view_.count(slot).projected;
  };
  count_missing(chunks_of({id}), below, [&] { record(*changes); });
}

std::set<ChunkSlot> Simulation::chunks_of(const std::vector<ServerId>& servers) const {
  std::set<ChunkSlot> chunks;
  for (const ServerId id : servers) {
    for (const ChunkSlot slot : view_.find(id)->chunks) chunks.insert(slot);
  }
  return chunks;
}

void Simulation::learn_of_new(const Add& wish) {
  const auto there = serving(view_);
  const std::vector<std::string> racks =
      wish.rack.empty() ? racks_of(there) : std::vector{wish.rack};
  const Bytes capacity = wish.capacity.value_or(mean_of(there, &Member::capacity));
  const Bytes reserve = std::min(mean_of(there, &Member::reserve), capacity);
  for (int i = 0; i < wish.servers; ++i) {
    const std::uint64_t last =
        view_.servers().empty() ? 0 : view_.servers().rbegin()->first.value();
    const ServerId id(last + 1);
    const std::string rack =
        racks.empty() ? "zone1/rack1" : racks[static_cast<std::size_t>(i) % racks.size()];
    agents_.add(id, machine_of(id, ""));
    journals_.emplace(id, JournalNumber(0));
    learn_of_member(MemberEventKind::kJoined, {.server = id,
                                               .incarnation = Incarnation(1),
                                               .storage = made_up_storage(id),
                                               .location = rack + "/new-" + to_string(id),
                                               .capacity = capacity,
                                               .reserve = reserve,
                                               .free = capacity});
    record({ServerReported{id, InventoryNumber(1), JournalNumber(0), now_}});
  }
}

}  // namespace evenkeel::sim
