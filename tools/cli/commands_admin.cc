#include <algorithm>
#include <cstdio>
#include <string>

#include "common/model/control.h"
#include "common/model/text.h"
#include "tools/cli/commands.h"
#include "tools/cli/estimate.h"
#include "tools/cli/render.h"
#include "tools/cli/text.h"

namespace evenkeel::cli {
namespace {

std::int64_t number(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

std::string spaced(std::string_view word) {
  std::string words(word);
  for (char& c : words) c = c == '_' ? ' ' : c;
  return words;
}

void print_json(const ServerAdmin& is) {
  Fields fields{{"server_id", number(is.server.value())},
                {"admin", std::string(to_text(is.admin))},
                {"done", is.done},
                {"to_be_removed", is.forget}};
  if (is.maintenance_left) {
    fields.emplace_back("maintenance_left_ms", is.maintenance_left->count());
  }
  add_estimate(fields, is.estimate);
  std::fputs(json(fields).c_str(), stdout);
}

std::string described(const ServerAdmin& is) {
  const bool away = is.admin == AdminState::kMaintenance;
  std::string words =
      to_string(is.server) + (away ? " is in " : " is ") + spaced(to_text(is.admin));
  if (is.forget) words += ", to be removed";
  if (is.maintenance_left) words += " for " + duration_text(*is.maintenance_left);
  return words;
}

/// Says what became of a wish about a server. `what`: "drain s7".
Exit tell(const Options& options, const std::string& what, const Intent& intent,
          const Result<ServerAdmin>& answer) {
  if (!answer) return error(what + ": " + answer.error().what);
  const bool impossible = is_impossible(answer->estimate) && !answer->done;
  const Exit exit = impossible ? Exit::kImpossible : Exit::kOk;
  const std::string copies = cost(answer->estimate);
  if (options.json) {
    print_json(*answer);
  } else if (impossible) {
    print_rules(what + ": cannot be brought to its end", answer->estimate,
                intent.dry_run ? "" : "; nothing was done (--force does it all the same)");
  } else if (intent.dry_run) {
    std::printf("%s: %s; nothing was done\n", what.c_str(),
                copies.empty() ? "can be done" : copies.c_str());
  } else {
    const bool tells = answer->done && !copies.empty();
    std::printf("%s%s%s%s\n", described(*answer).c_str(), answer->done ? "" : " already",
                tells ? ": " : "", tells ? copies.c_str() : "");
  }
  return exit;
}

}  // namespace

Exit drain(const Options& options, const DrainWish& wish) {
  Session session(options);
  const std::string what = (wish.forget ? "decommission " : "drain ") + to_string(wish.server);
  if (wish.forget && !wish.intent.dry_run && !wish.yes) {
    const auto dry = session.ask<ServerAdmin>(
        DrainServer{wish.server, wish.forget, {.dry_run = true, .force = wish.intent.force}});
    if (!dry) return error(what + ": " + dry.error().what);
    const std::string copies = cost(dry->estimate);
    const auto may =
        agreed(false, what,
               (copies.empty() ? "" : to_string(wish.server) + ": " + copies + ". ") +
                   "Its storage never counts again. Decommission " + to_string(wish.server) + "?");
    if (!may) return error(may.error().what);
  }
  const auto ordered =
      session.order<ServerAdmin>(DrainServer{wish.server, wish.forget, wish.intent});
  if (const auto* told = proposal_in(ordered)) return left_to_another(options, *told);
  const auto answer = done_in(ordered);
  const bool waits = wish.wait && !wish.intent.dry_run && answer &&
                     (answer->done || !is_impossible(answer->estimate));
  // With --json one object is printed, and with --wait that is how it ended.
  const Exit told = waits && options.json ? Exit::kOk : tell(options, what, wish.intent, answer);
  return waits ? wait_for_drain(options, wish.server, wish.forget) : told;
}

Exit undrain(const Options& options, ServerId server) {
  Session session(options);
  const auto ordered = session.order<ServerAdmin>(UndrainServer{server});
  if (const auto* told = proposal_in(ordered)) return left_to_another(options, *told);
  return tell(options, "undrain " + to_string(server), {}, done_in(ordered));
}

Exit maintain(const Options& options, const MaintenanceWish& wish) {
  Session session(options);
  const auto ordered =
      session.order<ServerAdmin>(MaintainServer{wish.server, wish.length, wish.intent});
  if (const auto* told = proposal_in(ordered)) return left_to_another(options, *told);
  return tell(options, "maintenance " + to_string(wish.server), wish.intent, done_in(ordered));
}

Exit pause(const Options& options, const std::string& pass, bool paused) {
  Session session(options);
  const auto ordered = session.order<PausedPasses>(PausePass{from_text<Reason>(pass), paused});
  if (const auto* told = proposal_in(ordered)) return left_to_another(options, *told);
  const auto answer = done_in(ordered);
  if (!answer) {
    return error((paused ? "pause " : "resume ") + pass + ": " + answer.error().what);
  }
  std::vector<std::string> words;
  for (const Reason each : answer->passes) words.emplace_back(to_text(each));
  if (options.json) {
    std::fputs(json(Fields{{"paused", words}}).c_str(), stdout);
    return Exit::kOk;
  }
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : ", ") + word;
  std::printf("paused: %s\n", all.empty() ? "nothing" : all.c_str());
  return Exit::kOk;
}

Exit cancel(const Options& options, CommandId command) {
  Session session(options);
  const auto ordered = session.order<Cancelled>(CancelCommand{command});
  if (const auto* told = proposal_in(ordered)) return left_to_another(options, *told);
  const auto answer = done_in(ordered);
  if (!answer) return error("cancel " + to_string(command) + ": " + answer.error().what);
  if (options.json) {
    std::fputs(json(Fields{{"command_id", number(answer->command.value())}}).c_str(), stdout);
  } else {
    std::printf("cancelled %s; its chunk is left in peace for a minute\n",
                to_string(answer->command).c_str());
  }
  return Exit::kOk;
}

Exit set_goal(const Options& options, const GoalWish& wish) {
  Session session(options);
  const Named what = named(wish.target);
  const std::string words = "goal " + wish.target.what + " " + std::to_string(wish.goal);
  if (wish.goal == 1 && !wish.intent.dry_run) {
    const auto may =
        agreed(wish.yes, words, "With one replica each, the next fault loses chunks. Set it?");
    if (!may) return error(may.error().what);
  }
  GoalSet all;
  do {  // a bounded number of chunks at a time
    const auto ordered = session.order<GoalSet>(SetGoal{what, wish.goal, all.next, wish.intent});
    if (const auto* told = proposal_in(ordered)) return left_to_another(options, *told);
    const auto answer = done_in(ordered);
    if (!answer) return error(words + ": " + answer.error().what);
    if (answer->next <= all.next && answer->next < answer->total) {
      return error(words + ": the rebalancer does not come on");
    }
    all.done = answer->done;
    all.total = answer->total;
    all.next = answer->next;
    all.changed += answer->changed;
    Forecast& sum = all.estimate;
    const Forecast& part = answer->estimate;
    if (part.feasible) sum.feasible = sum.feasible.value_or(true) && *part.feasible;
    if (part.chunks) sum.chunks = sum.chunks.value_or(0) + *part.chunks;
    if (part.bytes) sum.bytes = sum.bytes.value_or(Bytes(0)) + *part.bytes;
    if (part.duration) sum.duration = sum.duration.value_or(Duration(0)) + *part.duration;
    for (const std::string& rule : part.rules) {
      if (std::ranges::find(sum.rules, rule) == sum.rules.end()) sum.rules.push_back(rule);
    }
  } while (all.next < all.total && (all.done || wish.intent.dry_run));
  const bool impossible = is_impossible(all.estimate) && !all.done;
  if (options.json) {
    Fields fields{
        {"done", all.done}, {"chunks", number(all.total)}, {"changed", number(all.changed)}};
    add_estimate(fields, all.estimate);
    std::fputs(json(fields).c_str(), stdout);
  } else if (impossible) {
    print_rules(words + ": cannot be reached", all.estimate,
                wish.intent.dry_run ? "" : "; nothing was done (--force sets it all the same)");
  } else {
    std::printf("%s: %s of %s changed%s%s\n", printable(words).c_str(),
                count_text(all.changed).c_str(), count_of(all.total, "chunk").c_str(),
                wish.intent.dry_run ? " if it were done: " : "; ", cost(all.estimate).c_str());
  }
  return impossible ? Exit::kImpossible : Exit::kOk;
}

}  // namespace evenkeel::cli
