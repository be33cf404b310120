#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include <tl/expected.hpp>

#include "common/model/control.h"
#include "common/model/transfer.h"
#include "common/reactor/loop.h"
#include "tools/cli/data_connection.h"
#include "tools/cli/partial_chunk.h"

namespace evenkeel::cli {

/// One replica to store: to whom, with which right, what.
struct StoreOrder {
  std::string address;
  TransferStore message;
  std::shared_ptr<const Buffer> bytes;
};
using OnStored = std::function<void(tl::expected<Receipt, DataFault>)>;

/// One holder to read from. What is there of the chunk already is not read again.
struct FetchOrder {
  std::string address;
  TransferOpen open;  ///< offset and length are filled in
  std::shared_ptr<PartialChunk> chunk;
};
/// Success: the chunk is complete.
using OnFetched = std::function<void(tl::expected<void, DataFault>)>;

/// Stores chunks on agents and reads them from agents, over one connection to each data port.
class DataClient {
 public:
  struct Settings {
    std::string cluster;
    Duration stall;  ///< without a byte from the agent, or to it, a transfer has failed
    std::size_t stores_at_once = 8;  ///< to one server; further ones wait for their turn
  };

  DataClient(Loop& loop, Settings settings) : loop_(&loop), settings_(std::move(settings)) {}

  /// The order is done once `then` is called, which is never from inside store().
  void store(StoreOrder order, OnStored then);
  void fetch(FetchOrder order, OnFetched then);

 private:
  struct Lane {
    DataConnection connection;
    std::size_t storing = 0;
    std::deque<std::function<void()>> waiting;
  };
  Lane& lane_to(const std::string& address);
  void start_store(Lane& lane, StoreOrder order, OnStored then);
  void store_ended(Lane& lane);

  Loop* loop_;
  Settings settings_;
  std::map<std::string, Lane> lanes_;
};

/// The two kinds of transfers; each keeps itself until it has called `then`.
void begin_store(Loop& loop, DataConnection& connection, const DataClient::Settings& settings,
                 StoreOrder order, OnStored then);
void begin_fetch(Loop& loop, DataConnection& connection, const DataClient::Settings& settings,
                 FetchOrder order, OnFetched then);

}  // namespace evenkeel::cli
