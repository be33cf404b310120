#include "tools/plan/offline.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <fstream>
#include <span>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/rebalancer/core/plan_to_end.h"
#include "tools/plan/join_moves.h"
#include "tools/plan/load.h"

namespace evenkeel::offline {
namespace {

constexpr std::uint64_t kServersFileMax = 256u << 20;

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  }

 private:
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

/// Of this thread, which does all the work: the same on a machine that is busy otherwise.
double cpu_seconds() {
  struct timespec now {};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// A file that is read from where one likes.
class InputFile {
 public:
  static Result<InputFile> open(const std::filesystem::path& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (fd < 0 || ::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
      const std::string why = fd >= 0 ? "is not a file" : std::strerror(errno);
      if (fd >= 0) ::close(fd);
      return fail(ErrorCode::kNotFound, path.string() + ": " + why);
    }
    return InputFile(fd, static_cast<std::uint64_t>(status.st_size));
  }
  InputFile(InputFile&& other) noexcept : fd_(other.fd_), size_(other.size_) { other.fd_ = -1; }
  InputFile& operator=(InputFile&&) = delete;
  ~InputFile() {
    if (fd_ >= 0) ::close(fd_);
  }

  std::uint64_t size() const { return size_; }

  bool read_at(std::uint64_t offset, std::span<std::byte> into) const {
    while (!into.empty()) {
      const ssize_t got = ::pread(fd_, into.data(), into.size(), static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      into = into.subspan(static_cast<std::size_t>(got));
      offset += static_cast<std::uint64_t>(got);
    }
    return true;
  }

 private:
  InputFile(int fd, std::uint64_t size) : fd_(fd), size_(size) {}
  int fd_;
  std::uint64_t size_;
};

Result<std::vector<ServerRow>> read_servers(const std::filesystem::path& path) {
  const auto file = InputFile::open(path);
  if (!file) return tl::unexpected(file.error());
  if (file->size() > kServersFileMax) {
    return fail(ErrorCode::kMalformed, path.string() + ": longer than 256 MiB");
  }
  std::string text(file->size(), '\0');
  if (!file->read_at(0, std::as_writable_bytes(std::span(text)))) {
    return fail(ErrorCode::kNotFound, path.string() + ": cannot be read to its end");
  }
  return parse_servers(path.string(), text);
}

Result<void> load(ClusterView& view, const std::vector<ServerRow>& rows, const Wish& wish) {
  const auto file = InputFile::open(wish.chunks);
  if (!file) return tl::unexpected(file.error());
  std::array<std::byte, ChunksHeader::kBytes> first{};
  const auto there = std::span(first).first(std::min<std::size_t>(first.size(), file->size()));
  if (!file->read_at(0, there)) {
    return fail(ErrorCode::kNotFound, wish.chunks.string() + ": cannot be read");
  }
  const auto header = parse_header(wish.chunks.string(), there, file->size(), rows.size());
  if (!header) return tl::unexpected(header.error());
  load_servers(view, rows);
  return load_chunks(
      view, rows, wish.servers.string(), wish.chunks.string(), *header,
      [&](std::uint64_t offset, std::span<std::byte> into) { return file->read_at(offset, into); });
}

/// What lies on servers that are down or drain and, if the task is to rebalance, what lies above
/// the mean use on the others.
Bytes minimum_of(const std::vector<ServerRow>& rows, Task task) {
  double used = 0, capacity = 0, above = 0;
  Bytes leaving;
  for (const ServerRow& row : rows) {
    used += static_cast<double>(row.used.count());
    if (usable(row.state)) {
      capacity += static_cast<double>(row.capacity.count());
    } else {
      leaving += row.used;
    }
  }
  if (task != Task::kRebalance) return leaving;
  for (const ServerRow& row : rows) {
    if (!usable(row.state)) continue;
    const double share = used / capacity * static_cast<double>(row.capacity.count());
    above += std::max(0.0, static_cast<double>(row.used.count()) - share);
  }
  return leaving + Bytes(static_cast<std::uint64_t>(above));
}

/// The most memory that this process ever had.
std::uint64_t peak_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) * 1024;
  }
  return 0;
}

Limits limits_of(const Wish& wish) {
  Limits limits = unhurried(Limits{});
  limits.fill_limit = Ratio(wish.limit);
  return limits;
}

/// The passes of the planner, one after the other, each on what the ones before it lead to.
std::vector<Relocation> planned(ClusterView& view, const Wish& wish) {
  using Pass = evenkeel::Task;
  const Limits limits = limits_of(wish);
  std::vector<Relocation> all;
  std::size_t settled = 0;
  const auto run = [&](Pass pass) {
    for (; settled < all.size(); ++settled) {
      view.settle(all[settled].chunk, all[settled].old, all[settled].target);
    }
    const std::vector<Relocation> more = plan_to_end(view, limits, pass);
    all.insert(all.end(), more.begin(), more.end());
  };
  run(Pass::kRepair);
  if (!view.queue(Queue::kDrain).empty()) run(Pass::kDrain);
  if (wish.task == Task::kRebalance) run(Pass::kRebalance);
  return all;
}

/// Replicas that have to go elsewhere.
std::uint64_t must_go(const ClusterView& view, const std::vector<ServerRow>& rows) {
  std::uint64_t replicas = 0;
  for (ServerSlot slot = 0; slot < rows.size(); ++slot) {
    if (!usable(rows[slot].state)) replicas += view.server(slot).chunks.size();
  }
  return replicas;
}

/// Takes over the moves, and what they come to.
void tell(const ClusterView& view, const std::vector<ServerRow>& rows,
          const std::vector<Relocation>& moves, Outcome& outcome) {
  Stats& stats = outcome.stats;
  outcome.moves.reserve(moves.size());
  for (const Relocation& move : moves) {
    outcome.moves.push_back({move.chunk, move.old, move.target, move.source});
  }
  join_moves(outcome.moves, view.chunk_count());
  for (const Move& move : outcome.moves) {
    stats.bytes_moved += view.table().bytes(move.chunk);
    if (!usable(rows[move.old].state)) --stats.left_over;
  }
  stats.moves = outcome.moves.size();
}

}  // namespace

Result<Outcome> plan(const Wish& wish) {
  Outcome outcome;
  Stats& stats = outcome.stats;
  const Stopwatch loading;
  const auto rows = read_servers(wish.servers);
  if (!rows) return tl::unexpected(rows.error());
  ClusterView view;
  if (const auto sound = load(view, *rows, wish); !sound) return tl::unexpected(sound.error());
  stats.load_seconds = loading.seconds();
  stats.view_bytes_per_chunk =
      static_cast<double>(view.memory()) / static_cast<double>(view.chunk_count());
  stats.bytes_minimum = minimum_of(*rows, wish.task);
  stats.left_over = must_go(view, *rows);

  const Stopwatch planning;
  const double cpu_before = cpu_seconds();
  const std::vector<Relocation> moves = planned(view, wish);
  stats.plan_cpu_seconds = cpu_seconds() - cpu_before;
  stats.plan_seconds = planning.seconds();
  tell(view, *rows, moves, outcome);
  stats.peak_bytes = peak_bytes();
  return outcome;
}

}  // namespace evenkeel::offline
