#pragma once
#include <string>
#include <vector>

#include "common/model/explanation.h"
#include "services/rebalancer/core/cluster_view.h"

/// What explanations say of amounts, times, servers and commands.
namespace evenkeel::explained {

std::string bytes(Bytes amount);        ///< "64 MiB", "1.5 GiB", "10 bytes"
std::string duration(Duration length);  ///< "3 s", "12 min", "2 d"; 0 s for what is over
/// "in the last 2 h", of what happened so long ago at the most, known to `step`.
std::string within(Duration at_most, Duration step);
std::string percent(double share);  ///< "61.2 %"
std::uint64_t ppm(double share);
std::string state(const Server& server);             ///< "alive", "dead, draining", ...
std::string in_words(const CommandRecord& command);  ///< "k12 copies it from s1 to s4 (repair)"

/// To what an answer may hold.
void cut(Explained& explained);

/// Adds lines to an explanation.
class Facts {
 public:
  explicit Facts(std::vector<Explained::Fact>& facts) : facts_(facts) {}
  void add(std::string label, std::string value) {
    facts_.push_back({std::move(label), std::move(value)});
  }

 private:
  std::vector<Explained::Fact>& facts_;
};

}  // namespace evenkeel::explained
