#include "tools/cli/progress.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <unistd.h>

namespace evenkeel::cli {
namespace {

constexpr Duration kDrawEvery{200};
constexpr std::size_t kBarWidth = 24;

}  // namespace

std::uint64_t rate(std::uint64_t bytes, Duration elapsed) {
  if (elapsed <= Duration::zero()) return 0;
  return static_cast<std::uint64_t>(static_cast<double>(bytes) * 1000 /
                                    static_cast<double>(elapsed.count()));
}

std::optional<Duration> time_left(const Moved& moved, Duration elapsed) {
  constexpr Duration kTooEarly{1'000};
  if (elapsed < kTooEarly || moved.bytes == 0 || moved.bytes >= moved.bytes_total) {
    return std::nullopt;
  }
  return Duration(static_cast<std::int64_t>(static_cast<double>(elapsed.count()) *
                                            static_cast<double>(moved.bytes_total - moved.bytes) /
                                            static_cast<double>(moved.bytes)));
}

std::string progress_line(const Moved& moved, Duration elapsed, std::size_t width) {
  const double share = moved.bytes_total == 0 ? 0
                                              : static_cast<double>(moved.bytes) /
                                                    static_cast<double>(moved.bytes_total);
  const auto filled =
      std::min(kBarWidth, static_cast<std::size_t>(share * static_cast<double>(kBarWidth)));
  const auto left = time_left(moved, elapsed);
  std::string line = std::string(filled, '#') + std::string(kBarWidth - filled, '-') + "  " +
                     share_text(share) + (left ? "  " + duration_text(*left) + " left" : "") +
                     "  " + bytes_text(moved.bytes) + " of " + bytes_text(moved.bytes_total) +
                     "  " + bytes_text(rate(moved.bytes, elapsed)) + "/s";
  if (moved.files_total > 1) {
    line += "  " + count_text(moved.files) + " of " + count_of(moved.files_total, "file");
  }
  return width == 0 ? line : shortened(line, width);
}

ProgressBar::ProgressBar(Loop& loop, const Clock& clock, std::function<Moved()> moved)
    : clock_(&clock),
      began_(clock.now()),
      moved_(std::move(moved)),
      style_(style_of(STDERR_FILENO)),
      timer_(loop, [this] { draw(); }) {
  if (isatty(STDERR_FILENO) != 0) timer_.start(kDrawEvery, kDrawEvery);
}

ProgressBar::~ProgressBar() {
  if (timer_.running()) std::fputs("\r\033[K", stderr);
}

void ProgressBar::draw() const {
  const std::size_t width = style_.width > 0 ? style_.width - 1 : 79;
  const std::string line = progress_line(moved_(), clock_->now() - began_, width);
  std::fprintf(stderr, "\r%s\033[K", line.c_str());
  std::fflush(stderr);
}

}  // namespace evenkeel::cli
