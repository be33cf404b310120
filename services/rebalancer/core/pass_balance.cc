#include <algorithm>
#include <array>
#include <cmath>

#include "common/base/mutant.h"
#include "services/rebalancer/core/placement.h"
#include "services/rebalancer/core/planner.h"

namespace evenkeel {
namespace {

/// A server that takes part, and what its share of everything is.
struct Party {
  ServerSlot slot;
  double capacity;
  double limit;        ///< the most it may hold
  double desired;      ///< min(limit, level * capacity), so that all desires add up to all bytes
  double band;         ///< within it the server is left in peace
  std::size_t cursor;  ///< which of its chunks is looked at next
  const SlotSet* held;
};

std::vector<Party> parties(const Draft& draft) {
  std::vector<Party> result;
  for (const auto& [id, slot] : draft.view().servers()) {
    if (!draft.view().works(slot) || !draft.view().in_service(slot)) continue;
    const Server& server = draft.view().server(slot);
    const auto capacity = static_cast<double>(server.member.capacity.count());
    if (capacity <= 0) continue;
    result.push_back(
        {slot, capacity, static_cast<double>(draft.room_limit(slot)), 0, 0, 0, &server.chunks});
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

/// From the fullest to the emptiest, by how far each is from its share as a part of its capacity.
/// Each move lowers the sum of the squared distances, weighted by capacity, so that balancing ends;
/// it goes from a server above its share to one below, so that little is moved that need not be.
class Balancing {
 public:
  explicit Balancing(Draft& draft) : draft_(draft), view_(draft.view()), parties_(parties(draft)) {
    double total = 0, replicas = 0;
    for (const Party& party : parties_) {
      total += static_cast<double>(draft.projected(party.slot));
      replicas += static_cast<double>(view_.server(party.slot).chunks.size());
    }
    set_desired(parties_, total);
    mean_chunk_ = replicas > 0 ? total / replicas : 0;
    for (Party& party : parties_) {
      const double band = party.desired * draft.limits().dead_band.value();
      party.band = draft.limits().dead_band.value() > 0 ? std::max(mean_chunk_, band) : 0;
    }
  }

  /// A large chunk may take a server past its share, which then gives where it took: it is looked
  /// at all of them again until nothing more is found. What is less than a chunk is worth no such
  /// second look.
  void run() {
    party_at_.assign(view_.server_slots(), kNoParty);
    for (std::uint32_t i = 0; i < parties_.size(); ++i) party_at_[parties_[i].slot] = i;
    for (bool moved = true; moved && !draft_.full() && looks_left_ > 0;) {
      if (!any_out_of_band()) return;
      const std::size_t before = draft_.copies().size();
      take_sides();
      level();
      moved = draft_.copies().size() > before;
      for (Party& party : parties_) party.band = std::max(party.band, mean_chunk_);
    }
  }

 private:
  static constexpr std::uint32_t kNoParty = UINT32_MAX;
  static constexpr std::size_t kCellsAhead = 20;  ///< of which some are empty
  struct Move {
    Chunk chunk;
    double size;
    ServerSlot target;
    bool fits;  ///< neither of the two passes its share with it
  };

  void take_sides() {
    sources_ = targets_ = ServerHeap();
    for (Party& party : parties_) {
      const double over = surplus(party);
      const std::size_t cells = view_.server(party.slot).chunks.cells();
      if (over > 0 && cells > 0) {
        // At another place each time: what could not be moved then is not in the way now.
        party.cursor = mixed(party.slot + (turn() << 20)) % cells;
        sources_.add(party.slot, -over / party.capacity);
      } else if (over < 0 && draft_.may_copy_in(party.slot, Bytes(0))) {
        targets_.add(party.slot, over / party.capacity);
      }
    }
    sources_.order();
    targets_.order();
  }

  void level() {
    while (!draft_.full() && looks_left_ > 0 && !sources_.empty() && !targets_.empty()) {
      if (surplus(party(sources_.top())) <= 0) break;
      serve_some();
    }
  }

  Party& party(ServerSlot slot) { return parties_[party_at_[slot]]; }
  const Party& party(ServerSlot slot) const { return parties_[party_at_[slot]]; }

  bool any_out_of_band() const {
    bool over = false, under = false, out = false;
    for (const Party& party : parties_) {
      const double by = surplus(party);
      over |= by > 0;
      under |= by < 0;
      out |= std::abs(by) > party.band;
    }
    return over && under && out;
  }

  /// Another number with every quarter of a second.
  std::size_t turn() const {
    return static_cast<std::size_t>(draft_.now().time_since_epoch().count()) / 250;
  }

  double surplus(const Party& party) const {
    return static_cast<double>(draft_.projected(party.slot)) - party.desired;
  }

  /// Whether moving `size` bytes lowers the sum, by more than what rounding may make of nothing.
  static bool improves(const Party& source, const Party& target, double over, double under,
                       double size) {
    constexpr double kMoreThanRounding = 1 + 1e-9;
    return 2 * (over / source.capacity + under / target.capacity) >
           size * (1 / source.capacity + 1 / target.capacity) * kMoreThanRounding;
  }

  /// Racks and zones that no other replica is in are worth more than evenness.
  bool keeps_spread(const Spread& others, ServerSlot source, ServerSlot target) const {
    if (!draft_.limits().prefer_spread) return true;
    const Place &from = view_.place(source), &to = view_.place(target);
    const auto worse = [&](SpreadLevel level) {
      return others.has(level, to.at(level)) && !others.has(level, from.at(level));
    };
    return !worse(SpreadLevel::kRack) && !worse(SpreadLevel::kZone);
  }

  bool keeps_preference(PolicyId policy, ServerSlot source, ServerSlot target) const {
    return !view_.policies().has_preference(policy) || view_.prefers(policy, target) ||
           !view_.prefers(policy, source);
  }

  /// Live, at its goal, with nothing under way, and whole on `source`.
  bool movable(ChunkSlot slot, ServerSlot source) const {
    const ChunkTable& table = view_.table();
    if (table.life(slot) != ChunkLife::kLive || table.queue(slot) != Queue::kNone) return false;
    if (table.busy(slot) || table.bytes(slot).count() == 0) return false;
    int staying = 0;
    for (const PackedReplica replica : table.replicas(slot)) {
      const ServerSlot server = replica.server();
      staying += replica.valid() && view_.counts(server) && view_.stays(server);
      if (server != source) continue;
      if (replica.state() != ReplicaState::kValid || replica.leaving()) return false;
    }
    return staying == table.goal(slot);
  }

  std::optional<ServerSlot> target_for(const Chunk& chunk, const Party& source) {
    constexpr int kVisits = 32;
    const double over = surplus(source), size = static_cast<double>(chunk.size.count());
    const Spread others = spread_of(draft_, chunk, source.slot);
    const auto may_take = [&](ServerSlot slot) {
      const Party& target = party(slot);
      const double under = -surplus(target);
      if (under <= 0 || !improves(source, target, over, under, size)) return false;
      if (over <= source.band && under <= target.band) return false;
      if (!draft_.may_copy_in(slot, chunk.size)) return false;
      return !refusal(draft_, chunk, slot, others) &&
             keeps_preference(chunk.policy, source.slot, slot) &&
             keeps_spread(others, source.slot, slot);
    };
    const Copysets* sets = view_.copysets(chunk.goal, draft_.limits().scatter_width);
    if (sets && sets->together(holding(draft_, chunk))) {
      return emptiest(sets->beside(holding(draft_, chunk, source.slot)), may_take);
    }
    return targets_.first(may_take, kVisits);
  }

  template <class MayTake>
  std::optional<ServerSlot> emptiest(const std::vector<ServerSlot>& servers,
                                     const MayTake& may_take) const {
    std::optional<ServerSlot> best;
    for (const ServerSlot server : servers) {
      if (!targets_.contains(server) || !may_take(server)) continue;
      if (!best || targets_.key(server) < targets_.key(*best)) best = server;
    }
    return best;
  }

  /// Whether moving it to the emptiest of all would.
  bool could_help(ChunkSlot slot, const Party& source) const {
    const double size = static_cast<double>(view_.table().bytes(slot).count());
    const Party& emptiest = party(targets_.top());
    return improves(source, emptiest, surplus(source), -surplus(emptiest), size);
  }

  std::optional<Move> consider(ChunkSlot slot, const Party& source) {
    const double over = surplus(source);
    const double size = static_cast<double>(view_.table().bytes(slot).count());
    if (!movable(slot, source.slot) || draft_.excluded(slot)) return std::nullopt;
    if (draft_.touched(slot)) return std::nullopt;
    Move move{.chunk = view_.chunk(slot), .size = size, .target = kNoServer, .fits = false};
    const auto target = target_for(move.chunk, source);
    if (!target) return std::nullopt;
    move.target = *target;
    move.fits = size <= std::min(over, -surplus(party(*target)));
    return move;
  }

  static bool better(const Move& a, const Move& b) {
    if (a.fits != b.fits) return a.fits;
    return a.fits ? a.size > b.size : a.size < b.size;
  }

  /// Of a bounded sample of what `source` holds, the largest chunk that neither of the two passes
  /// its share with, or else the smallest that still improves: fewest bytes for what is gained. The
  /// first of at least middling size will do, where there is far to go.
  bool move_one(Party& source) {
    constexpr std::size_t kSample = 16, kLooks = 1024, kTooLarge = 256, kOfOneSize = 16,
                          kSampleOfOneSize = 3;
    const SlotSet& held = *source.held;
    std::optional<Move> best;
    std::size_t sampled = 0, too_large = 0;
    std::optional<Bytes> size;
    bool of_one_size = true;
    const auto note_size = [&](ChunkSlot slot) {
      const Bytes another = view_.table().bytes(slot);
      of_one_size &= !size || *size == another;
      size = another;
    };
    for (std::size_t i = 0; i < std::min(held.cells(), kLooks) && looks_left_ > 0; ++i) {
      const std::uint32_t slot = next(held, source);
      if (slot == IndexTable::kNone) continue;
      --looks_left_;
      if (!could_help(slot, source)) {
        note_size(slot);
        // Where all are of one size, the next one will be too.
        const std::size_t enough = of_one_size ? kOfOneSize : kTooLarge;
        if (++too_large >= enough && sampled == 0) break;
        continue;
      }
      auto move = consider(slot, source);
      if (!move) continue;
      if (!best || better(*move, *best)) best = std::move(move);
      if (best->fits && best->size >= mean_chunk_ / 2) break;
      note_size(slot);
      if (++sampled == (of_one_size ? kSampleOfOneSize : kSample)) break;
    }
    return best && order(*best, source);
  }

  std::uint32_t next(const SlotSet& held, Party& source) const {
    const std::uint32_t slot = held.cell(source.cursor);
    if (++source.cursor == held.cells()) source.cursor = 0;
    return slot;
  }

  /// The fullest few, one after the other. What they hold is far away in memory: it is fetched for
  /// all of them before the first is served.
  void serve_some() {
    constexpr std::size_t kFew = 8;
    std::array<ServerSlot, kFew> few{};
    std::size_t taken = 0;
    for (; taken < kFew && !sources_.empty(); ++taken) {
      few[taken] = sources_.top();
      sources_.remove(few[taken]);
    }
    for (std::size_t i = 0; i < taken; ++i) {
      const Party& source = party(few[i]);
      source.held->prefetch(source.cursor);
      source.held->prefetch(std::min(source.cursor + kCellsAhead, source.held->cells()) - 1);
    }
    for (std::size_t i = 0; i < taken; ++i) prefetch_rows(party(few[i]));
    for (std::size_t i = 0; i < taken; ++i) {
      Party& source = party(few[i]);
      if (move_some(source)) sources_.insert(source.slot, -surplus(source) / source.capacity);
    }
  }

  /// How many chunks of it are moved before others have their turn: a part of what it has to give.
  int share_of(const Party& source) const {
    const double chunks = mean_chunk_ > 0 ? surplus(source) / mean_chunk_ : 0;
    return std::clamp(static_cast<int>(chunks / 4), 1, 8);
  }

  /// As many as it will be looked through for, and two to spare: some cannot be moved.
  void prefetch_rows(const Party& source) const {
    int wanted = share_of(source) + 2;
    const std::size_t end = std::min(source.held->cells(), source.cursor + kCellsAhead);
    for (std::size_t ahead = source.cursor; ahead < end && wanted > 0; ++ahead) {
      const std::uint32_t slot = source.held->cell(ahead);
      if (slot == IndexTable::kNone) continue;
      view_.table().prefetch(slot);
      --wanted;
    }
  }

  /// False if nothing more can be done for it.
  bool move_some(Party& source) {
    const int some = share_of(source);
    for (int i = 0; i < some && !draft_.full() && !targets_.empty(); ++i) {
      if (surplus(source) <= 0 || !move_one(source)) return false;
    }
    return true;
  }

  bool order(const Move& move, Party& source) {
    const auto copy_from = choose_source(draft_, move.chunk, move.target);
    if (!copy_from) return false;
    draft_.replicate(move.chunk.slot, *copy_from, move.target, Reason::kBalance, source.slot);
    const Party& target = party(move.target);
    if (draft_.may_copy_in(move.target, Bytes(0))) {
      targets_.update(move.target, surplus(target) / target.capacity);
    } else {
      targets_.remove(move.target);
    }
    return true;
  }

  Draft& draft_;
  const ClusterView& view_;
  std::vector<Party> parties_;
  std::vector<std::uint32_t> party_at_;  // by server slot
  ServerHeap sources_, targets_;
  double mean_chunk_ = 0;
  int looks_left_ = 4 * draft_.limits().examined_per_turn;  ///< at chunks, in this plan
};

}  // namespace

void balance(Draft& draft) {
  if (draft.full() || draft.view().deletes_held() || EK_MUTANT(never_balanced)) return;
  // Bandwidth that a chunk at risk could have is not spent on evenness. Chunks that cannot be
  // helped are set aside, and do not stand in these queues.
  for (const Queue risk : {Queue::kRisk1, Queue::kRiskDomain, Queue::kRisk2, Queue::kRisk3}) {
    for (const ChunkSlot slot : draft.view().queue(risk)) {
      if (!draft.touched(slot)) return;
    }
  }
  draft.set_urgency(Urgency::kBackground);
  Balancing(draft).run();
}

}  // namespace evenkeel
