#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include <unistd.h>

#include "common/base/system_clock.h"
#include "tools/cli/commands.h"
#include "tools/cli/get.h"
#include "tools/cli/progress.h"
#include "tools/cli/put.h"
#include "tools/cli/render.h"

namespace evenkeel::cli {
namespace {

constexpr std::size_t kWarningsShown = 5;

/// An agent may have to wait for its disk, which takes longer than an answer of the rebalancer.
Duration stall_of(const Options& options) {
  return options.timeout * 3;
}

std::string seconds_text(Duration elapsed) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", static_cast<double>(elapsed.count()) / 1000);
  return text;
}

void print_put_json(const PutOutcome& outcome, Duration elapsed) {
  const auto number = [](std::uint64_t count) { return static_cast<std::int64_t>(count); };
  const Fields fields{{"files", number(outcome.files)},
                      {"bytes", number(outcome.bytes)},
                      {"chunks", number(outcome.chunks)},
                      {"replicas", number(outcome.replicas)},
                      {"elapsed_ms", static_cast<std::int64_t>(elapsed.count())},
                      {"failures", outcome.failures},
                      {"warnings", outcome.warnings}};
  std::fputs(json(fields).c_str(), stdout);
}

void print_put(const PutOutcome& outcome, Duration elapsed) {
  for (std::size_t i = 0; i < std::min(outcome.warnings.size(), kWarningsShown); ++i) {
    std::fprintf(stderr, "evenkeel: warning: %s\n", printable(outcome.warnings[i]).c_str());
  }
  if (outcome.warnings.size() > kWarningsShown) {
    std::fprintf(stderr, "evenkeel: warning: and so %s more (--json lists them)\n",
                 count_of(outcome.warnings.size() - kWarningsShown, "chunk").c_str());
  }
  for (const std::string& failure : outcome.failures) error("put: " + failure);
  if (outcome.files == 0) return;
  std::printf("put %s, %s in %s and %s; %s, %s/s\n", count_of(outcome.files, "file").c_str(),
              bytes_text(outcome.bytes).c_str(), count_of(outcome.chunks, "chunk").c_str(),
              count_of(outcome.replicas, "replica").c_str(), seconds_text(elapsed).c_str(),
              bytes_text(rate(outcome.bytes, elapsed)).c_str());
}

/// Where it goes if nothing was said: beside us, under the last part of its name, and never over
/// something that is there.
Result<std::filesystem::path> default_output(const Named& what) {
  const auto* chunk = std::get_if<ChunkId>(&what);
  const std::filesystem::path path =
      chunk != nullptr ? std::filesystem::path(to_string(*chunk))
                       : std::filesystem::path(std::get<std::string>(what)).filename();
  const bool usable = !path.empty() && path != "." && path != "..";
  if (!usable || std::filesystem::exists(path)) {
    return fail(ErrorCode::kConflict, "'" + path.string() + "' " +
                                          (usable ? "is there already" : "cannot be a file") +
                                          "; say where to with --output");
  }
  return path;
}

Get::MakeOutput output_of(const GetWish& wish, const Named& what) {
  return [wish, what]() -> Result<std::unique_ptr<OutputFile>> {
    if (wish.output == "-") return OutputFile::of_descriptor(STDOUT_FILENO);
    if (!wish.output.empty()) return OutputFile::create(wish.output);
    const auto path = default_output(what);
    if (!path) return tl::unexpected(path.error());
    return OutputFile::create(*path);
  };
}

}  // namespace

Exit put(const Options& options, const PutWish& wish) {
  auto jobs = jobs_of(wish.sources);
  if (!jobs) return error("put: " + jobs.error().what);
  const SystemClock clock;
  const Instant began = clock.now();
  Session session(options);
  std::optional<PutOutcome> outcome;
  Put put(session.loop(), session.control(),
          {.goal = wish.goal,
           .policy = wish.policy,
           .parallel = wish.parallel,
           .stall = stall_of(options),
           .cluster = options.cluster,
           .chunks = {.patience = options.timeout}},
          std::move(*jobs), [&](const PutOutcome& ended) {
            outcome = ended;
            session.end();
          });
  {
    const ProgressBar bar(session.loop(), clock, [&] { return put.moved(); });
    put.start();
    session.run();
  }
  if (!outcome) return error("put: interrupted; files that were not whole yet are not there");
  const Duration elapsed = clock.now() - began;
  options.json ? print_put_json(*outcome, elapsed) : print_put(*outcome, elapsed);
  return outcome->failures.empty() ? Exit::kOk : Exit::kError;
}

Exit get(const Options& options, const GetWish& wish) {
  const Named what = named(wish.target);
  const SystemClock clock;
  const Instant began = clock.now();
  Session session(options);
  std::optional<GetOutcome> outcome;
  Get get(session.loop(), session.control(),
          {.cluster = options.cluster,
           .first_holder_only = wish.first_holder_only,
           .stall = stall_of(options)},
          what, output_of(wish, what), [&](const GetOutcome& ended) {
            outcome = ended;
            session.end();
          });
  {
    const ProgressBar bar(session.loop(), clock, [&] { return get.moved(); });
    get.start();
    session.run();
  }
  if (!outcome) return error("get " + wish.target.what + ": interrupted");
  if (outcome->exit != Exit::kOk) {
    error("get " + wish.target.what + ": " + outcome->what);
    return outcome->exit;
  }
  const Duration elapsed = clock.now() - began;
  if (options.json && wish.output != "-") {
    std::fputs(json(Fields{{"bytes", static_cast<std::int64_t>(outcome->bytes)},
                           {"chunks", static_cast<std::int64_t>(outcome->chunks)},
                           {"elapsed_ms", static_cast<std::int64_t>(elapsed.count())}})
                   .c_str(),
               stdout);
  } else if (wish.output != "-") {
    std::printf("got %s in %s; %s, %s/s\n", bytes_text(outcome->bytes).c_str(),
                count_of(outcome->chunks, "chunk").c_str(), seconds_text(elapsed).c_str(),
                bytes_text(rate(outcome->bytes, elapsed)).c_str());
  }
  return Exit::kOk;
}

}  // namespace evenkeel::cli
