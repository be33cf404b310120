#include "tests/bench/planner/generate.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "common/base/random.h"

namespace evenkeel::workload {
namespace {

/// Chance, drawn in the way that the format prescribes. Rng::below() would not do: it rejects draws
/// so as to have no bias, and so gives other numbers. Here the bias is below 2^-18 and the same for
/// all planners.
class Draws {
 public:
  enum class Stream : std::uint64_t { kSizes = 1, kFills = 2, kPlaces = 3 };
  Draws(std::uint64_t seed, Stream stream)
      : rng_(seed * 1'000'003 + static_cast<std::uint64_t>(stream)) {}

  /// In [0, limit).
  std::size_t below(std::uint32_t limit) { return ((rng_.next() >> 32) * limit) >> 32; }
  /// In [0, 1), of 53 bits.
  double unit() { return static_cast<double>(rng_.next() >> 11) * 0x1p-53; }

 private:
  Rng rng_;
};

/// Near enough to the standard normal distribution, and without a library's own way to it: the sum
/// of twelve draws has variance 1.
double normal(Draws& draws) {
  double sum = 0;
  for (int i = 0; i < 12; ++i) sum += draws.unit();
  return sum - 6.0;
}

std::vector<std::uint32_t> draw_sizes(const Spec& spec) {
  constexpr double kLeastKib = 64, kMostKib = 256 * 1024;
  std::vector<std::uint32_t> sizes(spec.chunks, spec.chunk_kib);
  if (spec.size_law == SizeLaw::kFixed) return sizes;
  Draws draws(spec.seed, Draws::Stream::kSizes);
  for (std::uint32_t& size : sizes) {
    const double drawn = spec.chunk_kib * std::exp(spec.sigma * normal(draws));
    size = static_cast<std::uint32_t>(std::clamp(drawn, kLeastKib, kMostKib));
  }
  return sizes;
}

/// How much a server is to get in comparison with others: its relative capacity, in millionths,
/// times how far its fill strays.
std::vector<std::uint64_t> draw_weights(const Spec& spec) {
  std::vector<std::uint64_t> weights(spec.servers);
  Draws draws(spec.seed, Draws::Stream::kFills);
  for (std::uint32_t i = 0; i < spec.servers; ++i) {
    const auto capacity =
        static_cast<double>(spec.capacity_classes[i % spec.capacity_classes.size()]);
    const double stray =
        spec.spread > 0 ? 1.0 - spec.spread + 2.0 * spec.spread * draws.unit() : 1.0;
    weights[i] = static_cast<std::uint64_t>(capacity * stray * 1e6);
  }
  return weights;
}

/// Puts the chunks on the old servers.
class Placer {
 public:
  Placer(const Spec& spec, const std::vector<Server>& servers)
      : spec_(spec),
        servers_(servers),
        weights_(draw_weights(spec)),
        tickets_(tickets()),
        draws_(spec.seed, Draws::Stream::kPlaces),
        level_(spec.servers) {}

  Result<std::vector<ServerIndex>> place(const std::vector<std::uint32_t>& sizes_kib) {
    std::vector<ServerIndex> holders;
    holders.reserve(sizes_kib.size() * spec_.replicas);
    for (const std::uint32_t size : sizes_kib) {
      const std::size_t first = holders.size();
      for (std::uint32_t i = 0; i < spec_.replicas; ++i) {
        const auto chosen = choose(std::span<const ServerIndex>(holders).subspan(first));
        if (!chosen) {
          return fail(ErrorCode::kMalformed, spec_.name + ": too few racks for " +
                                                 std::to_string(spec_.replicas) +
                                                 " replicas: none found for chunk " +
                                                 std::to_string(first / spec_.replicas));
        }
        level_[*chosen] += spec_.level == Level::kCount ? 1 : size;
        holders.push_back(*chosen);
      }
    }
    return holders;
  }

 private:
  /// A server is drawn as often as it has tickets. If all weigh the same one is enough; if not,
  /// two draws alone would not make the heavy ones full: the heaviest has 200.
  std::vector<ServerIndex> tickets() const {
    const bool equal = spec_.spread == 0 && spec_.capacity_classes.size() == 1;
    const std::uint64_t heaviest = *std::max_element(weights_.begin(), weights_.end());
    std::vector<ServerIndex> all;
    for (ServerIndex i = 0; i < spec_.servers; ++i) {
      const std::uint64_t share =
          equal ? 1 : std::max<std::uint64_t>(1, weights_[i] * 200 / heaviest);
      all.insert(all.end(), share, i);
    }
    return all;
  }

