#pragma once
#include <functional>
#include <optional>
#include <string>

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
};

/// Says on stderr what went wrong, and where.
Exit error(const std::string& what);

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

 private:
  zmq::context_t context_;
  Loop loop_;
  Signals signals_;
  ControlClient control_;
  bool ended_ = false;
};

}  // namespace evenkeel::cli
