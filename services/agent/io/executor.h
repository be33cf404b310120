#pragma once
#include <deque>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "services/agent/io/committer.h"
#include "services/agent/io/copy_job.h"

namespace evenkeel::agent {

/// Does what commands say: looks each up in the book, does it if it is new, and hands what came of
/// it to the committer.
class Executor {
 public:
  Executor(Loop& loop, Storage& storage, Committer& committer, Peers& peers,
           const WorkSettings& settings);
  ~Executor();

  /// A command out of a message of the epoch that the book has.
  void take(const Command& command, Epoch epoch);
  /// One of a kind that we do not know: refused, with a result like any other.
  void take_unknown(CommandId id, Epoch epoch);
  /// Their fence is down: what has been done for them is thrown away, and that is their result.
  void end(const std::vector<CommandId>& commands);

  /// All that is open is known: what an earlier run had begun and none of it needs, goes.
  void drop_leftovers();

  /// Of this run, by kind and outcome. A copy's bytes count when it is done.
  struct Counts {
    std::map<std::pair<CommandKind, Outcome>, std::uint64_t> ended;
    Bytes copied;
  };
  const Counts& counts() const { return counts_; }
  /// Commands that were begun, or wait for that.
  std::size_t open() const { return tasks_.size(); }

  /// What copies have written so far.
  std::vector<std::pair<CommandId, Bytes>> progress() const;

 private:
  struct Task {  // a command from its receipt to its result
    Command command;
    Instant since{};
    std::shared_ptr<CopyJob> copy = nullptr;
  };
  void begin(const Command& command);
  void begin(CommandId id, const Replicate& order);
  void begin(CommandId id, const Delete& order);
  void begin(CommandId id, const Verify& order);
  void begin(CommandId id, const Report& order);

  void endorse(const Command& command);
  std::optional<std::string> evidence_missing(const Delete& order) const;

  void start_waiting();
  bool has_room_for(CommandId copy) const;
  bool has_thread_for(CommandId verify) const;
  bool is_look(const Verify& order) const;
  void start_copy(CommandId id, const Replicate& order);
  void look_before_copy(CommandId id, const Replicate& order);
  void copy(CommandId id);
  void copied(CommandId id, CopyJob::End end);
  void start_verify(CommandId id, const Verify& order);
  void verified(CommandId id, const Verify& order, const std::optional<DiskFault>& fault,
                AgeReading since);
  Refusal not_here(const ChunkContent& content) const;

  void done(CommandId id, std::string detail = "", Bytes bytes = Bytes());
  void fail(CommandId id, Outcome outcome, Refusal refusal);
  void finish(CommandId id, Effect effect);

  Loop& loop_;
  Storage& storage_;
  Committer& committer_;
  Peers& peers_;
  const WorkSettings settings_;
  std::map<CommandId, Task> tasks_;
  std::deque<CommandId> copies_waiting_, verifies_waiting_;
  std::size_t copies_ = 0;
  std::size_t verifies_ = 0;  // under way, each with a thread of its own
  std::size_t looks_ = 0;     // at small files, under way
  Bytes copy_memory_;         // that copies which have begun may come to hold
  void say(CommandId id, CommandKind kind, const std::string& chunk, Instant since);
  void say_done();
  Counts counts_;
  std::map<CommandKind, std::size_t> done_;  // since the last line about them
  Bytes done_bytes_;
  Instant next_sum_{};
  std::vector<std::shared_ptr<CopyJob>> ended_;  // until nothing of theirs is on the stack
  Work work_;
  Timer ticker_;
  Timer next_;  // starts what waits, as soon as there is room
};

}  // namespace evenkeel::agent
