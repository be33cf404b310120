#include "tools/cli/data_client.h"

#include <utility>

namespace evenkeel::cli {

DataClient::Lane& DataClient::lane_to(const std::string& address) {
  const auto found = lanes_.find(address);
  if (found != lanes_.end()) return found->second;
  return lanes_.emplace(address, Lane{DataConnection(*loop_, address), 0, {}}).first->second;
}

void DataClient::store(StoreOrder order, OnStored then) {
  Lane& lane = lane_to(order.address);
  if (lane.storing < settings_.stores_at_once) {
    return start_store(lane, std::move(order), std::move(then));
  }
  lane.waiting.push_back([this, &lane, order = std::move(order), then = std::move(then)] {
    start_store(lane, order, then);
  });
}

void DataClient::start_store(Lane& lane, StoreOrder order, OnStored then) {
  ++lane.storing;
  begin_store(*loop_, lane.connection, settings_, std::move(order),
              [this, &lane, then = std::move(then)](tl::expected<Receipt, DataFault> stored) {
                store_ended(lane);
                then(std::move(stored));
              });
}

void DataClient::store_ended(Lane& lane) {
  --lane.storing;
  if (lane.waiting.empty()) return;
  const auto next = std::move(lane.waiting.front());
  lane.waiting.pop_front();
  next();
}

void DataClient::fetch(FetchOrder order, OnFetched then) {
  Lane& lane = lane_to(order.address);
  begin_fetch(*loop_, lane.connection, settings_, std::move(order), std::move(then));
}

}  // namespace evenkeel::cli
