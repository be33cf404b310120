#pragma once
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/model/member.h"
#include "common/model/report.h"

namespace evenkeel {

// Everything that can happen to the rebalancer, and nothing else can. All of it takes the same way
// in.

/// One event of the membership stream, in its turn.
struct MemberChanged {
  StorageId stream;
  EventNumber number;
  MemberEventKind kind;
  Member member;
};
/// All members as of a number.
struct MembersListed {
  StorageId stream;
  EventNumber number;
  std::vector<Member> members;
};
/// Events are missing, or the publisher is silent: what is known of liveness may be old.
struct MembershipUnsure {
  std::string why;
};
struct AgentGreeted {
  Hello hello;
};
/// A stretch of an inventory all of whose parts have come; the last stretch says so.
struct InventoryRead {
  ServerId server;
  Incarnation incarnation;  ///< a stretch may have waited until another run of it was heard of
  StorageId storage;
  InventoryNumber number;
  bool full = false;
  bool last = false;
  JournalNumber journal;
  Instant asked;                      ///< when it was asked for
  std::vector<ReportedReplica> rows;  ///< no chunk twice
  std::vector<std::pair<ChunkId, ChunkVersion>> gone;
  std::vector<ChunkId> listed;  ///< with the last stretch of a full one: all it lists, in order
};
struct CommandAcknowledged {
  AgentIdentity from;
  CommandResult result;
};
/// Closes a batch of acknowledgements: the highest journal number among them.
struct JournalAcknowledged {
  ServerId server;
  StorageId storage;  ///< whose journal it is
  JournalNumber journal;
};
/// Receipts whose signatures were found good.
struct ChunksStored {
  struct Item {
    ChunkId chunk;
    ServerId server;
    StorageId storage;
    JournalNumber journal;
  };
  std::vector<Item> items;
};
struct TimePassed {};
/// A copy that was superseded has been done all the same: its replica is there.
struct CopyDoneAfterAll {
  ServerId server;
  StorageId storage;
  ChunkId chunk;
  ChunkVersion version;
  JournalNumber journal;
};

using Event = std::variant<MemberChanged, MembersListed, MembershipUnsure, AgentGreeted,
                           InventoryRead, CommandAcknowledged, JournalAcknowledged, ChunksStored,
                           TimePassed, CopyDoneAfterAll>;

}  // namespace evenkeel
