#include <cstdio>
#include <string>

#include "common/model/control.h"
#include "common/model/text.h"
#include "tools/cli/commands.h"
#include "tools/cli/render.h"
#include "tools/cli/text.h"

namespace evenkeel::cli {
namespace {

void print(const Options& options, const PolicyTold& policy, const char* what) {
  const std::string spread(to_text(policy.spread));
  if (options.json) {
    const Fields fields{{"name", policy.name},
                        {"goal", static_cast<std::int64_t>(policy.goal)},
                        {"spread", spread},
                        {"required", policy.require},
                        {"preferred", policy.prefer}};
    std::fputs(json(fields).c_str(), stdout);
    return;
  }
  const auto rule = [](const char* word, const std::string& text) {
    return text.empty() ? "" : std::string(", ") + word + " " + printable(text);
  };
  std::printf("%s %s: goal %d, spread over %ss%s%s\n", what, printable(policy.name).c_str(),
              policy.goal, spread.c_str(), rule("requires", policy.require).c_str(),
              rule("prefers", policy.prefer).c_str());
}

}  // namespace

Exit set_policy(const Options& options, const PolicyWish& wish) {
  SetPolicy request{.name = wish.name,
                    .goal = wish.goal,
                    .spread = std::nullopt,
                    .require = wish.require,
                    .prefer = wish.prefer};
  if (wish.spread) request.spread = from_text<SpreadLevel>(*wish.spread);
  Session session(options);
  const Result<PolicyTold> answer = session.ask<PolicyTold>(std::move(request));
  if (!answer) return error("policy " + wish.name + ": " + answer.error().what);
  print(options, *answer, "set");
  return Exit::kOk;
}

Exit remove_policy(const Options& options, const std::string& name) {
  Session session(options);
  const Result<PolicyTold> answer = session.ask<PolicyTold>(RemovePolicy{name});
  if (!answer) return error("policy " + name + ": " + answer.error().what);
  print(options, *answer, "removed");
  return Exit::kOk;
}

Exit apply_policy(const Options& options, const std::string& name, const Target& target) {
  const Named what = named(target);
  PolicyApplied all;
  do {
    Session session(options);
    const auto ordered = session.order<PolicyApplied>(ApplyPolicy{name, what, all.next});
    if (const auto* told = proposal_in(ordered)) return left_to_another(options, *told);
    const Result<PolicyApplied> answer = done_in(ordered);
    if (!answer) return error("policy " + name + ": " + answer.error().what);
    if (answer->next <= all.next && answer->next < answer->total) {
      return error("policy " + name + ": the rebalancer does not go on");
    }
    all = {answer->total, answer->next, all.changed + answer->changed};
  } while (all.next < all.total);
  if (options.json) {
    std::fputs(json(Fields{{"chunks", static_cast<std::int64_t>(all.total)},
                           {"changed", static_cast<std::int64_t>(all.changed)}})
                   .c_str(),
               stdout);
  } else {
    std::printf("policy %s applied to %s, %s of them anew\n", printable(name).c_str(),
                count_of(all.total, "chunk").c_str(), count_text(all.changed).c_str());
  }
  return Exit::kOk;
}

}  // namespace evenkeel::cli
