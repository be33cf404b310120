#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "common/base/time.h"
#include "common/reactor/loop.h"
#include "tools/cli/text.h"

namespace evenkeel::cli {

/// How far something has come that moves bytes.
struct Moved {
  std::uint64_t bytes = 0;
  std::uint64_t bytes_total = 0;
  std::uint64_t files = 0;
  std::uint64_t files_total = 0;
};

/// "#####-----  50.0%  4 s left  1.2 GiB of 2.4 GiB  310 MiB/s  12 of 40 files", cut to the width.
std::string progress_line(const Moved& moved, Duration elapsed, std::size_t width);

/// If it goes on as it went so far; none if that says nothing yet.
std::optional<Duration> time_left(const Moved& moved, Duration elapsed);

/// Bytes a second; 0 in no time.
std::uint64_t rate(std::uint64_t bytes, Duration elapsed);

/// A line on a terminal's stderr, drawn anew a few times a second and gone in the end. Nothing if
/// stderr is no terminal.
class ProgressBar {
 public:
  ProgressBar(Loop& loop, const Clock& clock, std::function<Moved()> moved);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

 private:
  void draw() const;

  const Clock* clock_;
  Instant began_;
  std::function<Moved()> moved_;
  Style style_;
  Timer timer_;
};

}  // namespace evenkeel::cli
