#pragma once
// Private to common/wire: the messages, by those who speak them. codec.cc puts them together.
#include <span>
#include <string_view>

#include "common/wire/codec.h"
#include "common/wire/fields.h"
#include "common/wire/packing.h"

namespace evenkeel::wire {

/// A kind of message, and how its body is read.
struct Kind {
  std::string_view name;
  Message (*read)(Fields& body, std::string_view kind);
};
std::span<const Kind> member_kinds();
std::span<const Kind> agent_kinds();
std::span<const Kind> command_kinds();
std::span<const Kind> control_kinds();
std::span<const Kind> transfer_kinds();

std::string_view name_of(const Heartbeat&);
std::string_view name_of(const Leave&);
std::string_view name_of(const HeartbeatReply&);
std::string_view name_of(const SnapshotRequest&);
std::string_view name_of(const MemberSnapshot&);
std::string_view name_of(const MemberEvent& event);
void put(Packer& p, const Heartbeat& heartbeat);
void put(Packer& p, const Leave& leave);
void put(Packer& p, const HeartbeatReply& reply);
void put(Packer& p, const SnapshotRequest& request);
void put(Packer& p, const MemberSnapshot& snapshot);
void put(Packer& p, const MemberEvent& event);

std::string_view name_of(const Hello&);
std::string_view name_of(const Welcome&);
std::string_view name_of(const Retry&);
std::string_view name_of(const Inventory&);
std::string_view name_of(const InventoryReply&);
std::string_view name_of(const Ack&);
std::string_view name_of(const AckReply&);
std::string_view name_of(const Progress&);
std::string_view name_of(const Pull&);
void put(Packer& p, const Hello& hello);
void put(Packer& p, const Welcome& welcome);
void put(Packer& p, const Retry& retry);
void put(Packer& p, const Inventory& inventory);
void put(Packer& p, const InventoryReply& reply);
void put(Packer& p, const Ack& ack);
void put(Packer& p, const AckReply& reply);
void put(Packer& p, const Progress& progress);
void put(Packer& p, const Pull& pull);

std::string_view name_of(const Commands&);
std::string_view name_of(const Beacon&);
std::string_view name_of(const Withdraw&);
void put(Packer& p, const Commands& commands);
void put(Packer& p, const Beacon& beacon);
void put(Packer& p, const Withdraw& withdraw);

std::string_view name_of(const ControlRequest& request);
std::string_view name_of(const ControlAnswer& answer);
std::string_view name_of(const RebalancerEvent& event);
void put(Packer& p, const ControlRequest& request);
void put(Packer& p, const ControlAnswer& answer);
void put(Packer& p, const RebalancerEvent& event);

std::string_view name_of(const TransferOpen&);
std::string_view name_of(const TransferManifest&);
std::string_view name_of(const TransferRead&);
std::string_view name_of(const TransferDone&);
std::string_view name_of(const TransferError&);
std::string_view name_of(const TransferStore&);
std::string_view name_of(const TransferStored&);
void put(Packer& p, const TransferOpen& open);
void put(Packer& p, const TransferManifest& manifest);
void put(Packer& p, const TransferRead& read);
void put(Packer& p, const TransferDone& done);
void put(Packer& p, const TransferError& error);
void put(Packer& p, const TransferStore& store);
void put(Packer& p, const TransferStored& stored);

// What messages are made of. Declared here because templates find them through their Packer only.
void put(Packer& p, const Member& member);
void put(Packer& p, const ReportedReplica& replica);
void put(Packer& p, const CommandResult& result);
void put(Packer& p, const Blame& blame);
void put(Packer& p, const Command& command);
void put(Packer& p, const Holder& holder);
void put(Packer& p, const PutPlace::Item& item);
void put(Packer& p, const PutPlaced::Item& item);
void put(Packer& p, const Receipt& receipt);
void put(Packer& p, const Located::Item& item);
void put(Packer& p, const Explained::Fact& fact);
void put(Packer& p, const Explained::Cause& cause);
void put(Packer& p, const Candidate& candidate);
void put(Packer& p, const Decision& decision);

// The parts of control that are in codec_explain.cc.
Request read_explain(Fields& f);
Answer read_explained(Fields& f);
/// What every request bears.
struct Asker {
  explicit Asker(const ControlRequest& asked)
      : request(asked.request),
        token(asked.token.empty() ? std::nullopt : std::optional(Secret{asked.token})) {}
  std::uint64_t request;
  std::optional<Secret> token;
};
template <class... NamesAndValues>
void put_asked(Packer& p, const Asker& by, const NamesAndValues&... fields) {
  put_map(p, "request", by.request, fields..., "operator_token", AbsentIfNone{by.token});
}
void put_explain(Packer& p, const Asker& by, const Explain& explain);
void put_explained(Packer& p, std::uint64_t request, const Explained& explained);

/// Where a chunk can be had or stored: [server, storage, address, token].
void put(Packer& p, const Source& source);
Source read_source(const Value& value);

/// chunk, version, size_bytes and checksum, wherever they are fields of a map.
inline ChunkContent read_content(Fields& f) {
  return {.chunk = f["chunk"],
          .version = f["version"],
          .size = f["size_bytes"],
          .checksum = f["checksum"]};
}

}  // namespace evenkeel::wire
