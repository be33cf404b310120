#include <algorithm>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>

#include <unistd.h>

#include "common/base/system_clock.h"
#include "common/model/control.h"
#include "common/model/text.h"
#include "tools/cli/commands.h"
#include "tools/cli/picture.h"
#include "tools/cli/progress.h"

namespace evenkeel::cli {
namespace {

constexpr Duration kLookEvery{500};
constexpr int kLooksAtRest = 4;  // nothing is under way in so many looks on end: nothing will be

std::uint64_t amount(std::int64_t value) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0));
}

/// Looks at something that goes on without us, until it has come to an end.
class Watching {
 public:
  /// How it ended; none: it goes on. Says how far it is by the way.
  using Look = std::function<std::optional<Exit>(Moved&)>;

  Watching(const Options& options, Look how)
      : session_(options), look_(std::move(how)), timer_(session_.loop(), [this] { look(); }) {}

  /// None: it was interrupted.
  std::optional<Exit> run() {
    timer_.start(Duration(0), kLookEvery);
    const ProgressBar bar(session_.loop(), clock_, [this] { return moved_; });
    session_.run();
    return end_;
  }
  Duration took() const { return clock_.now() - began_; }

 private:
  void look() {
    end_ = look_(moved_);
    if (end_) session_.end();
  }

  const SystemClock clock_;
  const Instant began_ = clock_.now();
  Session session_;
  const Look look_;
  Moved moved_;
  std::optional<Exit> end_;
  Timer timer_;
};

Exit interrupted(const std::string& what) {
  return error(what + ": no longer waited for; it goes on");
}

/// What has been done of `left`, of which there was the most at first.
void come_so_far(Moved& moved, std::uint64_t left) {
  moved.bytes_total = std::max(moved.bytes_total, left);
  moved.bytes = moved.bytes_total - left;
}

/// Bytes on servers that have more than they would if all were filled alike.
std::uint64_t bytes_above_mean(const View& view) {
  return amount(
      view.number("SELECT CAST(sum(max(0, used_bytes - capacity_bytes * mean)) AS INTEGER) FROM "
                  "(SELECT used_bytes, capacity_bytes, sum(used_bytes) OVER () * 1.0 / "
                  "sum(capacity_bytes) OVER () AS mean FROM server_status WHERE liveness = 'alive' "
                  "AND admin = 'in_service' AND capacity_bytes > 0)"));
}

std::int64_t copies_and_deletes_open(const View& view) {
  return view.number(
      "SELECT count(*) FROM open_commands JOIN server_status USING (server_id) "
      "WHERE kind IN ('replicate', 'delete') AND liveness <> 'dead'");
}

Fields evenness_fields(const View& view) {
  const auto even = evenness_of(view);
  const auto share = [&](double Evenness::*which) { return even ? Field(*even.*which) : Field(); };
  return {{"used_share", share(&Evenness::mean)},
          {"used_share_lowest", share(&Evenness::lowest)},
          {"used_share_highest", share(&Evenness::highest)},
          {"used_share_deviation", share(&Evenness::deviation)},
          {"bytes_above_mean", static_cast<std::int64_t>(bytes_above_mean(view))},
          {"open_commands", copies_and_deletes_open(view)}};
}

void print_evenness(const View& view, const std::string& before) {
  const auto even = evenness_of(view);
  if (!even) {
    std::printf("%sno server is alive\n", before.c_str());
    return;
  }
  const auto open = amount(copies_and_deletes_open(view));
  std::printf(
      "%sservers are filled from %s to %s, at most %s from the mean; %s\n", before.c_str(),
      share_text(even->lowest).c_str(), share_text(even->highest).c_str(),
      share_text(even->deviation).c_str(),
      open == 0 ? "nothing is under way" : (count_of(open, "command") + " under way").c_str());
}

}  // namespace

Exit wait_for_drain(const Options& options, ServerId server, bool forget) {
  const std::string what = (forget ? "decommission " : "drain ") + to_string(server);
  const Result<View> view = View::open(options.database, options.cluster);
  if (!view) return error(what + ": cannot wait for it: " + view.error().what);
  std::string admin;
  Watching watching(options, [&](Moved& moved) -> std::optional<Exit> {
    const Rows row =
        view->rows({{"admin", "", Kind::kText, 1, "s.admin"}, {"bytes_left", "", Kind::kBytes}},
                   "server_status s LEFT JOIN drains d USING (server_id) WHERE server_id = " +
                       std::to_string(server.value()));
    admin = row.rows.empty() ? "removed" : std::get<std::string>(row.rows[0][0]);
    if (admin == "removed") return Exit::kOk;
    if (admin == "drained" && !forget) return Exit::kOk;
    if (admin != "drained" && admin != "draining") return Exit::kError;
    if (const auto* left = std::get_if<std::int64_t>(&row.rows[0][1])) {
      come_so_far(moved, amount(*left));
    }
    return std::nullopt;
  });
  const std::optional<Exit> end = watching.run();
  if (!end) return interrupted(what);
  if (*end != Exit::kOk) return error(what + ": somebody has taken it back: it is " + admin);
  if (options.json) {
    std::fputs(json(Fields{{"server_id", static_cast<std::int64_t>(server.value())},
                           {"admin", admin},
                           {"done", true},
                           {"elapsed_ms", std::int64_t{watching.took().count()}}})
                   .c_str(),
               stdout);
  } else {
    std::printf("%s is %s, after %s\n", to_string(server).c_str(), admin.c_str(),
                duration_text(watching.took()).c_str());
  }
  return Exit::kOk;
}

Exit rebalance(const Options& options, bool wait) {
  const Result<View> view = View::open(options.database, options.cluster);
  if (!view) return error(view.error().what);
  {
    Session session(options);
    const auto ordered = session.order<PausedPasses>(PausePass{Reason::kBalance, false});
    if (const auto* told = proposal_in(ordered)) return left_to_another(options, *told);
    const auto paused = done_in(ordered);
    if (!paused) return error("rebalance: " + paused.error().what);
    if (std::ranges::find(paused->passes, Reason::kTrim) != paused->passes.end()) {
      return error("rebalance: trim is paused, and what moves must be trimmed: resume trim");
    }
  }
  std::string ended;
  Duration took{};
  if (wait) {
    if (!options.json) print_evenness(*view, "");
    int at_rest = 0;
    Watching watching(options, [&](Moved& moved) -> std::optional<Exit> {
      come_so_far(moved, bytes_above_mean(*view));
      at_rest = copies_and_deletes_open(*view) == 0 ? at_rest + 1 : 0;
      return at_rest == kLooksAtRest ? std::optional(Exit::kOk) : std::nullopt;
    });
    if (!watching.run()) return interrupted("rebalance");
    took = watching.took();
    ended = "after " + duration_text(took) + " ";
  }
  if (options.json) {
    Fields fields = evenness_fields(*view);
    if (wait) fields.emplace_back("elapsed_ms", std::int64_t{took.count()});
    std::fputs(json(fields).c_str(), stdout);
  } else {
    print_evenness(*view, ended);
  }
  return Exit::kOk;
}

}  // namespace evenkeel::cli
