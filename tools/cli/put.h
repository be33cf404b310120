#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/reactor/work.h"
#include "tools/cli/byte_window.h"
#include "tools/cli/data_client.h"
#include "tools/cli/file_put.h"
#include "tools/cli/progress.h"
#include "tools/cli/session.h"
#include "tools/cli/sources.h"

namespace evenkeel::cli {

/// What became of many files.
struct PutOutcome {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t chunks = 0;
  std::uint64_t replicas = 0;
  std::vector<std::string> failures;  ///< one for each file that was not put
  std::vector<std::string> warnings;
};

/// Puts files, many at a time: small ones wait for answers and not for each other, and large ones
/// are bounded by the memory that their parts take.
class Put {
 public:
  struct Settings {
    int goal = 0;              ///< 0: that of the policy
    std::string policy = {};   ///< empty: the default one
    std::size_t parallel = 8;  ///< replicas being stored at once on one server
    std::uint64_t window_bytes = std::uint64_t{256} << 20;
    std::size_t files_at_once = 256;
    Duration stall{30'000};
    std::string cluster;
    ChunkPut::Settings chunks = {};
  };
  using OnEnd = std::function<void(const PutOutcome&)>;

  Put(Loop& loop, ControlClient& control, Settings settings, std::vector<PutJob> jobs,
      OnEnd on_end);
  void start();
  Moved moved() const;

 private:
  void start_files();
  bool room_for_another() const;
  void start_file(const PutJob& job);
  void file_ended(std::size_t number, const FileOutcome& outcome);
  void end_if_done();

  Loop* loop_;
  ControlClient* control_;
  Settings settings_;
  std::vector<PutJob> jobs_;
  OnEnd on_end_;
  Work work_;
  DataClient data_;
  ByteWindow window_;
  PutOutcome outcome_;
  Moved moved_;
  std::size_t next_ = 0;  // of jobs_
  std::uint64_t bytes_in_work_ = 0;
  std::map<std::size_t, std::shared_ptr<FilePut>> in_work_;
  bool starting_ = false;
};

}  // namespace evenkeel::cli
