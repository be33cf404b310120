#pragma once
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "services/agent/core/command_book.h"
#include "services/agent/store/journal.h"
#include "services/rebalancer/rebalancer.h"
#include "tests/faults/fault_vfs.h"
#include "tests/rebalancer/cluster_builder.h"

namespace evenkeel::faults {

/// Where in a commit somebody is cut off.
enum class Place {
  kBefore,    ///< nothing of it has been written
  kInside,    ///< half of it has, torn by sector
  kSyncing,   ///< all of it has, and its sync was under way: each write is kept or not
  kAfter,     ///< it is durable, and nobody has been told
  kPublished  ///< it is durable, and all have been told and have acted; nobody was heard any more
};
inline constexpr std::array kAllPlaces{Place::kBefore, Place::kInside, Place::kSyncing,
                                       Place::kAfter, Place::kPublished};

/// The power goes at one commit of one of them. Server 0 is the rebalancer.
struct Crash {
  std::uint64_t server = 0;
  std::uint64_t commit = 0;  ///< from 1
  Place place = Place::kBefore;
};

/// The real rebalancer on its store; agents with real command books and journals, and disks that
/// are a map. Messages pass as calls. Looks on from outside: what was promised to a client is never
/// lost, no command has two effects, none has one that was not committed before, and no valid
/// replica goes while fewer than goal others are intact.
class Town {
 public:
  struct Agent {
    Member member;
    std::map<ChunkId, ChunkContent> disk = {};
    std::set<ChunkId> damaged = {};
    std::unique_ptr<agent::Journal> journal = nullptr;
    std::unique_ptr<agent::CommandBook> book = nullptr;
    std::deque<Command> tasks = {};
    std::uint64_t inventory = 0;
    std::map<CommandId, int> effects = {};
  };

  Town(const std::filesystem::path& folder, std::optional<Crash> crash);
  ~Town();

  /// Commits made by server n (0: the rebalancer), where nobody is cut off.
  const std::map<std::uint64_t, std::uint64_t>& commits() const { return commits_; }
  bool crashed() const { return crashed_; }

  // What stories are made of.
  void meet(std::uint64_t servers);
  void put(const std::string& name, int goal);
  void remove(const std::string& name);
  void set_goal(const std::string& name, int goal);
  void ask_until_answered(const Request& request);
  void die(std::uint64_t server);
  void come_back(std::uint64_t server);
  void wipe(std::uint64_t server);
  void damage(std::uint64_t server, std::size_t which);
  void lose_file(std::uint64_t server, std::size_t which);
  void restart_rebalancer();
  void restart_agent(std::uint64_t server);
  /// Agents receive what is open; what is done is told; a second goes by. Again and again.
  void live(int seconds);
  /// Only some of it: commands are received and done, and nobody is told.
  void act_unheard();

  /// Waits for rest, and looks whether all is as it must be. Says what is not.
  std::string rest();
  std::string why_not() const;
  const std::vector<std::string>& faults() const { return faults_; }
  const ClusterView& view() const { return rebalancer_->view(); }

 private:
  std::filesystem::path folder_of(std::uint64_t server) const;
  bool alive(const Agent& agent) const { return agent.member.liveness != Liveness::kDead; }
  bool handle(const std::vector<Event>& events, const std::vector<Asked>& asked = {});
  bool commit(std::uint64_t server, const std::function<void()>& write);
  std::optional<Answer> ask(const Request& request);
  void reopen_rebalancer();
  void reopen_agent(Agent& agent);
  void introduce();
  void tell(const Agent& agent);
  void greet(Agent& agent);
  void report(Agent& agent);
  AgentIdentity from(const Agent& agent) const;
  Command message_of(const CommandRecord& record) const;
  void receive(Agent& agent);
  void take(Agent& agent, const Command& command);
  void work(Agent& agent);
  bool do_it(Agent& agent, const Command& command);
  bool end(Agent& agent, CommandResult result,
           const std::function<void(agent::Journal::Batch&)>& more = nullptr);
  bool copy(Agent& agent, const Command& command, const Replicate& order);
  bool remove(Agent& agent, const Command& command, const Delete& order);
  void look_at_delete(const Agent& agent, const Command& command, const Delete& order);
  void effect(Agent& agent, CommandId id);
  void acknowledge(Agent& agent);
  void fault(const std::string& what) { faults_.push_back(what); }
  ChunkId some_chunk(const Agent& agent, std::size_t which) const;

  const std::filesystem::path folder_;
  const std::optional<Crash> crash_;
  bool crashed_ = false;
  ManualClock clock_{Timestamp(Duration(1'000'000))};
  Limits limits_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Rebalancer> rebalancer_;
  std::map<ServerId, Agent> agents_;
  std::map<std::uint64_t, std::uint64_t> commits_;
  std::map<std::string, std::pair<ChunkId, int>> promised_;  // name -> chunk, goal
  std::set<ChunkId> removed_;
  std::map<ChunkId, int> hurt_;  // files damaged or lost by no fault of ours
  std::vector<std::string> faults_;
  std::uint64_t contents_ = 0, wipes_ = 0;
};

/// A story by its name.
struct Story {
  std::string name;
  std::function<void(Town&)> tell;
};
std::vector<Story> stories();

}  // namespace evenkeel::faults
