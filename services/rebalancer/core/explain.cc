// Why a chunk is as it is, and what stands in the way of its being as it should be.
#include "services/rebalancer/core/explain.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "common/base/check.h"
#include "common/model/text.h"
#include "services/rebalancer/core/content_clock.h"
#include "services/rebalancer/core/explain_words.h"
#include "services/rebalancer/core/mode.h"
#include "services/rebalancer/core/placement.h"
#include "services/rebalancer/core/planner.h"

namespace evenkeel {
namespace {

using explained::Facts;

/// The pass that a queue is of.
Reason pass_of(Queue due) {
  switch (due) {
    case Queue::kDrain:
      return Reason::kDrain;
    case Queue::kSpread:
      return Reason::kSpread;
    case Queue::kVerify:
      return Reason::kVerify;
    case Queue::kTrim:
      return Reason::kTrim;
    case Queue::kRetired:
      return Reason::kRetire;
    default:
      return Reason::kRepair;
  }
}

class OfChunk {
 public:
  OfChunk(const ClusterView& view, const Limits& limits, Instant now, ChunkSlot slot)
      : view_(view),
        draft_(as_urgent_as(view.due(slot), Draft(view, limits, now))),
        slot_(slot),
        chunk_(view.chunk(slot)),
        count_(view.count(slot)),
        due_(view.due(slot)) {}

  Explained run() && {
    result_.what = chunk_.id;
    add_facts();
    if (chunk_.life != ChunkLife::kCreating && !count_.busy) add_causes();
    if (chunk_.life == ChunkLife::kLive) add_candidates();
    result_.verdict = verdict();
    explained::cut(result_);
    return std::move(result_);
  }

 private:
  static Draft as_urgent_as(Queue due, Draft draft) {
    draft.set_urgency(urgency_of(due));
    return draft;
  }

  std::string name(ServerSlot server) const { return to_string(view_.server(server).id()); }

  void cause(std::string kind, std::string text) {
    result_.causes.push_back({std::move(kind), std::move(text)});
  }

  // --- what it is
  // ---------------------------------------------------------------------------------

  const char* health() const {
    if (chunk_.life == ChunkLife::kCreating) return "being put";
    if (chunk_.life == ChunkLife::kRetired) return "deleted by its owner";
    if (count_.valid == 0) return "lost";
    if (count_.valid < chunk_.goal) return count_.valid == 1 ? "at risk" : "under-replicated";
    if (due_ == Queue::kDrain) return "on servers that leave";
    if (count_.crowded || count_.refused > 0) return "misreplicated";
    if (count_.valid > chunk_.goal) return "over-replicated";
    if (count_.suspect + count_.garbage > 0) return "has damaged or old replicas beside its goal";
    return "healthy";
  }

  void add_facts() {
    Facts facts(result_.facts);
    facts.add("health", health());
    facts.add("version", to_string(chunk_.version));
    facts.add("size", explained::bytes(chunk_.size));
    facts.add("goal", std::to_string(int{chunk_.goal}));
    facts.add("valid replicas", std::to_string(count_.valid));
    facts.add("projected replicas", std::to_string(count_.projected));
    for (const Replica& replica : chunk_.replicas) {
      facts.add("replica on " + name(replica.server), of_replica(replica));
    }
    for (const CommandId id : view_.in_flight_of(slot_)) {
      facts.add("under way", explained::in_words(*view_.find(id)));
    }
  }

  std::string of_replica(const Replica& replica) const {
    constexpr const char* kStates[] = {"valid", "surplus", "suspect", "corrupt", "stale"};
    std::string words = kStates[static_cast<std::size_t>(replica.state)];
    if (replica.state == ReplicaState::kStale) {
      words += " (version " + to_string(view_.version_of(chunk_, replica)) + ")";
    }
    if (replica.leaving && replica.state != ReplicaState::kSurplus) words += ", going";
    words += "; the server is " + explained::state(view_.server(replica.server));
    if (!view_.counts(replica.server)) words += " and does not count";
    if (replica.content) {
      words += "; read " + explained::within(draft_.now() - *replica.content, ContentClock::kStep);
    }
    return words;
  }

  std::string verdict() const {
    if (chunk_.life == ChunkLife::kCreating) return "a client is putting it";
    if (count_.busy) return explained::in_words(*view_.find(view_.in_flight_of(slot_).front()));
    if (!result_.causes.empty()) return "waits: " + result_.causes.front().text;
    if (due_ != Queue::kNone) {
      return "nothing stands in its way: " + std::string(to_text(pass_of(due_))) +
             " comes to it in one of the next plans";
    }
    return chunk_.life == ChunkLife::kRetired ? "deleted, and nothing of it is left"
                                              : "nothing is to be done";
  }

