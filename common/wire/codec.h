#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/base/result.h"
#include "common/model/control.h"
#include "common/model/member.h"
#include "common/model/report.h"
#include "common/model/transfer.h"
#include "common/wire/limits.h"

namespace evenkeel::wire {

/// The closed list of messages; the kind on the wire follows from the alternative.
using Message =
    std::variant<Heartbeat, Leave, HeartbeatReply, SnapshotRequest, MemberSnapshot, MemberEvent,
                 Hello, Welcome, Retry, Inventory, InventoryReply, Ack, AckReply, Progress, Pull,
                 Commands, Beacon, ControlRequest, ControlAnswer, RebalancerEvent, TransferOpen,
                 TransferManifest, TransferRead, TransferDone, TransferError, TransferStore,
                 TransferStored, Withdraw>;

/// Bytes of `message` as sent between processes of `cluster`. Kinds and fields are those of
/// schema/wire/README.md; a golden file of each is beside it. A caller that does not keep to the
/// limits (limits.h), to the words of the README or to 32 bytes for a token is aborted; locations
/// and addresses are not looked at closer, whoever reads settings asks is_location and is_address
/// (common/model/text.h). Texts for people (detail, what, why, text, subject) may be anything: they
/// are cut to size, and what is not UTF-8 becomes '?'.
std::string encode(std::string_view cluster, const Message& message);

/// The message in `bytes`. kMalformed if they are not exactly one message of our protocol, or if a
/// field is missing, doubled, of another type or out of range; the error names the place:
/// "inventory.rows[3]: checksum: not 16 bytes". kConflict if it is of another cluster, kNotFound if
/// its kind is not known. Fields that we do not know are passed over. Never throws because of
/// `bytes`, and never allocates more than a small multiple of their length.
Result<Message> decode(std::string_view cluster, std::string_view bytes);

/// The field `request` of a message that decode() refused, so that whoever asked can be answered
/// (`error`, with code `malformed` or `unknown_kind`); nothing if there is no such field. The kind,
/// the cluster and the other fields are not looked at. Never throws because of `bytes`.
std::optional<std::uint64_t> request_of(std::string_view bytes);

/// The name that a kind of message has on the wire, for logs: "inventory".
std::string_view kind_of(const Message& message);

}  // namespace evenkeel::wire
