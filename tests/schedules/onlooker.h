#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "common/model/command.h"
#include "common/sqlite/database.h"
#include "tests/schedules/disks.h"
#include "tests/schedules/sayings.h"
#include "tests/schedules/world.h"

namespace evenkeel::schedules {

/// Looks on from outside, after every step, at the disks, the database and the wires. It believes
/// nobody: what it knows of replicas are the files that have been renamed, and their bytes.
class Onlooker {
 public:
  Onlooker(World& world, Disks& disks);
  ~Onlooker();

  /// What has been found to be wrong, each with the rule that it breaks.
  const std::vector<std::string>& faults() const { return faults_; }
  void fault(const std::string& rule, const std::string& what);

  // What the town tells it.
  void storage_is(const std::string& machine, StorageId storage);
  void epoch_of(std::function<std::optional<Epoch>(const std::string& machine)> ask) {
    epoch_of_ = std::move(ask);
  }
  /// The database that counts now; empty: none does.
  void database_is(const std::filesystem::path& file);
  bool has_database() const { return !file_.empty(); }
  void committed() { commit_seen_ = true; }
  void close_database();
  /// Numbers of chunks may be given out twice from here on.
  void restored() { restored_ = true; }
  void sent(const Run& from, std::string_view message);
  /// A client was told that its file is stored. `begun`: how often it had been given up when its
  /// put began; whoever has asked for it to be deleted since has nothing promised.
  void promised(const std::string& name, const ChunkContent& content, int begun) {
    if (times_given_up(name) == begun) promised_.insert_or_assign(name, content);
  }
  /// A client has asked for it to be deleted.
  void given_up(const std::string& name) {
    promised_.erase(name);
    ++given_up_[name];
  }
  int times_given_up(const std::string& name) { return given_up_[name]; }
  /// Nothing but evenness says which server a replica is to be on.
  void only_evenness_counts() { only_evenness_counts_ = true; }
  /// How long an agent may take to see what was done to its files behind its back.
  void seen_within(Nanos time) { seen_within_ = time; }
  /// An agent or its disk stands still, and sees nothing of what is done to its files.
  void stands_still(const std::string& machine, Nanos until);
  /// Something has been done to a file by no program of ours.
  void hurt(const std::string& machine, const std::string& name, bool gone);
  void wiped(const std::string& machine);
  /// An agent's run is over, and what is on its disk now is what the next run finds. A copy whose
  /// end its journal does not know may be made once more.
  void agent_ended(const std::string& machine, const std::filesystem::path& journal);
  /// After a loss of power: what the journal says is there must be there.
  void look_at_disk(const std::string& machine, const std::filesystem::path& journal);

  // When it looks.
  void after_step();
  void scan();
  /// Why the town is not at rest; empty: it is. `alive`: machines whose agents run.
  std::string unrest(const std::set<std::string>& alive);
  /// Of the end, when there is rest.
  void look_at_rest(const std::set<std::string>& alive);

  /// What the database says of how it came to this, for people.
  std::string story();
  std::vector<std::string> live_files(const std::string& machine) const;
  std::uint64_t commits() const { return commits_; }
  std::uint64_t deletes_judged() const { return deletes_judged_; }
  std::uint64_t copies_made() const { return copies_made_; }
  std::uint64_t deletes_done() const { return deletes_done_; }

 private:
  enum class Gone { kNot, kHurt, kByUs };
  struct File {
    std::string name;
    bool intact = true;
    Nanos damaged = -1;
    Gone gone = Gone::kNot;
    Nanos went = -1;
    std::optional<CommandId> by = {};  // whose delete it was
    bool again = false;  // in the place of one that had gone: the journal may still mean that one
  };
  using Place = std::tuple<StorageId, ChunkId, ChunkVersion>;
  struct Named {
    CommandKind kind = CommandKind::kReport;
    std::optional<ChunkContent> content;
    bool retired = false;
    bool known = false;  // by the database, when it was first sent
    /// In which it was named; of a delete, with the lowest goal of the chunk that it was sent with:
    /// the goal may rise after the decision, and the agent acts on what it heard first.
    std::map<Epoch, int> epochs;
  };

  void renamed(const std::filesystem::path& from, const std::filesystem::path& to);
  void arrived(const std::string& machine, const std::string& name, const std::string& from);
  void trashed(const std::string& machine, const std::string& name);
  void took_effect(const std::string& machine, CommandId id, const char* what);
  void look_at_commit();
  void look_at_members();
  std::string unevenness();
  std::string lost_and_intact(const std::map<StorageId, std::string>& running);
  Nanos time_to_see(const std::string& machine, Nanos since) const;
  void look_at_evidence(CommandId id, ChunkId chunk, ChunkVersion version);
  bool is_intact(const std::string& machine, const std::string& name) const;
  std::uint64_t intact_elsewhere(StorageId not_this, ChunkId chunk, ChunkVersion least) const;
  sqlite::Database* database();
  std::vector<std::vector<std::string>> rows(const std::string& sql, int columns);
  bool knows(CommandId id);
  int goal_now(ChunkId chunk);
  std::filesystem::path live(const std::string& machine) const;

  World& world_;
  Disks& disks_;
  std::map<std::string, StorageId> storages_;
  std::map<StorageId, std::string> machines_;
  std::map<Place, File> files_;
  std::map<std::pair<StorageId, CommandId>, Named> named_;
  std::map<std::pair<StorageId, CommandId>, int> effects_;
  std::map<std::string, std::set<CommandId>> copied_;  // by the present run of each agent
  std::map<ChunkId, std::uint64_t> hurts_;
  std::map<std::string, ChunkContent> promised_;
  std::map<std::string, int> given_up_;
  Nanos seen_within_ = 0;
  std::map<std::string, std::vector<std::pair<Nanos, Nanos>>> standstills_;  // from, until
  std::function<std::optional<Epoch>(const std::string&)> epoch_of_;
  std::filesystem::path file_;
  std::unique_ptr<sqlite::Database> reader_;
  std::map<std::string, sqlite3_stmt*> statements_;
  bool commit_seen_ = false, restored_ = false, only_evenness_counts_ = false;
  std::int64_t last_command_ = 0;
  std::uint64_t commits_ = 0, deletes_judged_ = 0, copies_made_ = 0, deletes_done_ = 0;
  std::vector<std::string> faults_;
  Sayings sayings_;
  std::pair<std::string, std::string> members_as_of_;  // stream and number in the database
};

}  // namespace evenkeel::schedules
