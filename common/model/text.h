#pragma once
#include <optional>
#include <string_view>

#include "common/base/result.h"
#include "common/model/admin.h"
#include "common/model/command.h"
#include "common/model/member.h"
#include "common/model/report.h"
#include "common/model/transfer.h"

namespace evenkeel {

/// The one word that each value has on the wire, in SQL, in logs and in the CLI ("safe_mode" style:
/// lower case, underscores). The words are part of what schema/ promises: they are never changed.
std::string_view to_text(Reason reason);
std::string_view to_text(CommandKind kind);
std::string_view to_text(Outcome outcome);
std::string_view to_text(Why why);  ///< kNone is "none", which is never on the wire
std::string_view to_text(Fault fault);
std::string_view to_text(Holder::VouchedBy by);
std::string_view to_text(VerifyLevel level);
std::string_view to_text(SpreadLevel level);
std::string_view to_text(Liveness liveness);
std::string_view to_text(MemberEventKind kind);
std::string_view to_text(HeartbeatReply::Status status);
std::string_view to_text(ReplicaFinding finding);
std::string_view to_text(InventoryReply::Status status);
std::string_view to_text(TransferOpen::Mode mode);
std::string_view to_text(AdminState admin);

/// The value with that word: `from_text<Reason>("repair")`; nothing if no value has it.
/// Defined for the types above only.
template <class Enum>
std::optional<Enum> from_text(std::string_view text);

/// What a command of this order is called.
CommandKind kind_of(const Order& order);

/// The code that a control answer bears for an error (schema/wire/README.md, section 5).
std::string_view answer_code(ErrorCode code);

/// "zone1/rack3/host7": 1 to 255 bytes, no empty part.
bool is_location(std::string_view text);
/// The failure domain that a location is in: "zone1/rack3/host7" itself, "zone1/rack3" or "zone1".
/// A location of one part is its own rack and zone.
std::string_view domain_of(std::string_view location, SpreadLevel level);
/// "host:port" or "[v6]:port": at most 255 bytes, port 1 to 65535.
bool is_address(std::string_view text);
/// The name of a cluster: 1 to 63 of `a-z 0-9 -`.
bool is_cluster(std::string_view text);

}  // namespace evenkeel
