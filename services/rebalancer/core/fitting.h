#pragma once
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace evenkeel {

/// Which rules are enforced, or which of them a place breaks; one bit each.
using RuleSet = std::uint8_t;
inline constexpr RuleSet kRuleAlive = 1, kRuleReported = 2, kRuleInService = 4, kRuleSpread = 8,
                         kRuleLabels = 16, kRuleRoom = 32, kAllRules = 63;

/// The problem of finding places for replicas of many chunks at once, in numbers alone. Places are
/// servers that replicas might go to, items are chunks; both are named by their index.
struct Fitting {
  /// The domains that a place is in: its host, its rack, its zone. Numbered from 0 in each level.
  using Domains = std::array<std::uint32_t, 3>;

  struct Place {
    std::int64_t room = 0;  ///< bytes; may be below 0
    double held = 0;        ///< bytes now; the emptier, as a share of its capacity,
    double capacity = 1;    ///< the better
    RuleSet broken = 0;     ///< of alive, reported, in service
    Domains domains{};
  };
  /// What chunks of one policy have in common.
  struct Kind {
    std::size_t level = 0;         ///< into Domains: no two replicas of a chunk in one of these
    std::vector<bool> unlabelled;  ///< by place: whether labels forbid it; empty: nowhere
  };
  struct Item {
    std::int64_t size = 0;
    int count = 0;  ///< how many places it needs, all different; 1 at least
    std::uint32_t kind = 0;
    std::vector<Domains> others;          ///< where its other replicas are
    std::vector<std::uint32_t> barred;    ///< places that hold a replica of it
    std::vector<std::uint32_t> in_place;  ///< places where it replaces one, and takes no room
  };

  std::vector<Place> places;
  std::vector<Kind> kinds;
  std::vector<Item> items;
};

struct Fit {
  enum class Verdict {
    kFits,
    kDoesNot,  ///< proved
    kUnknown   ///< no way was found within the effort, nor a proof that there is none
  };
  Verdict verdict = Verdict::kFits;
  /// By item, the places that were found for it; with kFits, as many as it needs.
  std::vector<std::vector<std::uint32_t>> placed;
  std::vector<std::uint32_t> without;  ///< items that lack a place
};

/// Whether all items find their places together, with the rules in `on` enforced. Where there is a
/// choice it is made as the planner would: other zones and racks first, then the emptiest place.
/// Never kUnknown without kRuleRoom.
Fit fit(const Fitting& problem, RuleSet on);

/// Whether one item would find its places if no other needed any. Exact. Keeps what it works out
/// about the places for the next item, so that each costs little.
class FitAlone {
 public:
  explicit FitAlone(const Fitting& problem) : problem_(problem) {}
  bool operator()(const Fitting::Item& item, RuleSet on);

 private:
  /// The domains at one kind's level that have a place which passes.
  struct Open {
    std::vector<std::int64_t> best_room;  ///< by domain: of its places that pass, the roomiest
    std::vector<std::int64_t> rooms;      ///< the same of those that have one, ascending
  };
  static constexpr std::size_t kLevels = 4;  ///< the last: each place for itself

  std::size_t level_of(const Fitting::Item& item, RuleSet on) const;
  const std::vector<std::vector<std::uint32_t>>& places_by(std::size_t level);
  const Open& open(std::uint32_t kind, std::size_t level, RuleSet on);
  bool has_place(const Fitting::Item& item, const std::vector<std::uint32_t>& places,
                 RuleSet on) const;

  const Fitting& problem_;
  std::array<std::vector<std::vector<std::uint32_t>>, kLevels> by_level_;
  std::vector<std::pair<std::uint32_t, Open>> open_;  ///< by kind and rules in one number
};

// Between the parts of it only.
namespace fitting {

/// Whether the rules that look at one place and one item allow it; room aside.
bool allows(const Fitting& problem, const Fitting::Item& item, std::uint32_t place, RuleSet on);
/// Whether both may hold a replica of the same chunk.
bool apart(const Fitting& problem, const Fitting::Item& item, std::uint32_t a, std::uint32_t b,
           RuleSet on);
/// The room that it takes there.
std::int64_t cost(const Fitting::Item& item, std::uint32_t place);

/// Tries every way, up to a bound on the effort.
Fit fit_exactly(const Fitting& problem, RuleSet on);

}  // namespace fitting
}  // namespace evenkeel
