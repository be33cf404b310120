#include "services/rebalancer/explaining.h"

#include "common/base/overloaded.h"
#include "common/model/text.h"
#include "services/rebalancer/core/explain.h"

namespace evenkeel {
namespace {

constexpr std::uint64_t kDecisions = Explained::kDecisionsMax;

/// A command that is closed is known by its row alone.
Explained of_closed(const Decision& decision) {
  Explained result{.what = decision.command};
  result.verdict = decision.state + (decision.why.empty() ? "" : ": " + decision.why);
  const auto fact = [&](std::string label, std::string value) {
    result.facts.push_back({std::move(label), std::move(value)});
  };
  fact("kind", std::string(to_text(decision.kind)));
  fact("reason", std::string(to_text(decision.reason)));
  if (decision.chunk) fact("chunk", to_string(*decision.chunk));
  fact("done by", to_string(decision.server));
  if (decision.source) fact("from", to_string(*decision.source));
  if (decision.drop) fact("moves off", to_string(*decision.drop));
  fact("because", decision.because);
  return result;
}

std::string name_of(const Subject& what) {
  return std::visit([](auto id) { return to_string(id); }, what);
}

class Explaining {
 public:
  Explaining(const ClusterView& view, Store& store, const Limits& limits, Instant now)
      : view_(view), store_(store), limits_(limits), now_(now) {}

  std::optional<Explained> operator()(ChunkId chunk) const {
    auto result = explain(view_, limits_, now_, chunk);
    if (!result) return result;
    if (const auto why = store_.set_aside_because(chunk)) {
      for (auto& cause : result->causes) {
        if (cause.kind == "set_aside") cause.text += ": " + *why;
      }
    }
    result->decisions = store_.decisions_about(chunk, kDecisions);
    return result;
  }
  std::optional<Explained> operator()(ServerId server) const {
    auto result = explain(view_, limits_, now_, server);
    if (result) result->decisions = store_.decisions_about(server, kDecisions);
    return result;
  }
  std::optional<Explained> operator()(CommandId command) const {
    const auto decision = store_.decision(command);
    if (!decision) return std::nullopt;
    auto result = explain(view_, limits_, now_, command);
    if (!result) result = of_closed(*decision);
    result->decisions = {*decision};
    return result;
  }

 private:
  const ClusterView& view_;
  Store& store_;
  const Limits& limits_;
  const Instant now_;
};

}  // namespace

Outcomes explain(const ClusterView& view, Store& store, const Limits& limits, Instant now,
                 const Explain& question) {
  auto explained = std::visit(Explaining(view, store, limits, now), question.what);
  if (!explained) return {{}, Refused{"not_found", "there is no " + name_of(question.what)}};
  return {{}, std::move(*explained)};
}

}  // namespace evenkeel
