#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/checksum/checksum.h"
#include "common/model/control.h"
#include "tools/cli/byte_window.h"
#include "tools/cli/data_client.h"
#include "tools/cli/session.h"

namespace evenkeel::cli {

/// A part of a file in memory, on its way to become a chunk.
struct ChunkToPut {
  std::uint64_t index = 0;  ///< in the file
  Manifest manifest;
  Checksum checksum;
  std::shared_ptr<const Buffer> bytes;
  ByteWindow::Share share;  ///< of the memory
};

/// What became of it. Put if there is at least one receipt; with fewer than wanted the rebalancer
/// makes the rest.
struct ChunkOutcome {
  std::optional<ChunkId> chunk;
  std::vector<Receipt> receipts;
  std::size_t wanted = 0;           ///< as many places as the rebalancer gave
  std::vector<std::string> faults;  ///< each names the server
};

/// Stores one chunk on all of its targets at once, and asks for others in place of those that fail,
/// a few times.
class ChunkPut : public std::enable_shared_from_this<ChunkPut> {
 public:
  struct Settings {
    int rounds = 4;             ///< of asking for places
    int busy_tries = 5;         ///< at a target that says that it is busy
    Duration busy_pause{100};   ///< before the next of these; then twice as long, and so on
    Duration patience{10'000};  ///< with a rebalancer that has no place yet, as after its start
    Duration place_pause{250};  ///< before it is asked again
  };
  struct Parts {
    Loop* loop;
    DataClient* data;
    Settings settings = {};
  };
  using AskPlaces = std::function<void()>;  ///< puts item() into a put_place
  using OnEnd = std::function<void(const ChunkOutcome&)>;

  ChunkPut(Parts parts, ChunkToPut chunk, AskPlaces ask_places, OnEnd on_end);

  /// Both once for each time that places were asked for. `epoch` is that of the tokens.
  void placed(const PutPlaced::Item& item, Epoch epoch);
  void not_placed(const Error& why);

  PutPlace::Item item() const;
  std::uint64_t index() const { return chunk_.index; }

 private:
  std::vector<Source> new_targets(const PutPlaced::Item& item) const;
  void store(const PutPlaced::Item& item, const Source& target, int tries_left, Duration pause);
  void stored(const PutPlaced::Item& item, const Source& target, int tries_left, Duration pause,
              tl::expected<Receipt, DataFault> outcome);
  void failed(const Source& target, const DataFault& fault);
  void store_later(const PutPlaced::Item& item, const Source& target, int tries_left,
                   Duration pause);
  bool may_wait_for_places(const Error& why);
  void one_settled();
  void end();

  Parts parts_;
  ChunkToPut chunk_;
  AskPlaces ask_places_;
  OnEnd on_end_;
  ChunkOutcome outcome_;
  std::vector<ServerId> avoid_;
  std::vector<std::unique_ptr<Timer>> pauses_;
  std::unique_ptr<Timer> patience_;  // none: nothing has had to wait; not running: it is over
  std::size_t under_way_ = 0;
  int rounds_ = 0;
  Epoch epoch_{0};  // of the tokens of the last places
};

}  // namespace evenkeel::cli
