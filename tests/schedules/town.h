#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "services/agent/core/replica_table.h"
#include "services/agent/settings.h"
#include "services/rebalancer/core/limits.h"
#include "tests/faults/fault_vfs.h"
#include "tests/schedules/client.h"
#include "tests/schedules/disks.h"
#include "tests/schedules/echo.h"
#include "tests/schedules/network.h"
#include "tests/schedules/onlooker.h"
#include "tests/schedules/world.h"

namespace evenkeel::schedules {

/// What a town is made of; a seed draws it.
struct Plan {
  int agents = 4;
  std::vector<std::string> locations;  ///< of each
  Limits limits;
  std::uint64_t capacity = 200'000;
  Duration suspect_after{2'500};
  Duration dead_after{6'000};
  Duration rescan{10'000};
  Duration trash_keep{60'000};
  Duration scrub_pause{30'000};
  Nanos tick = 200 * kMs;  ///< how coarse timers are
};

/// The real services, each on a machine of its own in one simulated world: membership, rebalancer,
/// agents; and a client. Programs can be cut off anywhere and start again with what was durable.
class Town {
 public:
  Town(std::uint64_t seed, const Plan& plan, const std::filesystem::path& root);
  ~Town();

  World& world() { return world_; }
  Network& network() { return network_; }
  Disks& disks() { return disks_; }
  Onlooker& onlooker() { return onlooker_; }
  Client& client() { return *client_; }
  const Plan& plan() const { return plan_; }
  const std::vector<std::string>& agents() const { return agents_; }

  void start_all();
  /// From here on some messages are delivered once more at once, which is to change nothing.
  void echo_messages();
  /// Lets time pass, and everything that happens in it.
  void run_until(Nanos when);
  bool runs(const std::string& program) const { return programs_.contains(program); }

  enum class How { kKilled, kPower, kStopped };
  /// Ends it now; it starts again after a while, if it is to.
  void end(const std::string& program, How how, std::optional<Nanos> again_after);
  void start(const std::string& program);
  /// Cuts it off in the midst of the nth thing from now that it does to the outside.
  void doom(const std::string& program, std::uint64_t nth, How how);
  void pause(const std::string& program, Nanos how_long);
  void stall_disk(const std::string& agent, Nanos how_long);

  /// Its disk is replaced by an empty one.
  void wipe(const std::string& agent);
  void flip_bit(const std::string& agent, Rng& rng);
  void lose_file(const std::string& agent, Rng& rng);
  void cut_file(const std::string& agent, Rng& rng);
  /// A newer version of one of its chunks, by a hand that is not ours.
  void raise(const std::string& agent, Rng& rng);
  /// Files that are there before anybody has told of them.
  void leave_to_adopt(const std::string& agent, const agent::ReplicaKey& key, const Buffer& bytes);

  void back_up_database();
  void restore_database();
  void lose_database();
  /// Another rebalancer on the same database, while the first stands still or is not heard.
  void start_second();
  void move_wall_clock(const std::string& machine, Duration by);

  /// No more faults: everything runs, every way is open, every disk is sound.
  void heal();
  std::string unrest() { return onlooker_.unrest(alive()); }
  void look_at_rest() { onlooker_.look_at_rest(alive()); }
  std::set<std::string> alive() const;

 private:
  struct Program;
  struct MembershipProgram;
  struct RebalancerProgram;
  struct AgentProgram;
  struct Doom {
    std::uint64_t left;
    How how;
  };
  std::filesystem::path folder_of(const std::string& program) const;
  void make_machine(const std::string& machine);
  void put_template(const std::string& machine, const char* file);
  void ended(const std::shared_ptr<Run>& run, const std::string& why);
  std::optional<std::string> any_file(const std::string& agent, Rng& rng) const;
  void take_down(const std::string& program, How how);
  void start_later(const std::string& program, Nanos wait);
  bool dooms(const std::string& program);
  void watch_database();

  World world_;
  const Plan plan_;
  faults::FaultVfs& vfs_;
  Disks disks_;
  Network network_;
  Onlooker onlooker_;
  std::unique_ptr<Echo> echo_;
  Rng rng_;
  std::vector<std::string> agents_;
  std::map<std::string, MachineClock> clocks_;
  std::map<std::string, std::unique_ptr<Program>> programs_;
  std::map<std::string, Doom> dooms_;
  std::optional<std::pair<std::string, How>> cut_;  // who is being cut off, and how
  std::set<std::string> to_start_;
  std::shared_ptr<Run> client_run_;
  std::unique_ptr<zmq::context_t> client_context_;
  std::unique_ptr<Client> client_;
  std::map<ChunkId, ChunkVersion> versions_;  // of chunks that a foreign hand has written anew
  bool healed_ = false;
  int ended_after_heal_ = 0;
  std::filesystem::path backup_;
};

}  // namespace evenkeel::schedules
