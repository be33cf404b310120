#pragma once
#include <string>
#include <string_view>
#include <variant>

#include "common/base/result.h"
#include "common/model/control.h"
#include "common/model/member.h"
#include "common/model/report.h"
#include "common/model/transfer.h"

namespace evenkeel::wire {

inline constexpr std::uint64_t kProtocol = 1;
inline constexpr std::size_t kMessageBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kElementsMax = 4096;     ///< of one array or map
inline constexpr std::size_t kInventoryRowsMax = 4096;  ///< in one part
inline constexpr std::size_t kResultsMax = 1000;        ///< in one ack

/// A ControlAnswer with the code `unknown_kind` is how a kind that is not known is answered.
/// The closed list of messages; the kind on the wire follows from the alternative.
using Message =
    std::variant<Heartbeat, Leave, HeartbeatReply, SnapshotRequest, MemberSnapshot, MemberEvent,
                 Hello, Welcome, Retry, Inventory, InventoryReply, Ack, AckReply, Progress, Pull,
                 Commands, Beacon, ControlRequest, ControlAnswer, RebalancerEvent, TransferOpen,
                 TransferManifest, TransferRead, TransferDone, TransferError, TransferStore,
                 TransferStored>;

/// Bytes of `message` as sent between processes of `cluster`. Kinds and fields are those of
/// schema/wire/README.md; a golden file of each is beside it. The caller keeps lists within the
/// limits above (checked).
std::string encode(std::string_view cluster, const Message& message);

/// The message in `bytes`. kMalformed if they are not exactly one message of a protocol, kind and
/// cluster that we know, or if a field is missing, doubled, of another type or out of range; the
/// error names the kind and the field. Fields that we do not know are passed over. An unknown kind
/// is kNotFound, another cluster kConflict. Never throws because of `bytes`, and never allocates
/// more than a small multiple of their length.
Result<Message> decode(std::string_view cluster, std::string_view bytes);

/// The name that a kind of message has on the wire, for logs: "inventory".
std::string_view kind_of(const Message& message);

}  // namespace evenkeel::wire
