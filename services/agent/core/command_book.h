#pragma once
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "common/model/command.h"
#include "services/agent/core/backoff.h"
#include "services/agent/core/command_state.h"

namespace evenkeel::agent {

/// Why a command is not done, by name and for people.
struct Refusal {
  Why why;
  std::string detail;
};

/// What is to be done about a command that has come.
struct Begin {};     ///< new: do it
struct UnderWay {};  ///< known and not finished: nothing to do
struct Endorse {};   ///< known and not finished, and now named in the epoch that the book has, as
                     ///< what it was
struct Repeat {      ///< finished before: say this again
  CommandResult result;
};
struct Decline {  ///< new, and not to be done: journal this refusal as its result
  Refusal refusal;
};
struct TooOld {  ///< so old that its result may have been forgotten: refuse, change nothing
  Refusal refusal;
};
using Receipt = std::variant<Begin, UnderWay, Endorse, Repeat, Decline, TooOld>;

/// Knows every command that this storage was given and makes sure that each has one effect and one
/// result. It is told the time and does nothing by itself:
///
///     receive() -> Begin -> begin() -> ... -> fence() -> place() -> (journal) -> finish()
///     due() -> send them -> confirm() -> forget() -> (journal)
///
/// When the epoch rises, what is not finished goes on but may have no effect before the rebalancer
/// of the new epoch has named it too:
///
///     raise() -> receive() -> Endorse -> ... -> end_unendorsed()
///
/// Results enter it after the journal has committed them, never before.
class CommandBook {
 public:
  struct Limits {
    std::size_t confirmed_kept = 100'000;  ///< results kept after they were confirmed
    Duration repeat_first{1'000};          ///< pause before a result is said again; doubles
    Duration repeat_longest{30'000};
  };
  /// What the journal remembers.
  struct Past {
    struct Known {
      CommandResult result;
      bool confirmed = false;
    };
    std::optional<CommandId> watermark;  ///< ids up to this one may have been forgotten
    std::vector<Known> results;
    std::optional<CommandId> intended;  ///< highest delete that was begun, its result known or not
  };

  CommandBook(StorageId storage, Epoch epoch, Past past, Limits limits);

  /// `epoch` is that of the message in which it came and must be the book's own.
  Receipt receive(const Command& command, Epoch epoch, Instant now);
  void begin(CommandId id) { go(id, CommandState::kWorking); }
  /// Why it is to be ended now, whatever has been done for it. Nothing: go on.
  std::optional<Refusal> fence(CommandId id, Instant now) const;
  /// The last look before an effect: false as long as it was named in a lower epoch only.
  bool endorsed(CommandId id) const;
  void place(CommandId id) { go(id, CommandState::kPlacing); }
  /// To be said at `now` for the first time.
  void finish(const CommandResult& result, Instant now);

  /// At most `most` results whose time to be said has come; each is due again after a pause.
  std::vector<CommandResult> due(Instant now, std::size_t most);
  /// False if there is nothing to confirm: not finished, or confirmed before.
  bool confirm(CommandId id);
  /// Makes a result that was confirmed, or is waiting, due at once: it was asked for again.
  void say_again(const CommandResult& result, Instant now);
  /// The confirmed results that are over the limit, oldest id first. They are gone from the book.
  std::vector<CommandId> forget();

  /// From now on only commands of `epoch` are begun, and the others wait to be endorsed.
  void raise(Epoch epoch);
  /// All that is open has been named: what was not is over. Gives those accepted or working: their
  /// fence is down, and they should be ended now rather than at their end.
  std::vector<CommandId> end_unendorsed();
  /// Nobody wants these any more. Gives those of them that are accepted or working, as
  /// end_unendorsed() does; the others are not known, past their last look at the fence, or
  /// deletes, which end by themselves only.
  std::vector<CommandId> withdraw(const std::vector<CommandId>& commands);

  Epoch epoch() const { return epoch_; }
  bool knows(CommandId id) const;
  std::optional<CommandId> highest() const { return highest_; }
  std::optional<CommandId> watermark() const { return watermark_; }
  std::size_t unconfirmed() const { return unsaid_.size(); }
  std::optional<CommandState> state(CommandId id) const;
  /// Null: not known, or not finished. Valid until the book forgets it.
  const CommandResult* result(CommandId id) const;

 private:
  enum class Over { kNo, kNotNamed, kWithdrawn };
  struct Entry {
    CommandState state = CommandState::kAccepted;
    Epoch epoch;                      // the last one in which it was named
    std::optional<Instant> deadline;  // none: a delete
    std::optional<CommandResult> result;
    Over over = Over::kNo;
    CommandKind kind = CommandKind::kReport;
    std::optional<ChunkContent> content = {};
    bool open() const {
      return state == CommandState::kAccepted || state == CommandState::kWorking;
    }
  };
  struct Saying {
    Instant at;
    Backoff backoff;
  };
  void go(CommandId id, CommandState to);
  Entry accepted(const Command& command, Epoch epoch, Instant now) const;
  Receipt under_way(Entry& entry, const Command& command, Epoch epoch, Instant now);
  std::optional<Refusal> objection(const Command& command, Epoch epoch) const;

  const StorageId storage_;
  const Limits limits_;
  Epoch epoch_;
  std::optional<CommandId> watermark_;
  std::optional<CommandId> highest_;
  std::map<CommandId, Entry> entries_;
  std::map<CommandId, Saying> unsaid_;       // finished, not confirmed
  std::map<CommandId, CommandResult> once_;  // refusals that are in no journal: said once
  std::set<CommandId> confirmed_;
};

}  // namespace evenkeel::agent
