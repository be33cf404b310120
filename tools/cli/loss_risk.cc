#include "tools/cli/loss_risk.h"

#include <algorithm>
#include <unordered_map>

#include "common/base/check.h"
#include "common/base/random.h"

namespace evenkeel::cli {

std::size_t LossRisk::Hash::operator()(const std::vector<Server>& set) const {
  std::uint64_t hash = 0;
  for (const Server server : set) hash = Rng(hash ^ server).next();
  return hash;
}

void LossRisk::add(std::vector<Server> holders) {
  ++chunks_;
  std::sort(holders.begin(), holders.end());
  sets_.insert(std::move(holders));
}

double LossRisk::mean_scatter_width() const {
  std::unordered_map<Server, std::unordered_set<Server>> beside;
  for (const auto& set : sets_) {
    for (const Server one : set) {
      for (const Server other : set) {
        if (one != other) beside[one].insert(other);
      }
    }
  }
  std::size_t sum = 0;
  for (const auto& [server, others] : beside) sum += others.size();
  return beside.empty() ? 0 : static_cast<double>(sum) / static_cast<double>(beside.size());
}

double LossRisk::chance_of_loss(std::size_t servers, std::size_t failures, std::size_t samples,
                                std::uint64_t seed) const {
  EK_CHECK(failures <= servers && samples > 0);
  // Under its first server: what fails has to be in some set that begins with a failed one.
  std::vector<std::vector<const std::vector<Server>*>> by_first(servers);
  for (const auto& set : sets_) {
    if (set.empty() || set.size() > failures) continue;
    by_first[set.front()].push_back(&set);
  }
  Rng rng(seed);
  std::vector<bool> failed(servers);
  std::vector<Server> drawn;
  std::size_t losses = 0;
  for (std::size_t i = 0; i < samples; ++i) {
    drawn.clear();
    while (drawn.size() < failures) {
      const auto server = static_cast<Server>(rng.below(servers));
      if (failed[server]) continue;
      failed[server] = true;
      drawn.push_back(server);
    }
    losses += std::any_of(drawn.begin(), drawn.end(), [&](Server first) {
      return std::any_of(by_first[first].begin(), by_first[first].end(), [&](const auto* set) {
        return std::all_of(set->begin(), set->end(), [&](Server one) { return failed[one]; });
      });
    });
    for (const Server server : drawn) failed[server] = false;
  }
  return static_cast<double>(losses) / static_cast<double>(samples);
}

}  // namespace evenkeel::cli
