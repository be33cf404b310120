#include "services/agent/core/evidence.h"

#include <set>

#include "common/model/text.h"

namespace evenkeel::agent {
namespace {

std::optional<std::string> holder_fault(const Holder& holder, const Delete& order, StorageId own,
                                        const EvidenceLimits& limits) {
  const std::string name = to_string(holder.server);
  if (holder.storage == own) return name + " is this storage";
  if (holder.checksum != order.content.checksum) return name + " has another checksum";
  if (holder.version < order.content.version) return name + " has a lower version";
  if (holder.location.empty()) return name + " has no location";
  if (holder.presence_age < Duration::zero() || holder.presence_age > limits.presence_fresh) {
    return name + " was not seen lately";
  }
  if (holder.content_age < Duration::zero() || holder.content_age > limits.content_fresh) {
    return name + " was not read lately";
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> evidence_fault(const Delete& order, StorageId own,
                                          const EvidenceLimits& limits) {
  if (order.retired) return std::nullopt;
  if (order.goal < 1 || order.domains < 1) return "a goal and a spread of at least one are needed";
  std::set<StorageId> storages;
  std::set<std::string_view> domains;
  std::set<ChunkVersion> versions;
  for (const Holder& holder : order.evidence) {
    if (auto fault = holder_fault(holder, order, own, limits)) return fault;
    if (!storages.insert(holder.storage).second)
      return to_string(holder.server) + " is named twice";
    domains.insert(domain_of(holder.location, order.spread));
    versions.insert(holder.version);
  }
  if (versions.size() > 1) return "the holders are of different versions";
  if (storages.size() < static_cast<std::size_t>(order.goal)) {
    return std::to_string(storages.size()) + " holders of " + std::to_string(order.goal);
  }
  if (domains.size() < static_cast<std::size_t>(order.domains)) {
    return std::to_string(domains.size()) + " domains of " + std::to_string(order.domains) +
           ", by " + std::string(to_text(order.spread));
  }
  return std::nullopt;
}

}  // namespace evenkeel::agent
