#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/reactor/turn.h"
#include "common/reactor/work.h"
#include "tools/cli/byte_window.h"
#include "tools/cli/chunk_put.h"
#include "tools/cli/control_client.h"
#include "tools/cli/local_file.h"
#include "tools/cli/sources.h"

namespace evenkeel::cli {

struct FileOutcome {
  std::string name;
  std::uint64_t size = 0;
  std::uint64_t chunks = 0;
  std::uint64_t replicas = 0;
  std::optional<std::string> failure;  ///< names the file
  std::vector<std::string> warnings;   ///< chunks with fewer replicas than wanted
};

/// Puts one file: opens it at the rebalancer, reads it part by part as the window has room, has
/// places given to the parts in batches, stores them, and closes it with the receipts.
class FilePut : public std::enable_shared_from_this<FilePut> {
 public:
  struct Parts {
    Loop* loop;
    Work* work;
    ControlClient* control;
    DataClient* data;
    ByteWindow* window;
    int goal = 0;
    std::function<void(std::uint64_t)> on_bytes;  ///< so many bytes are stored
    ChunkPut::Settings chunk_settings = {};
    std::string policy = {};
  };
  using OnEnd = std::function<void(const FileOutcome&)>;

  FilePut(Parts parts, std::string name, InputFile file, OnEnd on_end);
  void start();

 private:
  void opened(const PutOpened& answer);
  void read_next();
  void part_read(std::uint64_t index, ByteWindow::Share share, Result<FilePart> part);
  void ask_places(const std::vector<std::uint64_t>& indexes);
  void places_given(const std::vector<std::uint64_t>& indexes, const Result<PutPlaced>& answer);
  void chunk_ended(std::uint64_t index, const ChunkOutcome& outcome);
  void note_shortfall(std::uint64_t index, const ChunkOutcome& outcome);
  void register_receipts(bool last);
  void maybe_close();
  void fail_with(const std::string& what);
  void end();

  Parts parts_;
  InputFile file_;
  OnEnd on_end_;
  FileOutcome outcome_;
  std::optional<PutOpened> opened_;
  std::uint64_t unread_ = 0;  // parts
  std::uint64_t offset_ = 0;  // of the first of them
  bool reading_ = false;
  std::map<std::uint64_t, std::shared_ptr<ChunkPut>> chunks_;  // on their way
  Turn<std::uint64_t> without_place_;
  std::vector<Receipt> receipts_;  // not yet registered
  std::size_t registering_ = 0;    // messages under way
};

}  // namespace evenkeel::cli
