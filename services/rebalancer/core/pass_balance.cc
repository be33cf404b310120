#include <algorithm>
#include <cmath>

#include "services/rebalancer/core/placement.h"
#include "services/rebalancer/core/planner.h"

namespace evenkeel {
namespace {

/// A server that takes part, and what its share of everything is.
struct Party {
  ServerSlot slot;
  double capacity;
  double limit;    ///< the most it may hold
  double desired;  ///< min(limit, level * capacity), so that all desires add up to all bytes
  double band;     ///< within it the server is left in peace
};

std::vector<Party> parties(const Draft& draft) {
  std::vector<Party> result;
  for (const auto& [id, slot] : draft.view().servers()) {
    const Server& server = draft.view().server(slot);
    if (!server.works() || server.admin != AdminState::kInService) continue;
    const auto capacity = static_cast<double>(server.member.capacity.count());
    if (capacity <= 0) continue;
    result.push_back({slot, capacity, static_cast<double>(draft.room_limit(slot)), 0, 0});
  }
  return result;
}

/// The level to which all bytes fill the servers if each is filled to the same share of its
/// capacity and none beyond its limit: found by filling the limited ones and sharing out the rest,
/// which ends after as many rounds as there are limited servers at the most.
void set_desired(std::vector<Party>& all, double total) {
  std::vector<bool> limited(all.size(), false);
  for (bool again = true; again;) {
    again = false;
    double rest = total, capacity = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      limited[i] ? rest -= all[i].limit : capacity += all[i].capacity;
    }
    const double level = capacity > 0 ? std::max(0.0, rest / capacity) : 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (limited[i]) continue;
      all[i].desired = level * all[i].capacity;
      if (all[i].desired <= all[i].limit) continue;
      all[i].desired = all[i].limit;
      limited[i] = again = true;
    }
  }
}

class Balancing {
 public:
  explicit Balancing(Draft& draft) : draft_(draft), view_(draft.view()), parties_(parties(draft)) {
    double total = 0, replicas = 0;
    for (const Party& party : parties_) {
      total += static_cast<double>(draft.projected(party.slot));
      replicas += static_cast<double>(view_.server(party.slot).chunks.size());
    }
    set_desired(parties_, total);
    const double mean_chunk = replicas > 0 ? total / replicas : 0;
    for (Party& party : parties_) {
      party.band = std::max(mean_chunk, party.desired * draft.limits().dead_band.value());
    }
  }

  void run() {
    while (!draft_.full() && looks_left_ > 0 && one_more()) {}
  }

 private:
  /// From the fullest to the emptiest that something can be done for. Where that is none of the
  /// first pairs, looking goes on from a pair that is another one each time.
  bool one_more() {
    const auto targets = emptiest_first(), sources = fullest_first();
    const std::size_t pairs = targets.size() * sources.size();
    if (pairs == 0) return false;
    const int enough = looks_left_ / 2;
    for (std::size_t i = 0; i < pairs && looks_left_ > enough; ++i) {
      if (try_pair(*targets[i / sources.size()], *sources[i % sources.size()])) return true;
      if (i + 1 == pairs) return false;
    }
    const std::size_t start = (view_.revision() + turn() * 7919) % pairs;
    for (std::size_t i = 0; i < pairs && looks_left_ > 0; ++i) {
      const std::size_t pair = (start + i) % pairs;
      if (try_pair(*targets[pair / sources.size()], *sources[pair % sources.size()])) return true;
    }
    return false;
  }

  bool try_pair(const Party& target, const Party& source) {
    if (surplus(target) >= 0 || surplus(source) <= 0) return false;
    if (surplus(source) <= source.band && -surplus(target) <= target.band) return false;
    return draft_.may_copy_in(target.slot, Bytes(0)) && move_one(source, target);
  }

  /// Another number with every quarter of a second.
  std::size_t turn() const {
    return static_cast<std::size_t>(draft_.now().time_since_epoch().count()) / 250;
  }

  double surplus(const Party& party) const {
    return static_cast<double>(draft_.projected(party.slot)) - party.desired;
  }

  template <class Before>
  std::vector<Party*> ordered(Before before) {
    std::vector<Party*> result;
    for (Party& party : parties_) result.push_back(&party);
    std::sort(result.begin(), result.end(), before);
    return result;
  }
  std::vector<Party*> emptiest_first() {
    return ordered([this](const Party* a, const Party* b) {
      return std::pair(surplus(*a) / a->capacity, a->slot) <
             std::pair(surplus(*b) / b->capacity, b->slot);
    });
  }
  std::vector<Party*> fullest_first() {
    return ordered([this](const Party* a, const Party* b) {
      return std::pair(-surplus(*a) / a->capacity, a->slot) <
             std::pair(-surplus(*b) / b->capacity, b->slot);
    });
  }

