// Why a server is given nothing, and how far its commands are.
#include <algorithm>

#include "common/model/text.h"
#include "services/rebalancer/core/draft.h"
#include "services/rebalancer/core/explain.h"
#include "services/rebalancer/core/explain_words.h"
#include "services/rebalancer/core/mode.h"

namespace evenkeel {
namespace {

using explained::Facts;

class OfServer {
 public:
  OfServer(const ClusterView& view, const Limits& limits, Instant now, ServerSlot slot)
      : view_(view), limits_(limits), now_(now), draft_(view, limits, now), slot_(slot) {}

  Explained run() && {
    result_.what = server().id();
    add_facts();
    add_causes();
    result_.verdict = result_.causes.empty() ? "it may be given replicas"
                                             : "is given nothing: " + result_.causes.front().text;
    return std::move(result_);
  }

 private:
  const Server& server() const { return view_.server(slot_); }

  void cause(std::string kind, std::string text) {
    result_.causes.push_back({std::move(kind), std::move(text)});
  }

  void add_facts() {
    const Member& member = server().member;
    Facts facts(result_.facts);
    facts.add("state", explained::state(server()));
    facts.add("location", member.location);
    facts.add("address", member.address);
    if (server().awaited_until) {
      facts.add("awaited", "for another " + explained::duration(*server().awaited_until - now_));
    }
    facts.add("replicas", std::to_string(server().chunks.size()));
    facts.add("capacity", explained::bytes(member.capacity));
    facts.add("holds", explained::bytes(server().used));
    facts.add("use when all is done", explained::percent(draft_.use(slot_)));
    facts.add("room left", explained::bytes(Bytes(static_cast<std::uint64_t>(room()))));
    facts.add("copies to it", std::to_string(server().copies_in) + " of " +
                                  std::to_string(limits_.copies_in) + ", " +
                                  explained::bytes(server().incoming));
    facts.add("copies from it", std::to_string(server().copies_out) + " of " +
                                    std::to_string(limits_.copies_out) + ", " +
                                    explained::bytes(server().bytes_out));
    facts.add("verifies and deletes",
              std::to_string(server().checks) + " of " + std::to_string(limits_.checks));
    if (!view_.stays(slot_)) add_what_is_left(facts);
  }

  std::int64_t room() const {
    const Bytes arrived = server().used + server().incoming + server().promised;
    return std::max<std::int64_t>(
        0, draft_.room_limit(slot_) - static_cast<std::int64_t>(arrived.count()));
  }

  /// Of a server that leaves: what would be missed if it went now.
  void add_what_is_left(Facts& facts) const {
    constexpr std::size_t kNamed = 5;
    std::size_t missed = 0, aside = 0;
    std::string some;
    for (const ChunkSlot chunk : server().chunks) {
      const Queue queue = view_.table().queue(chunk);
      if (queue != Queue::kDrain && queue != Queue::kAside) continue;
      ++missed;
      if (queue == Queue::kAside && ++aside <= kNamed) {
        some += " " + to_string(view_.table().id(chunk));
      }
    }
    facts.add("chunks to be copied yet", std::to_string(missed));
    if (aside > 0) facts.add("of these set aside", std::to_string(aside) + ":" + some);
  }

  void add_causes() {
    const ModeNow mode = mode_of(view_);
    if (mode.mode != Mode::kRunning) cause(to_string(mode.mode), mode.why);
    if (server().member.liveness != Liveness::kAlive) {
      cause("not_alive", "it is " + explained::state(server()));
    }
    if (server().standing != Standing::kReported) {
      cause("not_reported", "it has not said to this epoch what it holds");
    }
    if (!view_.in_service(slot_)) cause("not_in_service", "it is " + explained::state(server()));
    if (server().full_until && *server().full_until > now_) {
      cause("said_full", "it said that it is full; asked again in " +
                             explained::duration(*server().full_until - now_));
    } else if (room() <= 0) {
      cause("too_full", "it has no room left below its limit");
    }
    if (!draft_.may_copy_in(slot_, Bytes(0))) cause("busy", "it is given as much as it may");
  }

  const ClusterView& view_;
  const Limits& limits_;
  const Instant now_;
  const Draft draft_;
  const ServerSlot slot_;
  Explained result_;
};

}  // namespace

std::optional<Explained> explain(const ClusterView& view, const Limits& limits, Instant now,
                                 ServerId server) {
  const auto slot = view.slot_of(server);
  if (!slot) return std::nullopt;
  return OfServer(view, limits, now, *slot).run();
}

std::optional<Explained> explain(const ClusterView& view, const Limits&, Instant now,
                                 CommandId id) {
  const CommandRecord* command = view.find(id);
  if (!command) return std::nullopt;
  Explained result{.what = id, .verdict = explained::in_words(*command)};
  Facts facts(result.facts);
  facts.add("kind", std::string(to_text(command->kind)));
  facts.add("reason", std::string(to_text(command->reason)));
  if (command->chunk) {
    facts.add("chunk", to_string(*command->chunk) + ", version " + to_string(command->version) +
                           ", " + explained::bytes(command->size));
  }
  const Server* server = view.find(command->server);
  facts.add("done by", to_string(command->server) + ", " + explained::state(*server));
  if (command->source) {
    facts.add("from",
              to_string(*command->source) + ", " + explained::state(*view.find(*command->source)));
  }
  if (command->drop) facts.add("moves off", to_string(*command->drop));
  facts.add("issued", command->issued ? explained::duration(now - *command->issued) + " ago"
                                      : "by an earlier run of the rebalancer");
  facts.add("because", command->because);
  if (server->member.liveness != Liveness::kAlive) {
    result.causes.push_back(
        {"not_alive", to_string(command->server) + " is " + explained::state(*server)});
  }
  return result;
}

}  // namespace evenkeel
