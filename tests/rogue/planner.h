#pragma once
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "common/base/random.h"
#include "common/reactor/zmq_channel.h"
#include "common/wire/codec.h"
#include "tests/rogue/ledger.h"
#include "tests/schedules/town.h"

namespace evenkeel::rogue {

/// What this one does beside making up commands, drawn for each run.
struct Manners {
  bool invents = false;     ///< evidence that is well made and untrue
  bool retires = false;     ///< what no owner has deleted
  bool reuses_ids = false;  ///< for other orders
  bool changes_epoch = false;
  bool forgets = false;  ///< leaves out of its answers what it has ordered
};

/// Sits where the rebalancer would, speaks its language, and orders whatever comes to its mind.
class Planner {
 public:
  Planner(schedules::Town& town, Ledger& ledger, const Manners& manners, Rng rng);

  /// One message to somebody.
  void act();

 private:
  using Held = std::tuple<StorageId, ChunkId, ChunkVersion>;
  struct Said {  // by an agent, of itself
    ServerId server;
    ChunkContent content;
  };

  void on_agent(Frames&& frames);
  void on(std::string_view route, const Hello& hello);
  void on(std::string_view route, const Inventory& inventory);
  void on(std::string_view route, const Ack& ack);
  void on(std::string_view route, const Pull& pull);
  void answer(std::string_view route, const wire::Message& message);
  void publish(ServerId server, const wire::Message& message);
  void send(ServerId server, Epoch epoch, std::vector<Order> orders);

  Order some_order(ServerId server);
  Order copy_to(ServerId server);
  Order delete_on(ServerId server);
  Order verify_on(ServerId server);
  std::vector<Holder> holders_of(const ChunkContent& content, StorageId not_this) const;
  std::vector<Holder> made_up_holders(const ChunkContent& content, ServerId not_this) const;
  void rest_on(Delete& order, std::vector<Holder> holders);
  std::string spoil(Delete& order, StorageId own);
  ChunkContent some_content();
  Source source(ServerId from, ServerId to, CommandId id, const ChunkContent& content);
  CommandId next_id();
  ServerId any_server();
  StorageId storage_of(ServerId server) const;
  Epoch some_epoch();
  std::string key(ServerId server) const;
  Duration fresh(Duration limit);

  schedules::Town& town_;
  Ledger& ledger_;
  const Manners manners_;
  Rng rng_;
  Epoch epoch_{3};
  std::uint64_t ids_ = 1;
  std::map<Held, Said> said_;
  std::set<Held> given_up_;  // a delete that may be obeyed was sent: nothing rests on these again
  std::map<ServerId, std::vector<Order>> sent_;
  std::map<ServerId, std::string> routes_;
  zmq::context_t context_;
  Loop loop_;
  ZmqChannel agents_, commands_;
};

}  // namespace evenkeel::rogue
