#include <algorithm>
#include <cstdio>
#include <string>

#include <sys/ioctl.h>
#include <unistd.h>

#include "common/base/system_clock.h"
#include "tools/cli/commands.h"
#include "tools/cli/progress.h"
#include "tools/cli/screen.h"

namespace evenkeel::cli {
namespace {

constexpr Duration kPingMax{2'000};  // a screen that waits for longer is of no use

/// What was copied up to a moment, to tell from two of them how much it is in a second.
struct Copied {
  Instant when{};
  std::int64_t copies = 0, bytes = 0;
};

Copied copied_by_now(const View& view, Instant now) {
  const std::string sum = " FROM command_totals WHERE kind = 'replicate'";
  return {now, view.number("SELECT sum(done)" + sum), view.number("SELECT sum(done_bytes)" + sum)};
}

Rows in_flight(const View& view, std::size_t rows) {
  return view.rows({{"command_id", "COMMAND", Kind::kCommand, 9},
                    {"kind", "KIND", Kind::kText, 8},
                    {"reason", "REASON", Kind::kText, 7},
                    {"chunk_id", "CHUNK", Kind::kChunk, 8},
                    {"source_id", "FROM", Kind::kServer, 5},
                    {"server_id", "SERVER", Kind::kServer, 8},
                    {"size_bytes", "SIZE", Kind::kBytes, 4}},
                   "open_commands ORDER BY command_id LIMIT " + std::to_string(rows));
}

Rows last_events(const View& view, std::size_t rows) {
  Rows events = view.rows({{"at_ms", "AT", Kind::kTime, 5},
                           {"subject", "SUBJECT", Kind::kText, 6},
                           {"text", "WHAT", Kind::kText, 9}},
                          "events ORDER BY event_number DESC LIMIT " + std::to_string(rows));
  std::ranges::reverse(events.rows);
  return events;
}

/// Rows of the terminal; what no terminal is has room for this many.
std::size_t height_of(int fd) {
  winsize size{};
  return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 40;
}

std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

/// No more lines than the terminal has.
std::string cut(const std::string& text, std::size_t lines) {
  std::size_t end = 0;
  for (std::size_t line = 0; line < lines && end != std::string::npos; ++line) {
    end = text.find('\n', end == 0 ? 0 : end + 1);
  }
  return end == std::string::npos ? text : text.substr(0, end + 1);
}

/// The screen of `top`, which looks again and again.
class Top {
 public:
  Top(const Options& options, const View& view, const TopWish& wish)
      : options_(options),
        view_(view),
        wish_(wish),
        session_(hurried(options)),
        before_(copied_by_now(view, clock_.now())),
        style_(style_of(STDOUT_FILENO)),
        timer_(session_.loop(), [this] { look(); }) {}

  Exit run() {
    timer_.start(Duration(0), wish_.every);
    session_.run();
    return Exit::kOk;
  }

 private:
  static Options hurried(const Options& options) {
    Options hurried = options;
    hurried.timeout = std::min(options.timeout, kPingMax);
    return hurried;
  }

  void look() {
    session_.control().ask<Pong>(Ping{}, [this](Result<Pong> pong) {
      show({picture_of(view_), std::move(pong)});
      if (++looks_ == wish_.looks) session_.end();
    });
    timer_.stop();  // until there was an answer, or the time for one was over
  }

  void show(const Screen& screen) {
    const Copied now = copied_by_now(view_, clock_.now());
    const Duration span = now.when - before_.when;
    const auto a_second = [&](std::int64_t Copied::*what) {
      return rate(static_cast<std::uint64_t>(std::max<std::int64_t>(now.*what - before_.*what, 0)),
                  span);
    };
    const std::uint64_t bytes = a_second(&Copied::bytes), copies = a_second(&Copied::copies);
    before_ = now;
    if (options_.json) {
      Fields fields = fields_of(screen);
      fields.emplace_back("copied_bytes_per_second", static_cast<std::int64_t>(bytes));
      fields.emplace_back("copies_per_second", static_cast<std::int64_t>(copies));
      fields.emplace_back("in_flight", in_flight(view_, kRows));
      fields.emplace_back("events", last_events(view_, kRows));
      std::fputs(json_line(fields).c_str(), stdout);
    } else {
      print(screen, bytes_text(bytes) + "/s, " + count_text(copies) + " copies a second");
    }
    std::fflush(stdout);
    timer_.start(wish_.every, wish_.every);
  }

  void print(const Screen& screen, const std::string& speed) const {
    const bool on_terminal = isatty(STDOUT_FILENO) != 0;
    std::string text = text_of(screen, options_, style_) + "copied            " + speed + "\n";
    const std::size_t height = height_of(STDOUT_FILENO) - 1;
    const std::size_t left = height - std::min(height, lines_in(text));
    const auto part = [&](const char* heading, const Rows& rows) {
      if (!rows.rows.empty()) text += std::string("\n") + heading + "\n" + table(rows, style_);
    };
    if (left > 8) part("last events", last_events(view_, std::min(kRows, left / 2 - 3)));
    const std::size_t still = height - std::min(height, lines_in(text));
    if (still > 4) part("in flight", in_flight(view_, std::min<std::size_t>(still - 3, 100)));
    if (on_terminal) text = "\033[H\033[J" + cut(text, height);
    std::fputs((on_terminal ? text : text + "\n").c_str(), stdout);
  }

  static constexpr std::size_t kRows = 10;

  const Options options_;
  const View& view_;
  const TopWish wish_;
  const SystemClock clock_;
  Session session_;
  Copied before_;
  const Style style_;
  std::uint64_t looks_ = 0;
  Timer timer_;
};

}  // namespace

Exit status(const Options& options) {
  const Result<View> view = View::open(options.database, options.cluster);
  if (!view) return error(view.error().what);
  Screen screen{picture_of(*view)};
  Options hurried = options;
  hurried.timeout = std::min(options.timeout, kPingMax);
  Session session(hurried);
  screen.rebalancer = session.ask<Pong>(Ping{});
  std::fputs(options.json ? json(fields_of(screen)).c_str()
                          : text_of(screen, options, style_of(STDOUT_FILENO)).c_str(),
             stdout);
  return exit_of(screen.picture);
}

Exit top(const Options& options, const TopWish& wish) {
  const Result<View> view = View::open(options.database, options.cluster);
  if (!view) return error(view.error().what);
  return Top(options, *view, wish).run();
}

}  // namespace evenkeel::cli
