#pragma once
#include <deque>

#include "common/reactor/work.h"
#include "services/agent/io/committer.h"

namespace evenkeel::agent {

/// Sees what happens to live/ behind our back: looks through the directory now and then, reports
/// files that came, went or changed their size, and adopts those that bear no checksum yet. It
/// never removes anything.
class Watcher {
 public:
  Watcher(Loop& loop, Storage& storage, Committer& committer, Duration rescan_interval);

 private:
  void scan();
  void compare(const Census& census, AgeReading since);
  void look_at(const Census::Found& found, AgeReading since);
  void adopt_next();
  void adopted(const Census::Adoptable& file, const DiskResult<ChunkContent>& content);

  Storage& storage_;
  Committer& committer_;
  bool scanning_ = false;
  bool adopting_ = false;
  std::deque<Census::Adoptable> adoptable_;
  Work work_;
  Timer timer_;
};

}  // namespace evenkeel::agent
