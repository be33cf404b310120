#pragma once
#include <optional>
#include <string>

#include "common/model/command.h"

namespace evenkeel::agent {

struct EvidenceLimits {
  Duration presence_fresh = std::chrono::minutes(10);
  Duration content_fresh = std::chrono::hours(336);
};

/// What is wrong with the evidence of a delete, for people; nothing if it suffices. Every holder
/// that is named has to be good, not just enough of them: evidence with a fault in it was put
/// together by somebody who does not know what the cluster holds.
///
/// The checksum of the command is that of the chunk map. For a replica of the current version the
/// holders bear the version of the command; for a stale one they all bear one higher version.
std::optional<std::string> evidence_fault(const Delete& order, StorageId own,
                                          const EvidenceLimits& limits);

}  // namespace evenkeel::agent
