#pragma once
#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "common/base/result.h"
#include "common/model/control.h"
#include "common/reactor/loop.h"
#include "common/reactor/signals.h"
#include "tools/cli/control_client.h"

namespace evenkeel::cli {

/// What all commands share.
struct Options {
  std::string control = "tcp://127.0.0.1:7413";
  std::string database = "/var/lib/evenkeel/rebalancer/rebalancer.db";
  std::string cluster = "evenkeel";
  std::string token_file;  ///< of the operator who asks; empty: EVENKEEL_TOKEN, or none
  Duration timeout{10'000};
  bool json = false;
};

/// How the program ends; the same list is in its --help.
enum class Exit : int {
  kOk = 0,
  kUnhealthy = 1,   // status: something is at risk or under-replicated
  kError = 2,       // wrong usage, or it could not be done
  kLost = 3,        // status: chunks are lost
  kUnreadable = 4,  // get: a chunk cannot be read from any holder
  kImpossible = 5,  // drain, goal and the like: cannot be brought to its end; the rules are named
  kProposed = 6,    // another person has to approve it first
};

/// Says on stderr what went wrong, and where.
Exit error(const std::string& what);

/// The token of the operator who asks, 32 bytes; empty if there is none. Throws std::runtime_error
/// if what is named is none, or can be read by others.
std::string operator_token(const Options& options);

/// Done, or left for a second person to approve.
template <class T>
using Ordered = std::variant<T, ProposalTold>;
template <class T>
const ProposalTold* proposal_in(const Result<Ordered<T>>& ordered) {
  return ordered ? std::get_if<ProposalTold>(&*ordered) : nullptr;
}
/// Of one that is no proposal.
template <class T>
Result<T> done_in(const Result<Ordered<T>>& ordered) {
  if (!ordered) return tl::unexpected(ordered.error());
  return std::get<T>(*ordered);
}

/// The loop of one command that talks to the rebalancer.
class Session {
 public:
  explicit Session(const Options& options);

  Loop& loop() { return loop_; }
  ControlClient& control() { return control_; }

  /// Runs until end() was called. False if a signal came first.
  bool run();
  void end();

  /// One question and its answer.
  template <class T>
  Result<T> ask(Request what) {
    std::optional<Result<T>> answer;
    control_.ask<T>(std::move(what), [&](Result<T> got) {
      answer = std::move(got);
      end();
    });
    run();
    return answer ? std::move(*answer) : fail(ErrorCode::kBusy, "interrupted");
  }

  /// The same of what may be left for a second person to approve.
  template <class T>
  Result<Ordered<T>> order(Request what) {
    std::optional<Result<Ordered<T>>> answer;
    control_.order<T>(std::move(what), [&](Result<Ordered<T>> got) {
      answer = std::move(got);
      end();
    });
    run();
    return answer ? std::move(*answer) : fail(ErrorCode::kBusy, "interrupted");
  }

 private:
  zmq::context_t context_;
  Loop loop_;
  Signals signals_;
  ControlClient control_;
  bool ended_ = false;
};

}  // namespace evenkeel::cli
