#include <cctype>
#include <cstdio>
#include <iostream>
#include <string>

#include <unistd.h>

#include "common/model/control.h"
#include "tools/cli/commands.h"
#include "tools/cli/render.h"
#include "tools/cli/text.h"

namespace evenkeel::cli {
namespace {

std::string shown(const Named& what) {
  if (const auto* chunk = std::get_if<ChunkId>(&what)) return to_string(*chunk);
  return "'" + printable(std::get<std::string>(what)) + "'";
}

}  // namespace

Result<void> agreed(bool yes, const std::string& what, const std::string& question) {
  if (yes) return {};
  if (isatty(STDIN_FILENO) == 0) {
    return fail(ErrorCode::kDenied, what + ": nobody to ask; say --yes");
  }
  std::fprintf(stderr, "%s [y/N] ", question.c_str());
  std::string line;
  std::getline(std::cin, line);
  if (line == "y" || line == "Y" || line == "yes") return {};
  return fail(ErrorCode::kDenied, what + ": nothing was done");
}

Named named(const Target& target) {
  const bool may_be_chunk = !target.is_name && target.what.size() > 1 && target.what[0] == 'c';
  if (may_be_chunk && std::isdigit(static_cast<unsigned char>(target.what[1])) != 0) {
    if (const auto chunk = ChunkId::parse(target.what)) return *chunk;
  }
  return target.what;
}

Exit delete_named(const Options& options, const DeleteWish& wish) {
  const Named what = named(wish.target);
  const auto may = agreed(wish.yes, "delete " + shown(what),
                          "Delete " + shown(what) + " and all of its replicas?");
  if (!may) return error(may.error().what);
  Session session(options);
  const auto ordered = session.order<Deleted>(DeleteNamed{what});
  if (const auto* told = proposal_in(ordered)) return left_to_another(options, *told);
  const Result<Deleted> answer = done_in(ordered);
  if (!answer) return error("delete " + shown(what) + ": " + answer.error().what);
  if (options.json) {
    std::fputs(json(Fields{{"chunks", static_cast<std::int64_t>(answer->chunks)}}).c_str(), stdout);
  } else {
    std::printf("deleted %s: %s\n", shown(what).c_str(), count_of(answer->chunks, "chunk").c_str());
  }
  return Exit::kOk;
}

Exit release_brake(const Options& options, bool yes) {
  const auto may = agreed(yes, "resume brake",
                          "The servers that are away are taken for lost, and all that they held is "
                          "copied anew. Release the brake?");
  if (!may) return error(may.error().what);
  Session session(options);
  const auto ordered = session.order<BrakeReleased>(ReleaseBrake{});
  if (const auto* told = proposal_in(ordered)) return left_to_another(options, *told);
  const Result<BrakeReleased> answer = done_in(ordered);
  if (!answer) return error("resume brake: " + answer.error().what);
  if (options.json) {
    std::fputs(json(Fields{{"servers", static_cast<std::int64_t>(answer->servers)}}).c_str(),
               stdout);
  } else {
    std::printf("the brake is released: what %s held is made up for\n",
                count_of(answer->servers, "server").c_str());
  }
  return Exit::kOk;
}

Exit ping(const Options& options) {
  Session session(options);
  const Result<Pong> pong = session.ask<Pong>(Ping{});
  if (!pong) return error("ping: " + pong.error().what);
  if (options.json) {
    const Fields fields{{"version", pong->version},
                        {"epoch", static_cast<std::int64_t>(pong->epoch.value())},
                        {"mode", pong->mode},
                        {"why", pong->why},
                        {"uptime_ms", static_cast<std::int64_t>(pong->uptime.count())}};
    std::fputs(json(fields).c_str(), stdout);
  } else {
    std::printf("%s%s%s  epoch %s, version %s, up %s\n", printable(pong->mode).c_str(),
                pong->why.empty() ? "" : ": ", printable(pong->why).c_str(),
                to_string(pong->epoch).c_str(), printable(pong->version).c_str(),
                duration_text(pong->uptime).c_str());
  }
  return Exit::kOk;
}

}  // namespace evenkeel::cli
