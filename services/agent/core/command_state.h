#pragma once
#include <array>
#include <cstddef>

namespace evenkeel::agent {

/// The life of a command on an agent.
enum class CommandState {
  kAccepted,  ///< known, not begun: it may be waiting for its turn
  kWorking,   ///< bytes move, nothing that counts has changed
  kPlacing,   ///< past the last look at the fence: files are being renamed
  kFinished,  ///< the journal holds its result, which is repeated until it is confirmed
  kConfirmed  ///< the rebalancer has the result; kept so that a late repetition is known
};
inline constexpr std::size_t kCommandStates = 5;

/// Row: from; column: to. Every way a command can go is here, and nowhere else.
///
///                        Accepted  Working  Placing  Finished  Confirmed
inline constexpr std::array<std::array<bool, kCommandStates>, kCommandStates> kMayGo{{
    /* Accepted  */ {{false, true, false, true, false}},
    /* Working   */ {{false, false, true, true, false}},
    /* Placing   */ {{false, false, false, true, false}},
    /* Finished  */ {{false, false, false, false, true}},
    /* Confirmed */ {{false, false, false, false, false}},
}};

constexpr bool may_go(CommandState from, CommandState to) {
  return kMayGo[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
}

/// Whether its result is known, and thus final.
constexpr bool has_result(CommandState state) {
  return state == CommandState::kFinished || state == CommandState::kConfirmed;
}

static_assert(!may_go(CommandState::kAccepted, CommandState::kPlacing), "never placed unchecked");
static_assert(!may_go(CommandState::kPlacing, CommandState::kConfirmed), "journal before ack");
static_assert(!may_go(CommandState::kFinished, CommandState::kWorking), "one effect for ever");

}  // namespace evenkeel::agent