  /// Whether moving `size` bytes brings the two nearer to their shares, by the sum of the squared
  /// distances weighted by capacity: strictly less each time, so that balancing ends.
  bool improves(const Party& source, const Party& target, double size) const {
    const double over = surplus(source), under = -surplus(target);
    const auto square = [](double x) { return x * x; };
    return (square(over - size) - square(over)) / source.capacity +
               (square(under - size) - square(under)) / target.capacity <
           0;
  }

  bool keeps_spread(const Spread& others, const Party& source, const Party& target) const {
    const std::string_view from = view_.server(source.slot).member.location;
    const std::string_view to = view_.server(target.slot).member.location;
    const auto worse = [](const std::vector<std::string_view>& held, std::string_view before,
                          std::string_view after) {
      const auto has = [&](std::string_view place) {
        return std::find(held.begin(), held.end(), place) != held.end();
      };
      return has(after) && !has(before);
    };
    return !worse(others.racks, rack_of(from), rack_of(to)) &&
           !worse(others.zones, zone_of(from), zone_of(to));
  }

  bool may_move(ChunkSlot slot, const Party& source, const Party& target) const {
    const Chunk& chunk = view_.chunk(slot);
    if (chunk.life != ChunkLife::kLive || chunk.queue != Queue::kNone || draft_.touched(slot)) {
      return false;
    }
    const ReplicaCount count = view_.count(chunk);
    if (count.busy || count.projected != chunk.goal || chunk.size.count() == 0) return false;
    const Replica* held = view_.replica(chunk, view_.server(source.slot).id());
    if (held->state != ReplicaState::kValid || held->leaving) return false;
    if (!draft_.may_copy_in(target.slot, chunk.size)) return false;
    const Spread others = spread_of(draft_, chunk, source.slot);
    return !refusal(draft_, chunk, target.slot, others) && keeps_spread(others, source, target);
  }

  /// Of a bounded sample of what `source` holds, the largest chunk that neither of the two passes
  /// its share with, or else the smallest that still improves: fewest bytes for what is gained.
  bool move_one(const Party& source, const Party& target) {
    constexpr std::size_t kSample = 128, kLooks = 512;
    const auto& held = view_.server(source.slot).chunks;
    if (held.empty()) return false;
    const double gap = std::min(surplus(source), -surplus(target));
    std::optional<ChunkSlot> best;
    double best_size = 0;
    const std::size_t start =
        (view_.revision() + target.slot * 7919u + turn() * kLooks) % held.size();
    const std::size_t looks = std::min(held.size(), kLooks);
    std::size_t eligible = 0;
    for (std::size_t i = 0; i < looks && eligible < kSample; ++i, --looks_left_) {
      const ChunkSlot slot = held[(start + i) % held.size()];
      const double size = static_cast<double>(view_.chunk(slot).size.count());
      if (!improves(source, target, size) || !may_move(slot, source, target)) continue;
      ++eligible;
      const bool fits = size <= gap, best_fits = best && best_size <= gap;
      const bool better = !best || (fits && (!best_fits || size > best_size)) ||
                          (!fits && !best_fits && size < best_size);
      if (!better) continue;
      best = slot;
      best_size = size;
      if (size == gap) break;
    }
    return best && order(*best, source, target);
  }

  bool order(ChunkSlot slot, const Party& source, const Party& target) {
    const auto copy_from = choose_source(draft_, view_.chunk(slot), target.slot);
    if (!copy_from) return false;
    const auto percent = [&](const Party& party) {
      return std::to_string(std::lround(100 * draft_.use(party.slot))) + " %";
    };
    draft_.replicate(slot, *copy_from, target.slot, Reason::kBalance, source.slot,
                     to_string(view_.server(source.slot).id()) + " is at " + percent(source) +
                         ", " + to_string(view_.server(target.slot).id()) + " at " +
                         percent(target));
    return true;
  }

  Draft& draft_;
  const ClusterView& view_;
  std::vector<Party> parties_;
  int looks_left_ = 4 * draft_.limits().examined_per_turn;  ///< at chunks, in this plan
};

}  // namespace

void balance(Draft& draft) {
  if (draft.full() || draft.view().deletes_held()) return;
  Balancing(draft).run();
}

}  // namespace evenkeel
