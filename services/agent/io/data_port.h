#pragma once
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "common/model/transfer.h"
#include "common/reactor/tcp.h"
#include "common/reactor/work.h"
#include "services/agent/io/committer.h"
#include "services/agent/io/read_room.h"
#include "services/agent/io/storage.h"

namespace evenkeel::agent {

class Connection;

/// Serves chunk bytes to other agents and to clients, and takes what clients store
/// (schema/wire/README.md, section 7). Whoever connects is nobody until a token says otherwise.
class DataPort {
 public:
  DataPort(Loop& loop, Storage& storage, Committer& committer, const DataPortSettings& settings);
  ~DataPort();

  std::uint16_t port() const { return listener_.port(); }
  /// Tells when an epoch that a valid token bears is higher than ours.
  std::function<void(Epoch)> on_higher_epoch;

  struct Counts {
    std::uint64_t garbage = 0;      ///< connections ended for what came over them
    std::uint64_t denied = 0;       ///< transfers with a token that is not good
    std::uint64_t other_epoch = 0;  ///< transfers with a good token of another epoch
    std::uint64_t busy = 0;         ///< transfers that had to wait for room
    std::uint64_t opened = 0;       ///< transfers that were begun
    std::uint64_t bytes_out = 0;
  };
  const Counts& counts() const { return counts_; }
  std::size_t connections() const { return connections_.size(); }

 private:
  friend class Connection;
  /// Why this token does not open what is asked for; nothing if it does.
  std::optional<TransferError> token_fault(const TransferOpen& open);
  std::optional<TransferError> token_fault(const TransferStore& store);
  std::optional<TransferError> epoch_fault(Epoch epoch);
  /// `alone`: one transfer for this token, the one before is ended. False: too many transfers.
  bool enter(const std::string& token, bool alone, Connection& connection, std::uint64_t transfer);
  void leave(const std::string& token, const Connection& connection, std::uint64_t transfer);
  void look_at(const ChunkContent& content);
  void garbage(const Connection& connection, const std::string& why);
  void close(Connection& connection);
  void tick();

  Loop& loop_;
  Storage& storage_;
  Committer& committer_;
  const std::size_t transfers_max_;
  std::map<Connection*, std::shared_ptr<Connection>> connections_;
  struct Open {
    Connection* connection;
    std::uint64_t transfer;
  };
  std::multimap<std::string, Open> open_;  // by token
  const std::shared_ptr<ReadRoom> read_room_ = std::make_shared<ReadRoom>();
  Counts counts_;
  Instant next_garbage_line_{};
  std::set<ReplicaKey> looking_at_;
  Work work_;
  Timer ticker_;
  TcpListener listener_;
};

}  // namespace evenkeel::agent
