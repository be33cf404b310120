#include "services/rebalancer/core/evening.h"

#include <algorithm>
#include <map>
#include <vector>

#include "services/rebalancer/core/placement.h"

namespace evenkeel {
namespace {

class Evening {
 public:
  explicit Evening(Draft& draft) : draft_(draft), view_(draft.view()) {
    for (std::size_t i = 0; i < draft.copies().size(); ++i) {
      copies_to_[draft.copies()[i].target].push_back(i);
    }
  }

  void run() {
    std::vector<ServerSlot> fullest_first;
    for (const auto& [server, copies] : copies_to_) fullest_first.push_back(server);
    std::sort(fullest_first.begin(), fullest_first.end(), [&](ServerSlot a, ServerSlot b) {
      return std::pair(draft_.use(b), a) < std::pair(draft_.use(a), b);
    });
    const double level = mean_use();
    for (const ServerSlot server : fullest_first) {
      if (draft_.use(server) <= level) break;
      while (steps_left_ > 0 && relieve(server)) --steps_left_;
    }
  }

 private:
  double mean_use() const {
    double bytes = 0, all = 0;
    draft_.by_use().first(
        [&](ServerSlot server) {
          bytes += static_cast<double>(draft_.projected(server));
          all += capacity(server);
          return false;
        },
        -1);
    return all > 0 ? bytes / all : 1;
  }

  double size_of(std::size_t copy) const {
    return static_cast<double>(view_.table().bytes(draft_.copies()[copy].chunk).count());
  }
  double capacity(ServerSlot server) const {
    return static_cast<double>(view_.server(server).member.capacity.count());
  }
  /// Whether a chunk of `size` moved from one to the other lowers the sum of squared distances.
  bool improves(ServerSlot from, ServerSlot to, double size) const {
    return 2 * (draft_.use(from) - draft_.use(to)) >
           size * (1 / capacity(from) + 1 / capacity(to)) * (1 + 1e-9);
  }

  /// Other copies of the same chunk in this plan count as its replicas.
  bool allowed(std::size_t copy, ServerSlot target) const {
    const Copy& one = draft_.copies()[copy];
    Chunk chunk = view_.chunk(one.chunk);
    for (std::size_t i = copy; i-- > 0 && draft_.copies()[i].chunk == one.chunk;) {
      chunk.replicas.push_back(Replica{.server = draft_.copies()[i].target});
    }
    for (std::size_t i = copy + 1;
         i < draft_.copies().size() && draft_.copies()[i].chunk == one.chunk; ++i) {
      chunk.replicas.push_back(Replica{.server = draft_.copies()[i].target});
    }
    return draft_.within_least_share(target, chunk.size) &&
           draft_.may_copy_in(target, chunk.size) && !refusal(draft_, chunk, target);
  }

  void move(std::size_t copy, ServerSlot target) {
    std::erase(copies_to_[draft_.copies()[copy].target], copy);
    copies_to_[target].push_back(copy);
    draft_.retarget(copy, target);
  }

  /// One copy of `server`'s elsewhere, straight or by way of a third.
  bool relieve(ServerSlot server) {
    constexpr int kTargets = 12;
    double smallest = 0;
    for (const std::size_t copy : copies_to_[server]) {
      const double size = size_of(copy);
      if (smallest == 0 || size < smallest) smallest = size;
    }
    if (!improves(server, draft_.by_use().top(), smallest)) return false;
    std::vector<ServerSlot> emptier;
    draft_.by_use().first(
        [&](ServerSlot candidate) {
          emptier.push_back(candidate);
          return false;
        },
        kTargets);
    for (const ServerSlot target : emptier) {
      for (const std::size_t copy : copies_to_[server]) {
        if (!improves(server, target, size_of(copy)) || !allowed(copy, target)) continue;
        move(copy, target);
        return true;
      }
    }
    for (const ServerSlot target : emptier) {
      for (const std::size_t copy : copies_to_[server]) {
        if (improves(server, target, size_of(copy)) && by_way_of_a_third(copy, target)) return true;
      }
    }
    return false;
  }

  /// `copy` takes the place of another of its size, which goes to `target`.
  bool by_way_of_a_third(std::size_t copy, ServerSlot target) {
    constexpr std::size_t kThirds = 64;
    const std::size_t all = draft_.copies().size();
    const ServerSlot from = draft_.copies()[copy].target;
    for (std::size_t i = 1; i <= std::min(kThirds, all - 1); ++i) {
      const std::size_t other = (copy + i * 7919) % all;
      const ServerSlot third = draft_.copies()[other].target;
      if (other == copy || third == from || third == target) continue;
      if (draft_.copies()[other].chunk == draft_.copies()[copy].chunk) continue;
      if (size_of(other) != size_of(copy)) continue;
      if (!allowed(other, target) || !allowed(copy, third)) continue;
      move(other, target);
      move(copy, third);
      return true;
    }
    return false;
  }

  Draft& draft_;
  const ClusterView& view_;
  std::map<ServerSlot, std::vector<std::size_t>> copies_to_;
  std::size_t steps_left_ = draft_.copies().size() + 64;
};

}  // namespace

void even_out(Draft& draft) {
  if (!draft.copies().empty()) Evening(draft).run();
}

}  // namespace evenkeel
