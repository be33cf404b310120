#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "tests/bench/planner/workload.h"

namespace evenkeel::workload {

/// The replica of `chunk` on `old` is replaced by one on `dst`, read from `from`.
struct Move {
  ChunkIndex chunk;
  ServerIndex old, dst, from;
};

/// What a plan comes to once all of it is done. Deviations are of a server's fill from the mean
/// fill, as a share of that mean, over usable servers only: 0.01 is one per cent.
struct Verdict {
  std::uint64_t moves = 0;      // without the bad ones
  std::uint64_t bad_moves = 0;  // left out: no such chunk, replica or source, or no usable target
  Bytes moved;
  /// What no plan can do without: all that lies on servers that are down or draining and, if the
  /// task is to rebalance, all that lies above the mean fill on the others.
  double minimum_bytes = 0;
  double start_deviation = 0, max_deviation = 0, stdev = 0;
  double max_over_mean = 0;  // fill of the fullest server / mean fill

  // Chunks at fault in the end, each counted once a kind.
  std::uint64_t rack_violations = 0;  // two servers, one rack
  std::uint64_t duplicates = 0;       // one server twice
  // Replicas that are still where they should not be.
  std::uint64_t unrepaired = 0;  // on a server that is down
  std::uint64_t undrained = 0;   // on one that is draining
  std::uint64_t over_limit = 0;  // servers filled beyond the limit

  std::uint64_t sources = 0, targets = 0;                       // servers that send, that receive
  double source_peak_over_mean = 0, target_peak_over_mean = 0;  // bytes; 0 if there are none

  /// Bytes moved over the minimum; 0 if there is nothing to be done.
  double ratio() const;
  /// No hard rule is broken and nothing is left to be done.
  bool sound() const;
};

/// Takes a plan move by move, in its order, and then judges it:
///
///     Judge judge(workload);
///     const auto read = read_plan(path, [&](const Move& move) { judge.take(move); });
///     print(judge.verdict());
///
/// Keeps a copy of all holders, but no moves: 4 bytes a replica.
class Judge {
 public:
  /// The workload must outlive the judge.
  explicit Judge(const Workload& workload);
  void take(const Move& move);
  Verdict verdict() const;

 private:
  struct Traffic {
    std::vector<std::uint64_t> bytes;  // by server
    std::uint64_t servers() const;
    double peak_over_mean(Bytes moved) const;
  };

  ServerIndex* replica_to_move(const Move& move);
  double start_deviation() const;
  double minimum_bytes() const;
  void judge_places(Verdict& verdict) const;
  void judge_fills(Verdict& verdict) const;

  const Workload& workload_;
  double mean_fill_;                  // all bytes / capacity of the usable servers
  std::vector<ServerIndex> holders_;  // after the moves so far
  std::vector<std::uint64_t> used_;   // bytes by server
  Traffic sent_, received_;
  std::uint64_t moves_ = 0, bad_moves_ = 0;
  Bytes moved_;
};

/// Hands on each row of a plan, "chunk,old,dst,from"; a first line that says just that is passed
/// over. kNotFound: no such file. kMalformed: a row is none, with file and line.
Result<void> read_plan(const std::filesystem::path& path,
                       const std::function<void(const Move&)>& take);

}  // namespace evenkeel::workload
