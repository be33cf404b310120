#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/time.h"
#include "common/model/command.h"

namespace evenkeel {

/// What an operator wants explained.
using Subject = std::variant<ChunkId, ServerId, CommandId>;

/// A server that might take a replica, and all that it has against it.
struct Candidate {
  ServerId server;
  std::vector<std::string> refusals;  ///< in words; none: it may take it
  /// How full it would say it is, all that is under way counted in: millionths of its capacity.
  std::optional<std::uint64_t> use_ppm;
};

/// A decision as it is kept: the command that was issued, why, and what was not chosen.
struct Decision {
  CommandId command;
  CommandKind kind = CommandKind::kReplicate;
  Reason reason = Reason::kRepair;
  std::optional<ChunkId> chunk;
  ServerId server;
  std::optional<ServerId> source, drop;
  std::string state;  ///< open, done, failed, refused, superseded
  std::string why;    ///< how it ended
  std::string because;
  Timestamp issued{};
  std::optional<Timestamp> closed;
  std::vector<Candidate> others;  ///< the best of those that were not chosen
};

struct Explain {
  Subject what;
};

/// The answer: what it is, what stands in its way, who could take it, and what was decided.
struct Explained {
  /// At most, each. Whoever makes an answer keeps to them.
  static constexpr std::size_t kFactsMax = 128, kCausesMax = 32, kCandidatesMax = 100,
                               kDecisionsMax = 50;

  struct Fact {
    std::string label, value;
  };
  /// Something without which it would go on. All of them have to go before it does.
  struct Cause {
    std::string kind;  ///< a word of a closed list, for programs; see schema/wire/README.md
    std::string text;
  };

  Subject what = ChunkId(0);
  std::string verdict;  ///< one sentence
  std::vector<Fact> facts;
  std::vector<Cause> causes;          ///< none: nothing stands in its way, or nothing is to be done
  std::vector<Candidate> candidates;  ///< those with the least against them first
  std::uint64_t candidates_total = 0;  ///< of which those are a part
  std::vector<Decision> decisions;     ///< the newest first
};

}  // namespace evenkeel
