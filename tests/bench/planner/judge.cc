#include "tests/bench/planner/judge.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <optional>
#include <string>

#include "common/base/check.h"

namespace evenkeel::workload {
namespace {

double as_double(std::uint64_t count) {
  return static_cast<double>(count);
}

double mean_fill(const Workload& workload) {
  Bytes used, capacity;
  for (const Server& server : workload.servers) {
    used += server.used;
    if (usable(server.state)) capacity += server.capacity;
  }
  EK_CHECK(capacity.count() > 0);
  return as_double(used.count()) / as_double(capacity.count());
}

/// Of the two a chunk may be guilty of both, each through other replicas.
struct PlaceFaults {
  bool same_server = false, same_rack = false;
};

PlaceFaults place_faults(const std::vector<Server>& servers, const ServerIndex* holders,
                         std::uint32_t replicas) {
  PlaceFaults faults;
  for (std::uint32_t i = 0; i < replicas; ++i) {
    for (std::uint32_t j = 0; j < i; ++j) {
      if (holders[i] == holders[j]) {
        faults.same_server = true;
      } else if (servers[holders[i]].rack == servers[holders[j]].rack) {
        faults.same_rack = true;
      }
    }
  }
  return faults;
}

}  // namespace

double Verdict::ratio() const {
  return minimum_bytes > 0 ? as_double(moved.count()) / minimum_bytes : 0;
}

bool Verdict::sound() const {
  return bad_moves + rack_violations + duplicates + unrepaired + undrained + over_limit == 0;
}

std::uint64_t Judge::Traffic::servers() const {
  return static_cast<std::uint64_t>(
      std::count_if(bytes.begin(), bytes.end(), [](std::uint64_t each) { return each > 0; }));
}

double Judge::Traffic::peak_over_mean(Bytes moved) const {
  const std::uint64_t count = servers();
  if (count == 0) return 0;
  const double mean = as_double(moved.count()) / as_double(count);
  return as_double(*std::max_element(bytes.begin(), bytes.end())) / mean;
}

Judge::Judge(const Workload& workload)
    : workload_(workload),
      mean_fill_(mean_fill(workload)),
      holders_(workload.holders),
      sent_{std::vector<std::uint64_t>(workload.servers.size())},
      received_{std::vector<std::uint64_t>(workload.servers.size())} {
  for (const Server& server : workload.servers) used_.push_back(server.used.count());
}

/// Where the replica stands that goes; none if the move cannot be done.
ServerIndex* Judge::replica_to_move(const Move& move) {
  const auto& servers = workload_.servers;
  if (move.chunk >= workload_.size_kib.size()) return nullptr;
  if (move.dst >= servers.size() || !usable(servers[move.dst].state)) return nullptr;
  // Read from who held the chunk before the plan: copies of this plan may not be there in time.
  const auto before = workload_.holders_of(move.chunk);
  if (std::find(before.begin(), before.end(), move.from) == before.end()) return nullptr;
  if (servers[move.from].state == ServerState::kDown) return nullptr;
  ServerIndex* const first = &holders_[std::size_t{move.chunk} * workload_.replicas];
  ServerIndex* const end = first + workload_.replicas;
  ServerIndex* const found = std::find(first, end, move.old);
  return found == end ? nullptr : found;
}

void Judge::take(const Move& move) {
  ServerIndex* const replica = replica_to_move(move);
  if (replica == nullptr) {
    ++bad_moves_;
    return;
  }
  const Bytes size = workload_.size_of(move.chunk);
  *replica = move.dst;
  used_[move.old] -= size.count();
  used_[move.dst] += size.count();
  sent_.bytes[move.from] += size.count();
  received_.bytes[move.dst] += size.count();
  moved_ += size;
  ++moves_;
}

double Judge::minimum_bytes() const {
  double bytes = 0;
  for (const Server& server : workload_.servers) {
    const double used = as_double(server.used.count());
    if (!usable(server.state)) {
      bytes += used;
    } else if (workload_.task == Task::kRebalance) {
      bytes += std::max(0.0, used - mean_fill_ * as_double(server.capacity.count()));
    }
  }
  return bytes;
}

double Judge::start_deviation() const {
  double most = 0;
  for (const Server& server : workload_.servers) {
    if (!usable(server.state)) continue;
    const double level = mean_fill_ * as_double(server.capacity.count());
    most = std::max(most, std::fabs(as_double(server.used.count()) / level - 1));
  }
  return most;
}

void Judge::judge_places(Verdict& verdict) const {
  const std::uint32_t replicas = workload_.replicas;
  for (std::size_t at = 0; at < holders_.size(); at += replicas) {
    const PlaceFaults faults = place_faults(workload_.servers, &holders_[at], replicas);
    verdict.duplicates += faults.same_server ? 1 : 0;
    verdict.rack_violations += faults.same_rack ? 1 : 0;
  }
  for (const ServerIndex holder : holders_) {
    const ServerState state = workload_.servers[holder].state;
    verdict.unrepaired += state == ServerState::kDown ? 1 : 0;
    verdict.undrained += state == ServerState::kDraining ? 1 : 0;
  }
}

void Judge::judge_fills(Verdict& verdict) const {
  double squares = 0, count = 0;
  for (std::size_t i = 0; i < used_.size(); ++i) {
    const Server& server = workload_.servers[i];
    if (!usable(server.state)) continue;
    const double used = as_double(used_[i]), capacity = as_double(server.capacity.count());
    const double fill = used / capacity / mean_fill_;
    verdict.max_deviation = std::max(verdict.max_deviation, std::fabs(fill - 1));
    verdict.max_over_mean = std::max(verdict.max_over_mean, fill);
    verdict.over_limit += used > workload_.limit.value * capacity ? 1 : 0;
    squares += (fill - 1) * (fill - 1);
    ++count;
  }
  verdict.stdev = std::sqrt(squares / count);
}

Verdict Judge::verdict() const {
  Verdict verdict{.moves = moves_,
                  .bad_moves = bad_moves_,
                  .moved = moved_,
                  .minimum_bytes = minimum_bytes(),
                  .start_deviation = start_deviation(),
                  .sources = sent_.servers(),
                  .targets = received_.servers(),
                  .source_peak_over_mean = sent_.peak_over_mean(moved_),
                  .target_peak_over_mean = received_.peak_over_mean(moved_)};
  judge_places(verdict);
  judge_fills(verdict);
  return verdict;
}

namespace {

/// Without a list of parts: a plan may have tens of millions of rows.
std::optional<Move> parse_move(const std::string& row) {
  std::uint32_t numbers[4];
  const char* at = row.data();
  const char* const end = at + row.size();
  for (int i = 0; i < 4; ++i) {
    if (i > 0 && (at == end || *at++ != ',')) return std::nullopt;
    const auto [rest, error] = std::from_chars(at, end, numbers[i]);
    if (error != std::errc{}) return std::nullopt;
    at = rest;
  }
  if (at != end) return std::nullopt;
  return Move{numbers[0], numbers[1], numbers[2], numbers[3]};
}

}  // namespace

Result<void> read_plan(const std::filesystem::path& path,
                       const std::function<void(const Move&)>& take) {
  std::ifstream file(path);
  if (!file) return fail(ErrorCode::kNotFound, path.string() + ": cannot be read");
  std::uint64_t line = 0;
  for (std::string row; std::getline(file, row);) {
    ++line;
    if (line == 1 && row == "chunk,old,dst,from") continue;
    const auto move = parse_move(row);
    if (!move) {
      return fail(ErrorCode::kMalformed, path.string() + ":" + std::to_string(line) + ": '" + row +
                                             "' is not chunk,old,dst,from");
    }
    take(*move);
  }
  return {};
}

}  // namespace evenkeel::workload