  // --- what stands in the way
  // ---------------------------------------------------------------------

  void add_causes() {
    if (due_ == Queue::kNone) return add_awaited();
    add_gates(pass_of(due_));
    if (const auto until = view_.aside_until(slot_)) {
      cause("set_aside", "set aside for another " + explained::duration(*until - draft_.now()));
    }
    switch (due_) {
      case Queue::kLost:
        return add_lost();
      case Queue::kVerify:
        return of_verify();
      case Queue::kTrim:
      case Queue::kRetired:
        return of_delete();
      case Queue::kSpread:
        return of_spread();
      default:
        return of_copy();
    }
  }

  /// It has enough if those come back that are expected to; or else it is copied.
  void add_awaited() {
    if (chunk_.life != ChunkLife::kLive || count_.projected - count_.awaited >= chunk_.goal) return;
    for (const Replica& replica : chunk_.replicas) {
      const Server& server = view_.server(replica.server);
      if (!replica.valid() || !view_.awaited(replica.server) || !server.awaited_until) continue;
      cause("awaited", name(replica.server) + " is away and awaited for another " +
                           explained::duration(*server.awaited_until - draft_.now()));
    }
    add_gates(count_.valid >= chunk_.goal ? Reason::kDrain : Reason::kRepair);
    of_copy();
  }

  void add_gates(Reason its_pass) {
    // What the brake lets through counts as repair, whatever pass it is of otherwise.
    const bool last = due_ == Queue::kRisk1 || due_ == Queue::kLost ||
                      (due_ == Queue::kVerify && count_.valid <= 1);
    for (const ModeNow& held : held_by(view_)) {
      if (held.mode != Mode::kBraked || !last) cause(to_string(held.mode), held.why);
    }
    if (view_.braked() && due_ == Queue::kVerify && last) add_paused(Reason::kRepair);
    for (const Reason pass : {Reason::kRepair, Reason::kDrain, Reason::kSpread, Reason::kTrim}) {
      // A move is whole only once what it leaves behind is trimmed.
      const bool needed = pass == its_pass || (due_ == Queue::kSpread && pass == Reason::kTrim);
      if (needed && due_ != Queue::kLost) add_paused(pass);
    }
    const bool deletes = due_ == Queue::kTrim || due_ == Queue::kRetired;
    if (deletes && view_.deletes_held()) {
      cause("deletes_held", "nothing is deleted: " + *view_.deletes_held());
    }
  }

  void add_lost() {
    std::string holders;
    for (const Replica& replica : chunk_.replicas) {
      if (!replica.valid()) continue;
      holders += (holders.empty() ? "" : ", ") + name(replica.server) + " (" +
                 explained::state(view_.server(replica.server)) + ")";
    }
    cause("lost", holders.empty()
                      ? "no server is known to have a valid replica"
                      : "the last valid replicas are on servers that do not count: " + holders);
  }

  void of_verify() {
    bool at_work = false, may = false;
    std::string holders;
    for (const Replica& replica : chunk_.replicas) {
      if (replica.state != ReplicaState::kSuspect) continue;
      holders += (holders.empty() ? "" : ", ") + name(replica.server);
      if (!view_.works(replica.server)) continue;
      at_work = true;
      may |= draft_.may_check(replica.server);
    }
    if (may) return;
    // As the pass has it: what cannot be asked, or would not be enough, does not hold up a copy.
    const bool may_do =
        at_work && count_.valid > 1 && count_.projected + count_.suspect >= chunk_.goal;
    if (count_.valid > 0 && count_.projected < chunk_.goal && !may_do) {
      add_paused(Reason::kRepair);
      return of_copy();
    }
    at_work ? cause("holder_busy", holders + " has enough to verify and delete")
            : cause("holder_away", holders + ", whose replica is suspect, is not at work");
  }

  void add_paused(Reason pass) {
    if (view_.paused(pass)) {
      cause("paused", "the pass '" + std::string(to_text(pass)) + "' is paused");
    }
  }

