#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"

/// The rebalancer's planner on a cluster that is described by two files, without servers, sockets
/// or a database: for comparing it with others, and for looking ahead. README.md beside this file
/// says what the files hold.
namespace evenkeel::offline {

enum class Task : std::uint8_t {
  kRepair,    ///< copies what was lost, and what is on servers that drain
  kDrain,     ///< the same; named for what is asked
  kRebalance  ///< that, and then moves from the fullest to the emptiest
};

struct Wish {
  std::filesystem::path servers;  ///< servers.csv
  std::filesystem::path chunks;   ///< chunks.bin
  Task task = Task::kRepair;
  double limit = 0.95;  ///< share of its capacity beyond which no server is filled
};

/// The replica of `chunk` on `old` is replaced by one on `target`, read from `source`. All are
/// numbers of rows in the files, from 0.
struct Move {
  std::uint32_t chunk, old, target, source;
};

struct Stats {
  double load_seconds = 0;       ///< from the first byte read until the view is indexed
  double plan_seconds = 0;       ///< from then to the last decision
  double plan_cpu_seconds = 0;   ///< the same on the processor's clock
  std::uint64_t peak_bytes = 0;  ///< of this process' memory, so far
  double view_bytes_per_chunk = 0;
  std::uint64_t moves = 0;
  Bytes bytes_moved;
  Bytes bytes_minimum;  ///< what no plan can do without
  std::uint64_t left_over =
      0;  ///< replicas on servers that are down or drain, for which there is no place
};

struct Outcome {
  std::vector<Move> moves;  ///< in the order of the decisions
  Stats stats;
};

/// Plans to the end. kNotFound: a file cannot be read. kMalformed: it is not what it should be.
Result<Outcome> plan(const Wish& wish);

}  // namespace evenkeel::offline
