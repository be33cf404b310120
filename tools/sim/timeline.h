#pragma once
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/time.h"

namespace evenkeel::sim {

/// What stood how at a moment of the simulated time.
struct Sample {
  Duration at;  ///< since the beginning of the first step
  Bytes in_flight;
  Bytes copied;  ///< since the beginning of the first step
  std::uint64_t at_risk = 0;
  std::uint64_t below_goal = 0;  ///< those at risk and those lost among them
};

/// The course of a simulation, in so few samples that it can be drawn: of those that lie close
/// together the worst is kept.
class Timeline {
 public:
  struct Mark {
    Duration at;
    std::string words;
  };

  void add(const Sample& sample);
  void mark(Duration at, std::string words) { marks_.push_back({at, std::move(words)}); }

  const std::vector<Sample>& samples() const { return samples_; }
  const std::vector<Mark>& marks() const { return marks_; }

 private:
  void thin_out();

  std::vector<Sample> samples_;
  std::vector<Mark> marks_;
  Duration step_{1};  // no two samples are closer than this
};

/// A picture of it for a browser: bytes in flight, chunks short of replicas and bytes copied a
/// second over time, with the steps marked. SVG that needs nothing else; words are escaped.
std::string svg(const Timeline& timeline, const std::string& title);

}  // namespace evenkeel::sim
