#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/storage_id.h"
#include "common/base/time.h"
#include "common/model/ids.h"
#include "common/model/labels.h"

namespace evenkeel {

/// What membership makes of a server's silence. Suspect: no new work. Dead: its replicas no longer
/// count.
enum class Liveness { kAlive, kSuspect, kDead };

/// A chunk server as membership knows it.
struct Member {
  ServerId server;
  Incarnation incarnation;
  StorageId storage;
  Liveness liveness = Liveness::kAlive;
  bool planned = false;  ///< it went because it was stopped, not because it broke
  std::string location;  ///< path, largest failure domain first: "zone1/rack3/host7"
  std::string address;   ///< "host:port" of its data port
  Bytes capacity;        ///< what it can hold in chunks, reserve included
  Bytes reserve;         ///< of that, what must stay free
  Bytes free;            ///< free on its disk now, trash counted as free
  Bytes used;            ///< bytes of the chunks it holds, by its own count
  Labels labels = {};

  friend bool operator==(const Member&, const Member&) = default;
};

/// What an agent says of itself; liveness and planned are not its to say.
struct Heartbeat {
  Member member;
};
struct Leave {
  ServerId server;
  Incarnation incarnation;
  StorageId storage;
};
struct HeartbeatReply {
  enum class Status { kOk, kStale, kConflict };
  ServerId server;
  Status status = Status::kOk;
  Incarnation incarnation;  ///< the highest one known of that server
  EventNumber number;       ///< of the last event published
};
struct SnapshotRequest {
  std::uint64_t request = 0;
};
/// A part of the answer: all members as of event `number`.
struct MemberSnapshot {
  std::uint64_t request = 0;
  StorageId stream;  ///< names the numbering; 16 random bytes as a storage id is
  EventNumber number;
  std::uint64_t part = 1;
  std::uint64_t parts = 1;
  std::vector<Member> members;
};

enum class MemberEventKind { kJoined, kSuspect, kFailed, kRecovered, kLeft, kUpdated, kBeacon };

/// One numbered event of a membership publisher.
struct MemberEvent {
  MemberEventKind kind = MemberEventKind::kBeacon;
  StorageId stream;
  EventNumber number;            ///< of this event; in a beacon, of the last one
  std::optional<Member> member;  ///< as it is after the event; absent in a beacon
  Timestamp at{};
};

}  // namespace evenkeel
