#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "common/reactor/work.h"
#include "services/agent/core/block_plan.h"
#include "services/agent/core/rate_limit.h"
#include "services/agent/core/sources.h"
#include "services/agent/io/peer.h"
#include "services/agent/io/storage.h"
#include "services/agent/store/aside_file.h"

namespace evenkeel::agent {

/// One copy: pulls a chunk from its sources into a file aside, block by block, each verified before
/// it is written. What one source has delivered stays when another has to go on. It ends with a
/// whole file aside, synced if it is a large one, or with a reason; making a replica of it is the
/// committer's part.
class CopyJob : public std::enable_shared_from_this<CopyJob> {
 public:
  struct End {
    std::optional<Refusal> refusal;  ///< none: the file is whole
    Outcome outcome = Outcome::kDone;
    std::filesystem::path aside;  ///< of a whole file; else it is gone already
    bool synced = false;          ///< else that is left to whoever gathers many of them
    std::unique_ptr<Storage::Hold> hold;
    std::vector<Blame> blamed;
    Bytes bytes_done;
  };
  using OnEnd = std::function<void(End)>;

  CopyJob(Loop& loop, Storage& storage, Peers& peers, CommandId id, Replicate order, OnEnd on_end);
  ~CopyJob();
  CopyJob(const CopyJob&) = delete;
  CopyJob& operator=(const CopyJob&) = delete;

  void start();
  /// How many bytes of it are in memory at once, at most.
  static Bytes memory_for(const Replicate& order);
  /// The rebalancer of a new epoch wants it too. What runs goes on; what is opened from now on is
  /// opened at these.
  void endorsed(std::vector<Source> sources);
  /// The agent ends. What a thread still has of this ends by itself, and tells nobody.
  void abandon();
  /// To be called some times a second: stalled sources, time that is over, rates.
  void tick();
  Bytes bytes_done() const { return bytes_done_; }

 private:
  void try_source();
  void say_open(const Source& source);
  void on_message(const wire::Message& message);
  void on_manifest(const TransferManifest& manifest);
  void on_error(const TransferError& error);
  void on_data(std::uint64_t offset, Buffer&& bytes);
  void drop_cut_off();
  void on_written(BlockRange range, Bytes size, const std::optional<DiskFault>& fault);
  void look_at_leftover();
  void count(Bytes size);
  void write(std::uint64_t offset, Buffer&& bytes);
  void gather(std::uint64_t offset, const Buffer& bytes);
  void write_whole(Buffer&& bytes);
  void go_on();
  void wake_after(Duration wait);
  void wrote_whole(Bytes size, const std::optional<DiskFault>& fault);
  void ask_more();
  void complete();
  void blame(Fault fault, const std::string& why);
  void leave_source(bool tell);
  void end(std::optional<Refusal> refusal, Outcome outcome = Outcome::kFailed);
  bool stalled(Instant now) const;
  /// It can be told by its checksum alone, and comes without a manifest.
  bool is_one_block() const { return whole_ && plan_.blocks() == 1; }

  Loop& loop_;
  Storage& storage_;
  const std::shared_ptr<const ChunkFiles> files_;
  Peers& peers_;
  const CommandId id_;
  const Replicate order_;
  OnEnd on_end_;
  Sources sources_;
  BlockPlan plan_;
  RateLimit limit_;
  std::unique_ptr<Storage::Hold> hold_;
  std::filesystem::path aside_;
  std::shared_ptr<const AsideFile> file_;
  std::shared_ptr<const Manifest> manifest_;  // adds up to the checksum of the command
  std::shared_ptr<Peer> peer_;
  std::uint64_t transfer_ = 0;
  const bool whole_;         // small: it comes at once, and is written at once
  Buffer gathered_;          // of a small one that comes in pieces
  bool resumed_ = false;     // a file of an earlier run is there, and not looked at yet
  bool looking_ = false;     // it is being looked at
  bool completing_ = false;  // all of it is written
  std::vector<std::pair<std::uint64_t, Buffer>> early_;  // came before the file was there
  bool writing_whole_ = false;
  bool abandoned_ = false;     // its agent has ended
  bool made_ = false;          // the file aside is there, or may be
  bool opened_ = false;        // the source has answered with the manifest, or needs none
  std::uint64_t writing_ = 0;  // blocks that are in the thread pool
  Instant heard_{};
  std::optional<Instant> next_round_;
  Bytes bytes_done_;
  Work work_;
  std::optional<Timer> wake_;  // when the rate lets the next piece go
};

}  // namespace evenkeel::agent
