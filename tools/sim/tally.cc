#include "tools/sim/tally.h"

#include <type_traits>

#include "common/base/overloaded.h"

namespace evenkeel::sim {
namespace {

std::vector<ChunkId> chunks_on(const ClusterView& view, ServerId id) {
  std::vector<ChunkId> chunks;
  if (const Server* server = view.find(id)) {
    for (const ChunkSlot slot : server->chunks) chunks.push_back(view.chunk(slot).id);
  }
  return chunks;
}

/// Whether a change of a server alone may change which of its replicas count. Not so, for instance,
/// the acknowledgements, of which there is one for each copy.
template <class OfServer>
constexpr bool kMayCount =
    std::is_same_v<OfServer, ServerReported> || std::is_same_v<OfServer, ServerAdminSet>;

/// The chunks whose health the change may touch.
std::vector<ChunkId> touched(const ClusterView& view, const Change& change) {
  return std::visit(Overloaded{
                        [&](const ServerUpdated& c) { return chunks_on(view, c.member.server); },
                        [&](const ServerReplaced& c) { return chunks_on(view, c.member.server); },
                        [&](const CommandIssued& c) {
                          return c.command.chunk ? std::vector{*c.command.chunk}
                                                 : std::vector<ChunkId>{};
                        },
                        [&](const CommandClosed& c) {
                          const auto* command = view.find(c.command);
                          return command && command->chunk ? std::vector{*command->chunk}
                                                           : std::vector<ChunkId>{};
                        },
                        [&]<class Other>(const Other& c) {
                          if constexpr (requires { ChunkId(c.chunk); })
                            return std::vector<ChunkId>{c.chunk};
                          if constexpr (requires { c.content.chunk; })
                            return std::vector<ChunkId>{c.content.chunk};
                          if constexpr (kMayCount<Other>) return chunks_on(view, c.server);
                          return std::vector<ChunkId>{};
                        },
                    },
                    change);
}

}  // namespace

Health health_of(const ClusterView& view, const Chunk& chunk) {
  const int valid = view.count(chunk).valid;
  if (valid == 0) return Health::kLost;
  if (valid >= chunk.goal) return Health::kWhole;
  return valid == 1 ? Health::kAtRisk : Health::kUnder;
}

Tally::Tally(const ClusterView& view) {
  for (ChunkSlot slot = 0; slot < view.chunk_count(); ++slot) {
    const Chunk& chunk = view.chunk(slot);
    if (chunk.life != ChunkLife::kLive) continue;
    ++counts_[static_cast<std::size_t>(health_of(view, chunk))];
  }
}

void Tally::apply(ClusterView& view, const Change& change) {
  const std::vector<ChunkId> chunks = touched(view, change);
  add(view, chunks, std::uint64_t(-1));
  view.apply(change);
  add(view, chunks, 1);
}

void Tally::add(const ClusterView& view, const std::vector<ChunkId>& chunks, std::uint64_t step) {
  for (const ChunkId id : chunks) {
    const auto slot = view.slot_of(id);
    if (!slot) continue;
    const Chunk& chunk = view.chunk(*slot);
    if (chunk.life != ChunkLife::kLive) continue;
    counts_[static_cast<std::size_t>(health_of(view, chunk))] += step;  // -1 wraps around
  }
}

std::uint64_t Tally::not_whole() const {
  return of(Health::kUnder) + of(Health::kAtRisk) + of(Health::kLost);
}

}  // namespace evenkeel::sim
