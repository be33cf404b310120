// Store, the part that keeps what operators watch.
#include "common/model/text.h"
#include "services/rebalancer/store/rows.h"
#include "services/rebalancer/store/store.h"

namespace evenkeel {
namespace {

using rows::number;

std::string json_of(const std::vector<ChunkId>& chunks) {
  std::string all;
  for (const ChunkId chunk : chunks) {
    all += (all.empty() ? "" : ",") + std::to_string(chunk.value());
  }
  return "[" + all + "]";
}

}  // namespace

void Store::Transaction::save(const ClusterState& state) {
  using enum ChunkHealth;
  const auto count = [&](ChunkHealth health) { return state.chunks.at(health); };
  const auto some = [&](ChunkHealth health) { return json_of(state.some.at(health)); };
  store_.db_
      .cached(
          "UPDATE gauge SET at_ms = ?, mode = ?, why = ?, creating = ?, retired = ?, healthy = ?, "
          "lost = ?, at_risk = ?, under_replicated = ?, over_replicated = ?, unsorted = ?, "
          "replicas = ?, lost_some = ?, at_risk_some = ?, under_some = ?, over_some = ?, "
          "lost_chunk_ms = ?, at_risk_chunk_ms = ?, below_goal_chunk_ms = ?")
      .run(wall_.time_since_epoch().count(), state.mode, state.why, count(kCreating),
           count(kRetired), count(kHealthy), count(kLost), count(kAtRisk), count(kUnderReplicated),
           count(kOverReplicated), state.unsorted, state.replicas, some(kLost), some(kAtRisk),
           some(kUnderReplicated), some(kOverReplicated), state.risk.lost_ms, state.risk.at_risk_ms,
           state.risk.below_goal_ms);
}

/// Beside it, those go that are older than they are kept for, and those of a time that is still to
/// come: the wall clock was set back.
void Store::Transaction::save(const Sample& sample) {
  using enum ChunkHealth;
  const auto count = [&](ChunkHealth health) { return sample.chunks.at(health); };
  std::uint64_t chunks = count(kHealthy);
  for (const ChunkHealth health : kUnwell) chunks += count(health);
  store_.db_
      .cached(
          "INSERT OR REPLACE INTO sample (at_s, chunks, lost, at_risk, under_replicated, "
          "over_replicated, open_commands, open_bytes, copied, copied_bytes, deleted, failed, "
          "lost_chunk_ms, at_risk_chunk_ms, below_goal_chunk_ms, servers, servers_alive, "
          "used_bytes, capacity_bytes) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .run(sample.at_s, chunks, count(kLost), count(kAtRisk), count(kUnderReplicated),
           count(kOverReplicated), sample.open_commands, sample.open_bytes, sample.copied,
           sample.copied_bytes, sample.deleted, sample.failed, sample.risk.lost_ms,
           sample.risk.at_risk_ms, sample.risk.below_goal_ms, sample.servers, sample.servers_alive,
           sample.used, sample.capacity);
  store_.db_
      .cached(
          "DELETE FROM sample WHERE at_s > ?1 OR at_s < ?1 - 2592000 "
          "OR (at_s < ?1 - 86400 AND at_s % 600 <> 0) OR (at_s < ?1 - 7200 AND at_s % 60 <> 0)")
      .run(sample.at_s);
}

void Store::Transaction::save(const CommandKey& of, const CommandCount& count) {
  store_.db_.cached("INSERT OR REPLACE INTO command_count VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .run(rows::kind_number(of.first), to_text(of.second), count.open, count.open_bytes,
           count.done, count.done_bytes, count.failed, count.refused, count.superseded);
}

void Store::Transaction::save(ServerId server, const ServerLoad& load) {
  std::optional<std::uint64_t> chunks;
  std::optional<Bytes> bytes;
  if (load.left) {
    chunks = load.left->chunks;
    bytes = load.left->bytes;
  }
  store_.db_.cached("INSERT OR REPLACE INTO server_load VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .run(server, load.replicas, load.used, load.incoming, load.outgoing, load.copies_in,
           load.copies_out, chunks, bytes);
}

std::map<CommandKey, CommandCount> Store::command_counts() {
  std::map<CommandKey, CommandCount> counts;
  sqlite::Statement row(db_,
                        "SELECT kind, reason, done, done_bytes, failed, refused, superseded "
                        "FROM command_count");
  for (row.open(); row.step();) {
    const auto reason = from_text<Reason>(row.text(1));
    EK_CHECK(reason.has_value());
    counts[{rows::kind_from(row.integer(0)), *reason}] = {.done = number(row, 2),
                                                          .done_bytes = Bytes(number(row, 3)),
                                                          .failed = number(row, 4),
                                                          .refused = number(row, 5),
                                                          .superseded = number(row, 6)};
  }
  return counts;
}

RiskTotals Store::risk_totals() {
  sqlite::Statement row(db_,
                        "SELECT lost_chunk_ms, at_risk_chunk_ms, below_goal_chunk_ms FROM gauge");
  row.open();
  EK_CHECK(row.step());
  return {number(row, 0), number(row, 1), number(row, 2)};
}

}  // namespace evenkeel
