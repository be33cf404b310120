#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "services/rebalancer/core/policy.h"

namespace evenkeel {

/// The policies, and for each which servers its label rules hold for, worked out once: asking is
/// one look at a bit. Servers are named by their slots in the view, which are given out from 0.
class PolicyBook {
 public:
  PolicyBook();

  /// A policy, new or changed. Its goal, spread or name may change without the rest.
  void set(const Policy& policy);
  /// Chunks that still bear it go by the default policy. Never that one.
  void remove(PolicyId id);
  /// A server's labels, new or changed. True if some rule holds for it now and did not before, or
  /// the other way round, or if the server is new.
  bool set_labels(std::uint32_t server, const Labels& labels);

  /// The policy of that id; the default one where there is none.
  const Policy& at(PolicyId id) const { return row(id).policy; }
  const Policy* find(PolicyId id) const;
  const Policy* find(std::string_view name) const;
  std::vector<Policy> all() const;  ///< by id
  /// The lowest id that is free; nothing if all are taken.
  std::optional<PolicyId> unused() const;

  SpreadLevel spread(PolicyId id) const { return at(id).spread; }
  /// Whether a replica may be on that server, by its labels.
  bool allows(PolicyId id, std::uint32_t server) const { return has(row(id).allowed, server); }
  bool prefers(PolicyId id, std::uint32_t server) const { return has(row(id).preferred, server); }
  /// Some server is refused; without it nobody need ask allows().
  bool restricts(PolicyId id) const { return !at(id).required.empty(); }
  bool has_preference(PolicyId id) const { return !at(id).preferred.empty(); }

  /// Aborts if a bit is not what the rules say.
  void check() const;

 private:
  using Bits = std::vector<std::uint64_t>;
  struct Row {
    Policy policy;
    Bits allowed, preferred;
  };
  static bool has(const Bits& bits, std::uint32_t server) {
    return (bits[server / 64] >> (server % 64) & 1) != 0;
  }
  const Row& row(PolicyId id) const {
    const std::uint16_t place = id.value() < Policy::kMax ? place_[id.value()] : std::uint16_t{0};
    return rows_[place];
  }
  bool work_out(Row& row, std::uint32_t server);
  void work_out(Row& row);

  std::vector<Row> rows_;                            // the default one first
  std::array<std::uint16_t, Policy::kMax> place_{};  // of a policy in rows_; 0: the default one
  std::vector<Labels> labels_;                       // by server
};

}  // namespace evenkeel