  /// The emptier of two; of one, if sixty-four draws did not give two; nothing if they gave none.
  std::optional<ServerIndex> choose(std::span<const ServerIndex> others) {
    std::optional<ServerIndex> best;
    int candidates = 0;
    for (int draw = 0; draw < 64 && candidates < 2; ++draw) {
      const ServerIndex drawn = tickets_[draws_.below(static_cast<std::uint32_t>(tickets_.size()))];
      if (shares_rack(drawn, others)) continue;
      ++candidates;
      if (!best || emptier(drawn, *best)) best = drawn;
    }
    return best;
  }

  bool shares_rack(ServerIndex candidate, std::span<const ServerIndex> others) const {
    return std::any_of(others.begin(), others.end(), [&](ServerIndex other) {
      return servers_[other].rack == servers_[candidate].rack;
    });
  }

  /// By level / weight, multiplied out so that nothing is rounded.
  bool emptier(ServerIndex a, ServerIndex b) const {
    __extension__ using Wide = unsigned __int128;
    return Wide{level_[a]} * weights_[b] < Wide{level_[b]} * weights_[a];
  }

  const Spec& spec_;
  const std::vector<Server>& servers_;
  const std::vector<std::uint64_t> weights_;
  const std::vector<ServerIndex> tickets_;
  Draws draws_;
  std::vector<std::uint64_t> level_;  // KiB or chunks
};

/// Where the servers stand and how they are; not yet how large.
std::vector<Server> lay_out(const Spec& spec) {
  std::vector<Server> servers(spec.servers + spec.new_servers);
  const std::uint32_t old_racks = (spec.servers - 1) / spec.rack_size + 1;
  for (ServerIndex i = 0; i < servers.size(); ++i) {
    const bool is_new = i >= spec.servers;
    Server& server = servers[i];
    server.rack = is_new ? old_racks + (i - spec.servers) / spec.new_rack_size : i / spec.rack_size;
    server.zone = server.rack / spec.racks_per_zone;
    server.host = i;
    server.state = is_new                      ? ServerState::kNew
                   : spec.down.contains(i)     ? ServerState::kDown
                   : spec.draining.contains(i) ? ServerState::kDraining
                                               : ServerState::kUp;
  }
  return servers;
}

void add_up_used(Workload& workload) {
  for (std::size_t i = 0; i < workload.holders.size(); ++i) {
    workload.servers[workload.holders[i]].used +=
        workload.size_of(static_cast<ChunkIndex>(i / workload.replicas));
  }
}

/// Capacities in proportion to the classes, such that the old servers together are as full as the
/// spec says; whole MiB.
void set_capacities(const Spec& spec, std::vector<Server>& servers) {
  const auto& classes = spec.capacity_classes;
  std::uint64_t used_kib = 0, old_capacity = 0;
  for (ServerIndex i = 0; i < spec.servers; ++i) {
    used_kib += servers[i].used.count() / 1024;
    old_capacity += classes[i % classes.size()];
  }
  const double wanted = spec.fill * static_cast<double>(old_capacity);
  for (ServerIndex i = 0; i < servers.size(); ++i) {
    const auto share = static_cast<double>(used_kib * classes[i % classes.size()]);
    const double mib = std::ceil(share / wanted / 1024.0);
    servers[i].capacity = Bytes(static_cast<std::uint64_t>(mib) << 20);
  }
}

}  // namespace

Result<Workload> generate(const Spec& spec) {
  Workload workload{.name = spec.name,
                    .task = spec.task,
                    .limit = spec.limit,
                    .replicas = spec.replicas,
                    .servers = lay_out(spec),
                    .size_kib = draw_sizes(spec)};
  auto holders = Placer(spec, workload.servers).place(workload.size_kib);
  if (!holders) return tl::unexpected(holders.error());
  workload.holders = std::move(*holders);
  add_up_used(workload);
  set_capacities(spec, workload.servers);
  return workload;
}

}  // namespace evenkeel::workload
