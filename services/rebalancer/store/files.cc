// Store, the part that answers questions about files and events.
#include "common/base/check.h"
#include "services/rebalancer/store/rows.h"
#include "services/rebalancer/store/store.h"

namespace evenkeel {

using rows::number;

std::optional<Store::File> Store::read_file(sqlite::Statement& row) {
  if (!row.step()) return std::nullopt;
  File file{FileId(number(row, 0)),           row.text(1),         Bytes(number(row, 2)),
            static_cast<int>(row.integer(3)), row.integer(4) == 1, PolicyId(number(row, 5))};
  row.reset();
  return file;
}

std::optional<Store::File> Store::file(const std::string& name) {
  auto& row =
      db_.cached("SELECT file_id, name, size_bytes, goal, state, policy FROM file WHERE name = ?");
  row.open(name);
  return read_file(row);
}

std::optional<Store::File> Store::file(FileId id) {
  auto& row = db_.cached(
      "SELECT file_id, name, size_bytes, goal, state, policy FROM file WHERE file_id = ?");
  row.open(id);
  return read_file(row);
}

std::optional<ChunkId> Store::chunk_at(FileId file, std::uint64_t place) {
  auto& row = db_.cached("SELECT chunk_id FROM file_chunk WHERE file_id = ? AND place = ?");
  row.open(file, place);
  std::optional<ChunkId> chunk;
  if (row.step()) chunk = ChunkId(number(row, 0));
  row.reset();
  return chunk;
}

std::vector<ChunkId> Store::chunks_of(FileId file, std::uint64_t first, std::uint64_t limit) {
  auto& row = db_.cached(
      "SELECT chunk_id FROM file_chunk WHERE file_id = ? AND place >= ? ORDER BY place LIMIT ?");
  std::vector<ChunkId> chunks;
  for (row.open(file, first, limit); row.step();) chunks.push_back(ChunkId(number(row, 0)));
  return chunks;
}

std::uint64_t Store::chunk_total(FileId file) {
  auto& row = db_.cached("SELECT count(*) FROM file_chunk WHERE file_id = ?");
  row.open(file);
  EK_CHECK(row.step());
  const std::uint64_t total = number(row, 0);
  row.reset();
  return total;
}

std::vector<FileId> Store::given_up(Duration after) {
  auto& row = db_.cached(
      "SELECT file_id FROM file WHERE state = 0 AND "
      "opened_running_ms + ? <= (SELECT running_ms FROM meta)");
  std::vector<FileId> files;
  for (row.open(after.count()); row.step();) files.push_back(FileId(number(row, 0)));
  return files;
}

std::vector<std::pair<ChunkId, Duration>> Store::recently_retired(Duration after) {
  auto& row = db_.cached(
      "SELECT chunk_id, retired_running_ms + ?1 - running_ms FROM chunk, meta WHERE life = 2 AND "
      "retired_running_ms + ?1 > running_ms");
  std::vector<std::pair<ChunkId, Duration>> chunks;
  for (row.open(after.count()); row.step();) {
    chunks.emplace_back(ChunkId(number(row, 0)), Duration(row.integer(1)));
  }
  return chunks;
}

std::optional<Store::SupersededCopy> Store::superseded_copy(CommandId id) {
  auto& row = db_.cached(
      "SELECT server_id, storage, chunk_id, version FROM command "
      "WHERE command_id = ? AND kind = 0 AND state = 4");
  row.open(id);
  std::optional<SupersededCopy> copy;
  if (row.step()) {
    copy = {ServerId(number(row, 0)), rows::storage(row, 1), ChunkId(number(row, 2)),
            ChunkVersion(number(row, 3))};
  }
  row.reset();
  return copy;
}

std::vector<RebalancerEvent> Store::events_after(EventNumber after, std::size_t limit) {
  auto& row = db_.cached(
      "SELECT event_number, at_ms, kind, subject, text FROM event WHERE event_number > ? "
      "ORDER BY event_number LIMIT ?");
  std::vector<RebalancerEvent> events;
  for (row.open(after, limit); row.step();) {
    events.push_back({EventNumber(number(row, 0)), Timestamp(Duration(row.integer(1))), row.text(2),
                      row.text(3), row.text(4)});
  }
  return events;
}

}  // namespace evenkeel
