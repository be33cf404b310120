#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "tests/schedules/network.h"
#include "tests/schedules/onlooker.h"
#include "tests/schedules/world.h"

namespace evenkeel::schedules {

/// Delivers some messages once more, to the same program at once, and tells the onlooker of every
/// fact in that program's database, and every file of a chunk, that is another afterwards. What
/// was under way before the first delivery, and what follows from it, are awaited while the clock
/// stands still, so that nothing but the second can have made it so. A new command would be a fact
/// in the database: none is sent that is not there (S8).
class Echo {
 public:
  /// Watches until its end; all of them outlive it. `root`: where the folders of the programs are.
  Echo(World& world, Network& network, Onlooker& onlooker, std::filesystem::path root);
  ~Echo();
  Echo(const Echo&) = delete;
  Echo& operator=(const Echo&) = delete;

  /// To be called between two steps of the world: where nothing is half done.
  void after_step();

 private:
  using Facts = std::set<std::string>;
  struct Arrived {
    std::weak_ptr<Network::Socket> at;
    Frames frames;
    std::string kind;
  };
  bool arrived(const std::shared_ptr<Network::Socket>& at, const Frames& message);
  void deliver_twice(const Arrived& message);
  bool deliver(const std::shared_ptr<Network::Socket>& at, Frames message);
  bool settle(const std::shared_ptr<Run>& run);
  bool pass_a_turn(const std::shared_ptr<Run>& run);
  std::optional<Facts> facts_of(const Run& run) const;

  World& world_;
  Network& network_;
  Onlooker& onlooker_;
  const std::filesystem::path root_;
  Rng rng_;
  std::optional<Arrived> next_;
  bool settling_ = false;
  bool disturbed_ = false;
};

}  // namespace evenkeel::schedules
