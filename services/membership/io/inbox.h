#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/model/member.h"
#include "common/reactor/zmq_channel.h"
#include "services/membership/io/refusals.h"

namespace evenkeel::membership {

/// What may be asked here.
using Ask = std::variant<Heartbeat, Leave, SnapshotRequest>;

struct Asked {
  std::string peer;  ///< how the ROUTER names who asked
  Ask what;
};

/// "I do not know that kind": what such a message is answered with.
struct UnknownKind {
  std::string peer;
  std::uint64_t request = 0;  ///< its number, if it had one
  std::string kind;
};

/// The request in a message that came to the ROUTER. Nothing if it is refused without a word;
/// either refusal is counted.
std::optional<std::variant<Asked, UnknownKind>> asked_in(std::string_view cluster,
                                                         const Frames& frames, Refusals& refusals);

}  // namespace evenkeel::membership
