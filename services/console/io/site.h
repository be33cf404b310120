#pragma once
#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "services/console/core/guard.h"
#include "services/console/io/reader_pool.h"
#include "services/console/io/tool.h"

namespace evenkeel::console {

/// What a browser asks and is answered, whatever brings it here.
class Site {
 public:
  struct Settings {
    std::filesystem::path database;
    std::string cluster = "evenkeel";
    std::string control;     ///< the rebalancer's control endpoint
    std::string rebalancer;  ///< its settings file, for what-if; empty: the defaults
    Duration simulate_allowed = std::chrono::minutes(2);
    bool allow_changes = false;
    std::string version;
  };
  /// `program`: the command line tool.
  Site(Settings settings, Guard guard, std::filesystem::path program);

  /// May be called by several threads at once.
  Response answer(const Request& request);
  /// Ends what takes long; what is asked from now on is refused.
  void stop() { tool_.stop(); }

 private:
  Response get(const Request& request);
  Response file(const std::string& path) const;
  Response now(const Request& request);
  Response ask(const Request& request, const std::string& name);
  Response run(const Request& request, std::vector<std::string> words, Duration allowed);
  std::vector<std::string> globals() const;

  const Settings settings_;
  const Guard guard_;
  ReaderPool readers_;
  Tool tool_;
  std::mutex simulates_;
  std::atomic<int> running_{0};
};

}  // namespace evenkeel::console
