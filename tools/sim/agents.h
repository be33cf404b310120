#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <string>
#include <tuple>
#include <vector>

#include "tools/sim/rates.h"

namespace evenkeel::sim {

/// Virtual time, from the start of the simulation; finer than the service's milliseconds, since a
/// small chunk takes less than one.
using Nanos = std::chrono::nanoseconds;

/// The agents, as far as time goes: what they copy ends when their disks and networks let it.
///
/// Each server makes so many copies at once, and others wait for their turn in order. A copy goes
/// through four ways: the disk and the network of its source, and those of its target. Each way
/// serves one after the other at its rate, in the order in which copies begin; the copy is done
/// when all four have served it and its cost is over.
class Agents {
 public:
  struct Copy {
    CommandId command;
    ServerId target;
    ServerId source;  ///< wished for; another is taken if that one is gone
    Bytes size;
    Bytes rate;  ///< the most that it may go at; 0: no limit
  };
  struct Ended {
    CommandId command;
    ServerId target;
    ServerId source;  ///< the one that served it
    bool done;        ///< if not: nobody could serve it
  };
  /// Says who may serve a copy whose source is gone.
  using OtherSource = std::function<std::optional<ServerId>(CommandId)>;

  Agents(const Rates& rates, OtherSource other_source);

  void add(ServerId server, const std::string& machine);
  /// It falls silent: what it was copying will never end, what others read from it begins anew.
  void lose(ServerId server, Nanos now);
  bool serves(ServerId server) const { return servers_.contains(server); }

  void take(const Copy& copy, Nanos now);
  /// It is no longer wanted. Its place is free at once.
  void drop(CommandId command, ServerId target, Nanos now);

  /// When the next copy ends; none if nothing is under way.
  std::optional<Nanos> next();
  /// All that have ended by then, in order.
  std::vector<Ended> ended(Nanos now);

 private:
  struct Way {  // a disk, or one direction of a network
    std::uint64_t rate;
    Nanos free_at{0};
    Nanos book(std::uint64_t bytes, Nanos now);
  };
  struct Machine {
    Way in, out;
  };
  struct Server {
    Machine* machine;
    Way disk;
    int running = 0;
    std::deque<Copy> waiting;
  };
  struct Run {
    Copy copy;
    std::uint64_t begun;  // tells this run of the copy from an earlier one
    bool served;
  };
  using End = std::tuple<Nanos, std::uint64_t, CommandId>;

  void begin(const Copy& copy, Nanos now);
  void begin_waiting(ServerId server, Nanos now);
  void skip_old_ends();

  const Rates rates_;
  const OtherSource other_source_;
  std::map<std::string, Machine> machines_;
  std::map<ServerId, Server> servers_;  // those that serve
  std::map<CommandId, Run> running_;
  std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
  std::uint64_t begun_ = 0;
};

}  // namespace evenkeel::sim