  /// What it would be copied from, if anything now.
  std::optional<ServerSlot> add_source_causes() {
    const bool any = any_source(view_, chunk_);
    bool any_free = false;  // of those that count, where none is at work
    std::string holders;
    for (const Replica& replica : chunk_.replicas) {
      if (!replica.valid()) continue;
      any_free |= view_.counts(replica.server) && draft_.may_copy_out(replica.server, chunk_.size);
      holders += (holders.empty() ? "" : ", ") + name(replica.server) + " (" +
                 explained::state(view_.server(replica.server)) + ")";
    }
    const auto source = choose_source(draft_, chunk_);
    if (!any) cause("no_source", "no holder of a valid replica is at work: " + holders);
    if (any ? !source : !any_free) {
      cause("source_busy", "all holders give as much as they may: " + holders);
    }
    return source;
  }

  void add_target_cause(const Choice& target, const std::string& why) {
    if (target.server) return;
    if (target.only_busy) {
      cause("target_busy", "the servers that could take it are given as much as they may");
    } else {
      cause("no_target", why + "no server can take it: " + refused_in_words());
    }
  }

  void of_copy() {
    const auto source = add_source_causes();
    add_target_cause(choose_target(draft_, chunk_, source), "");
  }

  void of_spread() {
    const auto source = add_source_causes();
    const SpreadMove move = choose_move(draft_, chunk_, source);
    add_target_cause(move.target, move.wrong + "; ");
  }

  void of_delete() {
    const Changes changes = probe(due_ == Queue::kTrim ? trim_one : retire_one);
    const ChunkSetAside* aside = aside_in(changes);
    if (aside) {
      cause(due_ == Queue::kTrim ? "no_evidence" : "holder_away", aside->why);
    } else if (changes.empty()) {
      cause("holder_busy", "its holders have enough to verify and delete");
    }
  }

  Changes probe(void (*pass)(Draft&, ChunkSlot)) const {
    Draft draft = draft_;
    pass(draft, slot_);
    return std::move(draft).changes();
  }
  static const ChunkSetAside* aside_in(const Changes& changes) {
    for (const Change& change : changes) {
      if (const auto* aside = std::get_if<ChunkSetAside>(&change)) return aside;
    }
    return nullptr;
  }

  // --- who could take it
  // --------------------------------------------------------------------------

  std::string refused_in_words() const {
    std::map<std::string, std::size_t> counts;
    const Spread spread = spread_of(draft_, chunk_);
    for (ServerSlot server = 0; server < view_.server_slots(); ++server) {
      std::string words;
      for (const Refusal refusal : all_refusals(draft_, chunk_, server, spread)) {
        words += (words.empty() ? "" : " and ") + std::string(to_string(refusal));
      }
      ++counts[words];
    }
    std::vector<std::pair<std::size_t, std::string>> most;
    for (const auto& [words, count] : counts) most.emplace_back(count, words);
    std::sort(most.rbegin(), most.rend());
    std::string text;
    for (const auto& [count, words] : most) {
      text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + words;
    }
    return text.empty() ? "there are no servers" : text;
  }

  void add_candidates() {
    const Spread spread = spread_of(draft_, chunk_);
    struct Line {
      bool holds;
      std::size_t refusals;
      double use;
      ServerSlot server;
      auto operator<=>(const Line&) const = default;
    };
    std::vector<Line> lines;
    for (ServerSlot server = 0; server < view_.server_slots(); ++server) {
      const auto refusals = all_refusals(draft_, chunk_, server, spread);
      const bool holds =
          std::find(refusals.begin(), refusals.end(), Refusal::kHoldsReplica) != refusals.end();
      lines.push_back({holds, refusals.size(), draft_.use(server), server});
    }
    std::sort(lines.begin(), lines.end());
    result_.candidates_total = lines.size();
    if (lines.size() > Explained::kCandidatesMax) lines.resize(Explained::kCandidatesMax);
    for (const Line& line : lines) {
      Candidate candidate{.server = view_.server(line.server).id(),
                          .refusals = {},
                          .use_ppm = explained::ppm(line.use)};
      for (const Refusal refusal : all_refusals(draft_, chunk_, line.server, spread)) {
        candidate.refusals.emplace_back(to_string(refusal));
      }
      result_.candidates.push_back(std::move(candidate));
    }
  }

  const ClusterView& view_;
  const Draft draft_;
  const ChunkSlot slot_;
  const Chunk chunk_;
  const ReplicaCount count_;
  const Queue due_;
  Explained result_;
};

}  // namespace

std::optional<Explained> explain(const ClusterView& view, const Limits& limits, Instant now,
                                 ChunkId chunk) {
  const auto slot = view.slot_of(chunk);
  if (!slot) return std::nullopt;
  return OfChunk(view, limits, now, *slot).run();
}

}  // namespace evenkeel
