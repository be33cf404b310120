#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/reactor/work.h"
#include "tools/cli/byte_window.h"
#include "tools/cli/chunk_fetch.h"
#include "tools/cli/local_file.h"
#include "tools/cli/progress.h"
#include "tools/cli/session.h"

namespace evenkeel::cli {

struct GetOutcome {
  Exit exit = Exit::kOk;
  std::string what;  ///< what went wrong, if anything did
  std::uint64_t bytes = 0;
  std::uint64_t chunks = 0;
};

/// Reads a file, or one chunk, back: chunks are read ahead, as many as the window holds, verified,
/// and written in order. The output is complete, or is not there.
class Get {
 public:
  struct Settings {
    std::string cluster;
    bool first_holder_only = false;
    std::uint64_t window_bytes = std::uint64_t{192} << 20;
    std::size_t chunks_at_once = 32;
    Duration stall{30'000};
  };
  using MakeOutput = std::function<Result<std::unique_ptr<OutputFile>>()>;
  using OnEnd = std::function<void(const GetOutcome&)>;

  /// `make_output` is asked once it is known that there is something to write.
  Get(Loop& loop, ControlClient& control, Settings settings, Named what, MakeOutput make_output,
      OnEnd on_end);
  void start();
  Moved moved() const;

 private:
  struct Where {
    Located::Item chunk;
    Epoch epoch;  // of its tokens
  };
  struct Come {
    Buffer bytes;
    ByteWindow::Share share;
  };
  void locate(std::uint64_t first);
  void located(const Located& page);
  void fetch_more();
  void fetch(std::size_t index, ByteWindow::Share share);
  void fetched(std::size_t index, ByteWindow::Share share, tl::expected<Buffer, std::string> bytes);
  void write_more();
  void written(const Result<void>& outcome);
  void commit();
  void end(Exit exit, const std::string& what);

  Loop* loop_;
  ControlClient* control_;
  Settings settings_;
  Named what_;
  MakeOutput make_output_;
  OnEnd on_end_;
  Work work_;
  DataClient data_;
  ByteWindow window_;
  std::shared_ptr<OutputFile> output_;
  GetOutcome outcome_;
  Bytes size_;                 // of the whole
  std::uint64_t total_ = 0;    // chunks
  std::vector<Where> chunks_;  // those that have been located
  bool locating_ = false;
  bool waiting_for_room_ = false;
  bool writing_ = false;
  std::size_t next_fetch_ = 0;
  std::size_t fetching_ = 0;
  std::size_t next_write_ = 0;
  std::map<std::size_t, Come> come_;  // verified, not yet written
};

}  // namespace evenkeel::cli
