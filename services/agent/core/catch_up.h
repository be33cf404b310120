#pragma once
#include <optional>

#include "common/base/time.h"
#include "common/model/ids.h"
#include "services/agent/core/backoff.h"

namespace evenkeel::agent {

/// Decides when the open commands have to be asked for: publications may be lost, the first and the
/// last of them too. A gap is seen by the id that should have come; silence by the beacon that did
/// not.
class CatchUp {
 public:
  explicit CatchUp(Instant now) : beacon_(now), next_pull_(now) {}

  /// Everything that is open has to be asked for: after a start, after a new epoch.
  void want();
  /// `issued` is the id that a beacon or the publication after it names; `known` whether the book
  /// has it.
  void heard_of(std::optional<CommandId> issued, bool known);
  void heard_beacon(Instant now) { beacon_ = now; }

  struct Question {
    std::optional<CommandId> after;
  };
  /// What to ask now, if anything. Asked again after a pause that grows until an answer comes.
  std::optional<Question> question(Instant now);
  /// The answer to the question about what comes after `after`: `last` is the id of its last item.
  /// One to an earlier question counts for nothing. True: all that is open has been named.
  bool answered(std::optional<CommandId> after, std::optional<CommandId> last, bool more,
                Instant now);

 private:
  static constexpr Duration kSilence{3'000};
  bool missing_ = true;
  std::optional<CommandId> highest_;  // issued, as far as we were told
  std::optional<CommandId> asked_;    // highest_ when the question now under way was first asked
  std::optional<CommandId> settled_;  // what was issued up to here has come, or is closed
  std::optional<CommandId> after_;    // how far the answers have got
  Instant beacon_;
  Instant next_pull_;
  Backoff backoff_{Duration(1'000), Duration(30'000)};
};

}  // namespace evenkeel::agent
