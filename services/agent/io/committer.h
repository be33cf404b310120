#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "common/reactor/turn.h"
#include "common/reactor/work.h"
#include "services/agent/io/storage.h"

namespace evenkeel::agent {

/// One thing that is to happen on disk, to be journalled, and then to be told of.
struct Effect {
  enum class Files {
    kNone,   ///< nothing: only the journal
    kPlace,  ///< the file `aside`, which is whole, becomes the replica `content`
    kTrash   ///< the replica `content` goes to the trash
  };
  Files files = Files::kNone;
  std::optional<ChunkContent> content;
  std::filesystem::path aside = {};
  bool synced = false;                            ///< whether `aside` is durable already
  std::unique_ptr<Storage::Hold> hold = nullptr;  ///< given back when the replica counts as used
  std::optional<CommandResult> result = {};       ///< of a command, if all goes well
  struct Ended {
    std::optional<Refusal> refusal;  ///< none: it has happened and is durable
    JournalNumber journal;
  };
  std::function<void(const Ended&)> then = nullptr;
};

/// Makes effects happen in the one order in which nothing is lost: files aside synced, the fence,
/// intentions of deletes into the journal, renames, folders synced, the journal with the results,
/// the table; and only then is anyone told. What comes while one batch is under way makes up the
/// next, so that many small copies share their syncs and their commit; and while one batch is being
/// renamed and journalled, the files of the next are synced.
class Committer {
 public:
  /// `on_commit` is called after each commit, before the next batch begins.
  Committer(Loop& loop, Storage& storage, std::function<void()> on_commit);

  void add(Effect effect);
  /// The effect of a command that waits for its command to be named in the epoch that we have now;
  /// nothing if it does not wait. Whoever takes it adds it again.
  std::optional<Effect> take_back(CommandId id);
  /// Files are being renamed for commands that have passed their last look at the fence.
  bool moving() const { return under_way_; }
  bool idle() const {
    return !under_way_ && !syncing_ && turn_.waiting() == 0 && unsynced_.empty() &&
           waiting_.empty();
  }
  /// How often files aside were synced, for whatever number of them at once.
  std::uint64_t syncs() const { return syncs_; }

 private:
  struct Job;  // an effect on its way through a batch
  using Jobs = std::vector<std::shared_ptr<Job>>;

  void gather(std::vector<Effect>&& effects);
  void sync_asides();
  void begin();
  bool is_early(const Effect& effect) const;
  void check_fence(Job& job);
  void check_place(Job& job);
  void check_trash(Job& job);
  void intend_deletes(const Jobs& jobs);
  static void move_files(const ChunkFiles& files, const Jobs& jobs, Timestamp when);
  void commit(const Jobs& jobs, Timestamp when);
  void journal(Journal::Batch& batch, Job& job, Bytes free);
  void settle(Job& job, Timestamp when);

  Storage& storage_;
  const std::function<void()> on_commit_;
  std::vector<Effect> unsynced_;  // until a sync of files aside begins
  bool syncing_ = false;
  std::uint64_t syncs_ = 0;
  std::vector<Effect> waiting_;
  std::map<CommandId, Effect> held_;  // until their commands are named in the epoch of now, or over
  bool under_way_ = false;
  std::vector<std::unique_ptr<Storage::Hold>> holds_;  // of the batch under way
  Work work_;
  Turn<Effect> turn_;
};

}  // namespace evenkeel::agent
