#include "tools/plan/load.h"

#include <optional>
#include <string>

namespace evenkeel::offline {
namespace {

/// Ids are from 1.
ServerId server_id(std::size_t row) {
  return ServerId(row + 1);
}
ChunkId chunk_id(std::uint64_t row) {
  return ChunkId(row + 1);
}

StorageId storage_of(std::size_t row) {
  std::string raw(16, '\0');
  for (std::size_t i = 0; i < 8; ++i) raw[i] = static_cast<char>(row >> (8 * i));
  return *StorageId::from_raw(raw);
}

Server server_of(const ServerRow& row, std::size_t place) {
  Server server{.member = {.server = server_id(place),
                           .incarnation = Incarnation(1),
                           .storage = storage_of(place),
                           .location = row.location,
                           .address = "",
                           .capacity = row.capacity,
                           .reserve = Bytes(0),
                           .free = row.capacity > row.used ? row.capacity - row.used : Bytes(0),
                           .used = row.used}};
  server.standing = Standing::kReported;
  if (row.state == ServerState::kDown) server.member.liveness = Liveness::kDead;
  if (row.state == ServerState::kDraining) server.admin = AdminState::kDraining;
  return server;
}

}  // namespace

void load_servers(ClusterView& view, const std::vector<ServerRow>& rows) {
  view.loading();
  view.set_default_spread(SpreadLevel::kRack);
  for (std::size_t i = 0; i < rows.size(); ++i) view.load_server(server_of(rows[i], i));
}

Result<void> load_chunks(ClusterView& view, const std::vector<ServerRow>& rows,
                         const std::string& servers_name, const std::string& name,
                         const ChunksHeader& header, const ReadAt& read) {
  const Checksum none({});
  std::uint64_t place = 0;
  const auto read_all =
      read_chunks(name, header, read, [&](Bytes size, std::span<const std::uint32_t> holders) {
        const ChunkSlot chunk =
            view.load_chunk({chunk_id(place++), ChunkVersion(1), size, none},
                            static_cast<int>(header.replicas), ChunkLife::kLive);
        for (const std::uint32_t holder : holders) {
          view.load_replica(chunk, holder, ReplicaState::kValid);
        }
      });
  if (!read_all) return read_all;
  view.loaded();
  for (ServerSlot slot = 0; slot < rows.size(); ++slot) {
    const Bytes held = view.server(slot).used;
    if (held == rows[slot].used) continue;
    return fail(ErrorCode::kMalformed,
                servers_name + ": server " + std::to_string(slot) + " is said to use " +
                    std::to_string(rows[slot].used.count()) + " bytes, but its chunks come to " +
                    std::to_string(held.count()));
  }
  return {};
}

}  // namespace evenkeel::offline
