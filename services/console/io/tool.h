#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/time.h"

namespace evenkeel::console {

/// How a run of a program went.
struct Ran {
  int exit_code = -1;
  bool timed_out = false;
  bool stopped = false;  ///< the console itself is to end
  std::string out, err;
};

/// Runs the command line tool, which knows how to ask the rebalancer and how to simulate: there is
/// one way of doing either. No shell is in between. May be used by several threads at once.
class Tool {
 public:
  explicit Tool(std::filesystem::path program);
  ~Tool();
  Tool(const Tool&) = delete;
  Tool& operator=(const Tool&) = delete;

  /// Kills it when the time is over. Throws std::system_error if it cannot be started.
  /// `token`: of the operator in whose name it asks; empty: in nobody's, whoever has started the
  /// console.
  Ran run(const std::vector<std::string>& words, Duration allowed, const std::string& token = "");
  /// Ends all that run, and lets none begin any more.
  void stop();

 private:
  std::filesystem::path program_;
  int stop_;  // an eventfd
};

}  // namespace evenkeel::console
