#pragma once
#include <cstdint>
#include <optional>
#include <vector>

namespace evenkeel::agent {

/// A run of blocks of one chunk.
struct BlockRange {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  friend bool operator==(const BlockRange&, const BlockRange&) = default;
};

/// Which blocks of a chunk are still to be fetched. What one source has delivered stays when
/// another one has to go on.
class BlockPlan {
 public:
  explicit BlockPlan(std::uint64_t blocks) : states_(blocks, State::kWanted), wanted_(blocks) {}

  /// The first run of wanted blocks, at most `most` long; it counts as asked for from now on.
  std::optional<BlockRange> ask(std::uint64_t most);
  /// False if the block was not asked for: it came unasked, or twice.
  bool have(std::uint64_t block);
  /// It was there before anybody asked for it. False: it was asked for meanwhile, or is had.
  bool had_before(std::uint64_t block);
  /// Its bytes were wrong: it is wanted again.
  void want_again(std::uint64_t block);
  /// The source is gone: what was asked for and has not come is wanted again.
  void source_gone();

  std::uint64_t blocks() const { return states_.size(); }
  bool complete() const { return had_ == states_.size(); }
  std::uint64_t had() const { return had_; }
  std::uint64_t outstanding() const { return states_.size() - wanted_ - had_; }

 private:
  enum class State : std::uint8_t { kWanted, kAsked, kHad };
  std::vector<State> states_;
  std::uint64_t wanted_;
  std::uint64_t had_ = 0;
  std::uint64_t from_ = 0;  // no wanted block lies before it
};

}  // namespace evenkeel::agent
