#include "tools/sim/snapshot.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "common/sqlite/backup.h"
#include "common/sqlite/migrate.h"
#include "services/rebalancer/store/store.h"

namespace evenkeel::sim {
Snapshot::Folder::Folder() {
  std::string name = (std::filesystem::temp_directory_path() / "evenkeel-simulate-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    throw std::runtime_error(name + ": " + std::strerror(errno));
  }
  path = name;
}

Snapshot::Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

Snapshot::Snapshot(const std::filesystem::path& database) : file_(folder_.path / "rebalancer.db") {
  sqlite::back_up(sqlite::Database(database, sqlite::OpenMode::kReadOnly), file_);
}

ClusterView Snapshot::view(const std::string& cluster, const Limits& limits, Instant now) const {
  Store store(file_, sqlite::schema_directory("rebalancer"), cluster);
  ClusterView view = store.load_view(now);
  for (const auto& [chunk, left] : store.recently_retired(limits.retire_after)) {
    view.apply(ChunkSetAside{chunk, "deleted by its owner; kept for a while", now + left});
  }
  resume(view, now);
  return view;
}

void resume(ClusterView& view, Instant now) {
  std::vector<ServerId> servers;
  for (const auto& [id, slot] : view.servers()) servers.push_back(id);
  for (const ServerId id : servers) {
    const Server& server = *view.find(id);
    if (server.member.liveness == Liveness::kDead) continue;
    Member member = server.member;
    member.used = server.used;  // not stored; without it the disk would seem smaller than it is
    const ServerReported reported{id, server.inventory_number, server.acked_journal, now};
    view.apply(ServerUpdated{std::move(member)});
    view.apply(reported);
  }
  view.apply(SyncChanged{true});
  view.apply(SafeModeLeft{});
}

}  // namespace evenkeel::sim
