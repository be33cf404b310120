#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "common/model/control.h"
#include "tools/cli/control_client.h"
#include "tools/cli/data_client.h"
#include "tools/cli/session.h"

namespace evenkeel::cli {

/// Reads one chunk from its holders in turn: upon any fault the next one goes on where the last one
/// stopped. When all have failed, the rebalancer is asked once more who holds it.
class ChunkFetch : public std::enable_shared_from_this<ChunkFetch> {
 public:
  struct Parts {
    ControlClient* control;
    DataClient* data;
    bool first_holder_only = false;
  };
  /// All of its bytes; or what was wrong with each holder.
  using OnEnd = std::function<void(tl::expected<Buffer, std::string>)>;

  /// `epoch` is that of the tokens in `where`.
  ChunkFetch(Parts parts, Located::Item where, Epoch epoch, OnEnd on_end);
  void start() { try_next(); }

 private:
  void try_next();
  void tried(const Source& holder, const tl::expected<void, DataFault>& outcome);
  void locate_again();
  void located(const Result<Located>& answer);
  void end(tl::expected<Buffer, std::string> outcome);
  void give_up();

  Parts parts_;
  std::vector<Source> holders_;
  Epoch epoch_;  // of their tokens
  OnEnd on_end_;
  std::shared_ptr<PartialChunk> chunk_;
  std::size_t next_ = 0;  // of holders_
  bool located_again_ = false;
  std::vector<std::string> faults_;
};

}  // namespace evenkeel::cli
