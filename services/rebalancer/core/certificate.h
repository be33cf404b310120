#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "services/rebalancer/core/placement.h"

namespace evenkeel {

/// What an operator is about to do, or fears. Servers that are not known are left out.
struct Proposal {
  std::vector<ServerId> leaving;  ///< drain, decommission: emptied, and copied from while they are
  std::vector<ServerId> away;     ///< maintenance: what stays safe without them stays where it is
  std::vector<ServerId> lost;     ///< what they hold is gone
  std::vector<std::pair<ChunkId, int>> goals;  ///< chunks that are to have another goal; none twice
};

/// How fast copies are made.
struct Pace {
  Bytes per_server;  ///< a second in, and as much out
};
/// What the settings bound a copy to or, without a bound, 100 MB/s: a link of 1 Gbit/s.
Pace pace_of(const Limits& limits);

/// Chunks for which there is no place, all for the same rules.
struct Obstacle {
  std::vector<Refusal> rules;  ///< in the order of Refusal; never empty
  std::uint64_t chunks = 0;
  ChunkId example;
};

/// Whether what is proposed can be done, and what it costs; the answer before it is begun.
///
/// It needs the places that its chunks would then be short of: as many as their goal, less the
/// replicas that are projected and not on the servers in question. Chunks that are short now and
/// are not touched by the proposal are not counted, nor is the room that they will take.
///
/// It is *possible* if all these places can be found at once: each on a server that passes every
/// rule for it, no two of one chunk in one failure domain, and on no server more than it has room
/// for. Budgets are no rules: who is busy now is not so for ever. A server of the proposal takes
/// nothing, and no server takes two replicas of one chunk; that is not open to discussion, every
/// other rule is.
///
/// If it is *impossible*, `obstacles` says what makes it so. A set of rules makes it impossible if
/// it stays impossible with all other rules switched off: everyone alive, reported, in service,
/// carrying every label, on a host of its own, with room without end. Switching a rule on never
/// makes anything possible, so there are minimal sets: those of which no proper subset makes it
/// impossible. The first obstacle is a smallest of them all (among equals, the first in the order
/// of Refusal). The obstacles after it stand for chunks that have no place even if they were alone
/// in needing one, each with a smallest set for that chunk, most chunks first. Where servers are
/// too few even without rules, the set is {kHoldsReplica}.
///
/// Spread, labels and the states of servers are decided exactly. Room for chunks of different sizes
/// is a packing problem: it is decided exactly where few chunks or a clear lack are concerned, and
/// may otherwise remain *unproven*: no way was found, nor a reason why there is none.
struct Certificate {
  enum class Verdict { kPossible, kImpossible, kUnproven };
  /// The server that most bytes go through, one way.
  struct Hottest {
    ServerId server;
    Bytes in, out;
  };

  Verdict verdict = Verdict::kPossible;
  std::uint64_t affected = 0;  ///< chunks that the proposal is about
  std::uint64_t chunks = 0;    ///< of these, those that need a copy or more
  std::uint64_t copies = 0;
  Bytes bytes;             ///< of all these copies
  Bytes freed;             ///< of replicas beyond a lower goal
  std::uint64_t lost = 0;  ///< chunks of which no valid replica would be left
  std::optional<ChunkId> lost_example;
  /// Chunks with copies to be made and no source at work now: the time is counted without them.
  std::uint64_t sourceless = 0;
  Duration time{0};                 ///< until the hottest server is done; not below it
  std::optional<Hottest> hottest;   ///< none if nothing is copied, or it is not possible
  std::vector<Obstacle> obstacles;  ///< none if it is possible

  bool possible() const { return verdict == Verdict::kPossible; }
};

/// Looks at the chunks of the proposal and at every server, at no other chunk: milliseconds for a
/// server with thousands of chunks among ten thousand. Pure.
Certificate certificate(const ClusterView& view, const Limits& limits, Instant now,
                        const Proposal& proposal, const Pace& pace);

const char* to_string(Certificate::Verdict verdict);
/// "too full, same host: 12 chunks, c7 among them"; for people.
std::string in_words(const Obstacle& obstacle);

}  // namespace evenkeel
