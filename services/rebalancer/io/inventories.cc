#include "services/rebalancer/io/inventories.h"

#include <algorithm>
#include <tuple>

namespace evenkeel {
namespace {

constexpr std::uint64_t kPartsMax = 16'384;     // 64 million replicas on one server
constexpr std::size_t kRowsPerStretch = 2'000;  // a few milliseconds when all of it is news

/// One row a chunk: of several versions on one disk the newest that is whole, and if none is, the
/// newest.
void keep_best(std::vector<ReportedReplica>& rows) {
  const auto place = [](const ReportedReplica& row) {
    return std::tuple(row.content.chunk, row.finding != ReplicaFinding::kOk,
                      ~row.content.version.value());
  };
  std::sort(rows.begin(), rows.end(),
            [&](const auto& a, const auto& b) { return place(a) < place(b); });
  const auto same = [](const ReportedReplica& a, const ReportedReplica& b) {
    return a.content.chunk == b.content.chunk;
  };
  rows.erase(std::unique(rows.begin(), rows.end(), same), rows.end());
}

/// Every version of a chunk that has gone, for the map may know any of them; but none where the
/// same report tells of another version that is there now.
void keep_telling(std::vector<std::pair<ChunkId, ChunkVersion>>& gone,
                  const std::vector<ReportedReplica>& rows) {
  std::sort(gone.begin(), gone.end());
  gone.erase(std::unique(gone.begin(), gone.end()), gone.end());
  std::erase_if(gone, [&](const auto& item) {
    const auto row = std::lower_bound(
        rows.begin(), rows.end(), item.first,
        [](const ReportedReplica& a, ChunkId chunk) { return a.content.chunk < chunk; });
    return row != rows.end() && row->content.chunk == item.first;
  });
}

/// Whether two parts are of one report: the number alone does not tell runs of an agent apart.
bool same_report(const Inventory& a, const Inventory& b) {
  return a.number == b.number && a.parts == b.parts && a.basis == b.basis &&
         a.journal == b.journal && a.from.incarnation == b.from.incarnation &&
         a.from.storage == b.from.storage;
}

}  // namespace

bool Inventories::add(Inventory part, Instant asked) {
  if (part.parts < 1 || part.parts > kPartsMax || part.part < 1 || part.part > part.parts) {
    return false;
  }
  const ServerId server = part.from.server;
  auto& partial = partial_[server];
  if (!partial.received.empty() && !same_report(partial.received.begin()->second, part)) {
    partial.received.clear();  // a newer one: the older will not be finished
  }
  const std::uint64_t parts = part.parts;
  partial.received.insert_or_assign(part.part, std::move(part));
  if (partial.received.size() != parts) return true;
  cut(partial, asked);
  partial_.erase(server);
  return true;
}

void Inventories::cut(Partial& whole, Instant asked) {
  const Inventory& header = whole.received.begin()->second;
  InventoryRead stretch{.server = header.from.server,
                        .incarnation = header.from.incarnation,
                        .storage = header.from.storage,
                        .number = header.number,
                        .full = !header.basis.has_value(),
                        .journal = header.journal,
                        .asked = asked};
  std::vector<ReportedReplica> rows;
  std::vector<std::pair<ChunkId, ChunkVersion>> gone;
  for (auto& [part, inventory] : whole.received) {
    std::move(inventory.rows.begin(), inventory.rows.end(), std::back_inserter(rows));
    gone.insert(gone.end(), inventory.gone.begin(), inventory.gone.end());
  }
  keep_best(rows);
  keep_telling(gone, rows);
  if (stretch.full) gone.clear();  // what it does not list is not there
  std::vector<ChunkId> listed;
  if (stretch.full) {
    listed.reserve(rows.size());
    for (const ReportedReplica& row : rows) listed.push_back(row.content.chunk);
  }
  std::size_t first = 0;
  do {
    InventoryRead next = stretch;
    const std::size_t end = std::min(rows.size(), first + kRowsPerStretch);
    next.rows.assign(std::make_move_iterator(rows.begin() + static_cast<std::ptrdiff_t>(first)),
                     std::make_move_iterator(rows.begin() + static_cast<std::ptrdiff_t>(end)));
    first = end;
    next.last = first == rows.size();
    if (next.last) {
      next.gone = std::move(gone);
      next.listed = std::move(listed);
    }
    stretches_.push_back(std::move(next));
  } while (first < rows.size());
}

std::optional<InventoryRead> Inventories::next() {
  if (stretches_.empty()) return std::nullopt;
  InventoryRead stretch = std::move(stretches_.front());
  stretches_.pop_front();
  return stretch;
}

}  // namespace evenkeel
