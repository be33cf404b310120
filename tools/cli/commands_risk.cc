#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <unordered_map>

#include "tools/cli/commands.h"
#include "tools/cli/loss_risk.h"
#include "tools/cli/render.h"
#include "tools/cli/view.h"

namespace evenkeel::cli {
namespace {

constexpr std::uint64_t kSeed = 1;  // the same answer for the same map

struct Found {
  LossRisk risk;
  std::size_t servers = 0;
};

/// The valid replicas of all chunks that are not deleted; servers by numbers from 0.
Found look(const View& view) {
  Found found;
  std::unordered_map<std::int64_t, LossRisk::Server> numbers;
  view.each("SELECT server_id FROM server WHERE admin <> 'removed' ORDER BY server_id",
            [&](const auto& row) {
              numbers.emplace(row(0), static_cast<LossRisk::Server>(numbers.size()));
            });
  found.servers = numbers.size();
  std::int64_t chunk = -1;
  std::vector<LossRisk::Server> holders;
  const auto end_chunk = [&] {
    if (!holders.empty()) found.risk.add(std::move(holders));
    holders.clear();
  };
  view.each(
      "SELECT r.chunk_id, r.server_id FROM replica r JOIN chunk c USING (chunk_id) "
      "WHERE r.state = 0 AND c.life = 1 ORDER BY r.chunk_id",
      [&](const auto& row) {
        if (row(0) != chunk) end_chunk();
        chunk = row(0);
        const auto server = numbers.find(row(1));
        if (server != numbers.end()) holders.push_back(server->second);
      });
  end_chunk();
  return found;
}

}  // namespace

Exit risk(const Options& options, const RiskWish& wish) {
  const auto view = View::open(options.database, options.cluster);
  if (!view) return error(view.error().what);
  const Found found = look(*view);
  Rows rows{{{"failures", "SERVERS THAT FAIL", Kind::kNumber, 0},
             {"chance_of_loss", "CHANCE THAT A CHUNK IS LOST", Kind::kShare, 0}},
            {}};
  const auto most = std::min<std::size_t>(wish.failures, found.servers);
  for (std::size_t failures = 1; failures <= most; ++failures) {
    const double chance = found.risk.chance_of_loss(found.servers, failures, wish.samples, kSeed);
    rows.rows.push_back({static_cast<std::int64_t>(failures), chance});
  }
  const double width = found.risk.mean_scatter_width();
  if (options.json) {
    std::fputs(json(Fields{{"servers", static_cast<std::int64_t>(found.servers)},
                           {"chunks", static_cast<std::int64_t>(found.risk.chunks())},
                           {"copysets", static_cast<std::int64_t>(found.risk.distinct())},
                           {"mean_scatter_width", width},
                           {"samples", static_cast<std::int64_t>(wish.samples)},
                           {"failures", rows}})
                   .c_str(),
               stdout);
    return Exit::kOk;
  }
  std::printf(
      "%llu chunks on %zu servers lie in %zu copysets; a server shares chunks with %.1f others.\n"
      "If servers that are drawn by chance fail at the same time (%zu draws):\n",
      static_cast<unsigned long long>(found.risk.chunks()), found.servers, found.risk.distinct(),
      width, wish.samples);
  std::fputs(table(rows, style_of(STDOUT_FILENO)).c_str(), stdout);
  return Exit::kOk;
}

}  // namespace evenkeel::cli
