#pragma once
#include <functional>
#include <string>
#include <vector>

#include "common/reactor/loop.h"
#include "common/reactor/zmq_channel.h"
#include "common/wire/codec.h"
#include "services/rebalancer/core/cluster_view.h"
#include "services/rebalancer/core/event.h"
#include "services/rebalancer/io/inventories.h"
#include "services/rebalancer/io/keys.h"
#include "services/rebalancer/io/publisher.h"
#include "services/rebalancer/io/rejects.h"

namespace evenkeel {

/// Where agents greet, report, acknowledge and pull. Makes events of what they say; what must not
/// be said before it is durable is answered by committed().
class AgentsPort {
 public:
  struct Settings {
    std::string cluster;
    std::string endpoint;
  };

  AgentsPort(Loop& loop, zmq::context_t& context, const Settings& settings, const ClusterView& view,
             Publisher& publisher, const Keys& keys, const Clock& clock,
             std::function<void(Event)> on_event);

  /// All events given so far are durable: sends the answers that waited for it.
  void committed();
  std::optional<InventoryRead> next_inventory() { return inventories_.next(); }
  bool inventory_waiting() const { return inventories_.waiting(); }

 private:
  void on_message(Frames&& frames);
  void take(const std::string& route, wire::Message&& message);
  void on_hello(const std::string& route, const Hello& hello);
  void greet(const std::string& route, const Hello& hello);
  void on_inventory(const std::string& route, Inventory&& inventory);
  void on_ack(const std::string& route, const Ack& ack);
  /// Empty: it is the server, storage and run that membership told of.
  std::string why_unknown(const AgentIdentity& from) const;
  /// Whether nothing is unknown of it; if not, it has been told to try again.
  bool known(const std::string& route, const AgentIdentity& from);
  void send(const std::string& route, const wire::Message& message);

  struct Waiting {
    std::string route;
    wire::Message answer;
  };

  const Settings settings_;
  const ClusterView& view_;
  Publisher& publisher_;
  const Keys& keys_;
  const Clock& clock_;
  std::function<void(Event)> on_event_;
  Rejects rejects_;
  ZmqChannel channel_;
  Inventories inventories_;
  std::vector<Waiting> waiting_;
  struct Greeted {
    std::string route;
    StorageId storage;
  };
  std::map<ServerId, Greeted> greeted_;  ///< welcomed in the next committed()
  struct Early {
    std::string route;
    Hello hello;
  };
  std::map<ServerId, Early> early_;  ///< taken in once membership has told of the same run
};

}  // namespace evenkeel
