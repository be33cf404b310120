#pragma once
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "common/model/text.h"
#include "services/rebalancer/core/cluster_view.h"
#include "services/rebalancer/core/facts.h"
#include "services/rebalancer/core/planner.h"

namespace evenkeel {

inline StorageId storage_of(std::uint64_t server, char kind = 'S') {
  std::string raw(16, kind);
  for (int i = 0; i < 8; ++i)
    raw[static_cast<std::size_t>(i)] = static_cast<char>(server >> (8 * i));
  return *StorageId::from_raw(raw);
}
inline Checksum checksum_of(std::uint64_t chunk, std::uint64_t version = 1) {
  std::string raw(16, static_cast<char>(version));
  for (int i = 0; i < 8; ++i)
    raw[static_cast<std::size_t>(i)] = static_cast<char>(chunk >> (8 * i));
  return *Checksum::from_raw(raw);
}
inline Member member_of(std::uint64_t server, const std::string& location, std::uint64_t capacity) {
  return {.server = ServerId(server),
          .incarnation = Incarnation(1),
          .storage = storage_of(server),
          .location = location,
          .address = "127.0.0.1:" + std::to_string(7000 + server),
          .capacity = Bytes(capacity),
          .reserve = Bytes(0),
          .free = Bytes(capacity),
          .used = Bytes(0)};
}

/// What membership tells at the start of so many servers, each on a host of its own.
inline MembersListed members_listed(std::uint64_t servers, std::uint64_t capacity = 1'000'000) {
  MembersListed listed{storage_of(99), EventNumber(1), {}};
  for (std::uint64_t server = 1; server <= servers; ++server) {
    listed.members.push_back(member_of(server, "r/h" + std::to_string(server), capacity));
  }
  return listed;
}
/// The head of a full inventory in one part: nothing is listed yet.
inline InventoryRead full_inventory(const Member& member, std::uint64_t number,
                                    std::uint64_t journal, Instant asked) {
  return {.server = member.server,
          .incarnation = member.incarnation,
          .storage = member.storage,
          .number = InventoryNumber(number),
          .full = true,
          .last = true,
          .journal = JournalNumber(journal),
          .asked = asked};
}

/// A cluster as it is drawn, one thing a line:
///
///     p1 rack disk = ssd; tier = hot
///                           a policy: spread, required; preferred
///     s1 A/1 100            server, location, capacity; then, if not so by default, any of
///                           suspect, dead; presumed, registering; draining; reserve=9; free=5;
///                           labels=disk=ssd,tier=hot
///     c1 3 10 = s1 s2:stale s3?      goal, size, holders; a state after a colon; with a question
///                           mark its content was never verified; before = creating or retired,
///                           and p1 for another policy than the default one
///     c1: s1 -> s4 drop s2  a copy under way
///     c1: delete s2         a delete under way
///
/// Chunks have version 3, stale replicas version 2. The cluster is in step and out of safe mode,
/// and it is noon: servers reported and contents were verified a minute ago.
class Cluster {
 public:
  explicit Cluster(const std::string& drawing, Instant now = Instant(Duration(12h))) : now_(now) {
    std::vector<std::string> lines;
    std::istringstream text(drawing);
    for (std::string line; std::getline(text, line);) {
      const auto begin = line.find_first_not_of(' ');
      if (begin != std::string::npos) lines.push_back(line.substr(begin));
    }
    view_.apply(EpochRaised{Epoch(4)});
    for (const auto& line : lines) {
      if (line[0] == 'p') set_policy(line);
    }
    for (const auto& line : lines) {
      if (line[0] == 's') add_server(line);
    }
    view_.apply(EpochRaised{Epoch(5)});  // who has reported before is presumed from now on
    for (const auto& line : lines) {
      if (line[0] == 'c' && line.find('=') != std::string::npos) add_chunk(line);
    }
    for (const auto& line : lines) {
      if (line[0] == 's') set_standing(line);
    }
    for (const auto& line : lines) {
      if (line[0] == 'c' && line.find('=') == std::string::npos) add_command(line);
    }
    view_.apply(SyncChanged{true});
    view_.apply(SafeModeLeft{});
    view_.check();
  }

  void apply(const Changes& changes) {
    for (const Change& change : changes) view_.apply(change);
    view_.check();
  }
  /// Takes an event in; gives what was new about it.
  Changes take(const Event& event) {
    Changes changes = facts_of(view_, event, limits_, now_);
    apply(changes);
    return changes;
  }
  Changes planned() const { return plan(view_, limits_, now_); }
  void advance(Duration by) { now_ += by; }

  const ClusterView& view() const { return view_; }
  const Chunk chunk(std::uint64_t id) const { return *view_.find(ChunkId(id)); }
  const Server& server(std::uint64_t id) const { return *view_.find(ServerId(id)); }
  Limits& limits() { return limits_; }
  const Limits& limits_now() const { return limits_; }
  Instant now() const { return now_; }

  /// "s1 s2:stale": who holds what of a chunk.
  std::string holders(std::uint64_t id) const {
    std::string all;
    for (const auto& [server, slot] : view_.servers()) {
      const auto replica = view_.replica(chunk(id), server);
      if (!replica) continue;
      constexpr const char* kStates[] = {"", ":surplus", ":suspect", ":corrupt", ":stale"};
      all += (all.empty() ? "" : " ") + to_string(server) +
             kStates[static_cast<std::size_t>(replica->state)];
    }
    return all;
  }
  /// The commands under way, in order of their ids.
  std::vector<CommandRecord> open() const {
    std::vector<CommandRecord> all;
    for (const auto& [id, command] : view_.in_flight()) all.push_back(command);
    return all;
  }
  CommandAcknowledged ack(const CommandRecord& command, Outcome outcome = Outcome::kDone,
                          Why why = Why::kNone, std::vector<Blame> blamed = {}) {
    const Member& member = view_.find(command.server)->member;
    return {{command.server, member.incarnation, command.storage, view_.epoch()},
            {.command = command.id,
             .outcome = outcome,
             .why = why,
             .detail = "",
             .journal = JournalNumber(++journal_),
             .blamed = std::move(blamed)}};
  }
  /// A full report of a server: "c1 c2@2 c3!" for a version of its own, or damaged.
  InventoryRead report(std::uint64_t server, const std::string& rows, std::uint64_t number,
                       std::uint64_t journal = 1'000'000) const {
    const Member& member = view_.find(ServerId(server))->member;
    InventoryRead read = full_inventory(member, number, journal, now_);
    std::istringstream words(rows);
    for (std::string word; words >> word;) {
      const bool damaged = word.back() == '!';
      if (damaged) word.pop_back();
      const auto at = word.find('@');
      const ChunkId id = *ChunkId::parse(word.substr(0, at));
      const auto known = view_.find(id);
      const std::uint64_t version = at != std::string::npos ? std::stoull(word.substr(at + 1))
                                    : known                 ? known->version.value()
                                                            : 3;
      read.rows.push_back({{id, ChunkVersion(version), known ? known->size : Bytes(10),
                            checksum_of(id.value(), version)},
                           damaged ? ReplicaFinding::kCorrupt : ReplicaFinding::kOk,
                           std::nullopt});
      read.listed.push_back(id);
    }
    return read;
  }

 private:
  static std::vector<std::string> words_of(const std::string& line) {
    std::istringstream text(line);
    std::vector<std::string> words;
    for (std::string word; text >> word;) words.push_back(word);
    return words;
  }
  static bool has(const std::string& line, const std::string& word) {
    return line.find(" " + word) != std::string::npos;
  }

  void set_policy(const std::string& line) {
    const auto words = words_of(line);
    const PolicyId id = *PolicyId::parse(words.at(0));
    const std::string rules = line.substr(words.at(0).size() + 1 + words.at(1).size());
    const auto cut = std::min(rules.find(';'), rules.size());
    view_.apply(
        PolicySet{{id, words.at(0), 3, from_text<SpreadLevel>(words.at(1)).value(),
                   parse_label_rule(rules.substr(0, cut)).value(),
                   parse_label_rule(rules.substr(std::min(cut + 1, rules.size()))).value()}});
  }
  void add_server(const std::string& line) {
    const auto words = words_of(line);
    Member member =
        member_of(ServerId::parse(words.at(0))->value(), words.at(1), std::stoull(words.at(2)));
    for (const auto& word : words) {
      if (word.starts_with("reserve=")) member.reserve = Bytes(std::stoull(word.substr(8)));
      if (word.starts_with("free=")) member.free = Bytes(std::stoull(word.substr(5)));
      if (word.starts_with("labels=")) member.labels = labels_from(word.substr(7)).value();
    }
    if (has(line, "draining")) {
      Server server{.member = member};
      server.admin = AdminState::kDraining;
      view_.load_server(server);
    } else {
      view_.apply(ServerAdded{member});
    }
    reported(member.server, 1);
  }
  void reported(ServerId server, std::uint64_t number) {
    view_.apply(ServerReported{server, InventoryNumber(number), JournalNumber(0), now_ - 1min});
  }
  void set_standing(const std::string& line) {
    Member member = view_.find(*ServerId::parse(words_of(line)[0]))->member;
    if (has(line, "registering") || has(line, "dead")) {
      member.liveness = Liveness::kDead;
      view_.apply(ServerUpdated{member});
    }
    if (has(line, "registering")) {
      member.liveness = Liveness::kAlive;
      view_.apply(ServerUpdated{member});
    } else if (!has(line, "dead") && !has(line, "presumed")) {
      reported(member.server, 2);
    }
    if (has(line, "suspect")) {
      member.liveness = Liveness::kSuspect;
      view_.apply(ServerUpdated{member});
    }
  }

  void add_chunk(const std::string& line) {
    const auto words = words_of(line);
    const ChunkId id = *ChunkId::parse(words.at(0));
    const ChunkLife life = has(line, "creating")  ? ChunkLife::kCreating
                           : has(line, "retired") ? ChunkLife::kRetired
                                                  : ChunkLife::kLive;
    PolicyId policy = kDefaultPolicy;
    for (const auto& word : words_of(line.substr(0, line.find('=')))) {
      if (word[0] == 'p') policy = *PolicyId::parse(word);
    }
    view_.apply(ChunkAdded{
        {id, ChunkVersion(3), Bytes(std::stoull(words.at(2))), checksum_of(id.value(), 3)},
        std::stoi(words.at(1)),
        life,
        policy});
    std::istringstream holders(line.substr(line.find('=') + 1));
    for (std::string holder; holders >> holder;) {
      const bool verified = holder.back() != '?';
      if (!verified) holder.pop_back();
      const std::string server_name = holder.substr(0, holder.find(':'));
      const ServerId server = *ServerId::parse(server_name);
      ReplicaState state = ReplicaState::kValid;
      if (holder.ends_with(":surplus")) state = ReplicaState::kSurplus;
      if (holder.ends_with(":suspect")) state = ReplicaState::kSuspect;
      if (holder.ends_with(":corrupt")) state = ReplicaState::kCorrupt;
      if (holder.ends_with(":stale")) state = ReplicaState::kStale;
      view_.apply(ReplicaAdded{id, server, state,
                               ChunkVersion(state == ReplicaState::kStale ? 2 : 3),
                               JournalNumber(0)});
      if (verified) view_.apply(ReplicaVouched{id, server, std::nullopt, now_ - 1min});
    }
  }

  void add_command(const std::string& line) {
    const auto words = words_of(line);
    const Chunk chunk = *view_.find(*ChunkId::parse(words.at(0).substr(0, words[0].size() - 1)));
    const bool copy = words.at(1) != "delete";
    const ServerId server = *ServerId::parse(copy ? words.at(3) : words.at(2));
    CommandRecord record{.id = view_.next_command(),
                         .epoch = view_.epoch(),
                         .kind = copy ? CommandKind::kReplicate : CommandKind::kDelete,
                         .reason = Reason::kRepair,
                         .chunk = chunk.id,
                         .version = chunk.version,
                         .size = chunk.size,
                         .server = server,
                         .storage = view_.find(server)->member.storage,
                         .issued = now_};
    if (copy) record.source = ServerId::parse(words.at(1));
    if (words.size() == 6) record.drop = ServerId::parse(words.at(5));
    view_.apply(CommandIssued{record});
  }

  ClusterView view_;
  Limits limits_;
  Instant now_;
  std::uint64_t journal_ = 100;
};

/// A plan in words, in order: "c7: s1 -> s3 repair", "verify c7 on s2 presence",
/// "delete c7 on s1 [s2 s3 s4]", "report s1", "aside c7", "c7 on s1 is kept".
inline std::vector<std::string> drawn(const Changes& changes) {
  std::vector<std::string> all;
  for (const Change& change : changes) {
    if (const auto* issued = std::get_if<CommandIssued>(&change)) {
      const CommandRecord& c = issued->command;
      std::string words;
      if (c.kind == CommandKind::kReplicate) {
        words = to_string(*c.chunk) + ": " + to_string(*c.source) + " -> " + to_string(c.server) +
                " " + std::string(to_text(c.reason));
        if (c.drop) words += " drop " + to_string(*c.drop);
      } else if (c.kind == CommandKind::kVerify) {
        words = "verify " + to_string(*c.chunk) + " on " + to_string(c.server) + " " +
                std::string(to_text(c.level));
      } else if (c.kind == CommandKind::kDelete) {
        words = "delete " + to_string(*c.chunk) + " on " + to_string(c.server) + " [";
        for (const Holder& holder : c.evidence) {
          words += (&holder == &c.evidence.front() ? "" : " ") + to_string(holder.server);
        }
        words += "]";
      } else {
        words = "report " + to_string(c.server);
      }
      all.push_back(words);
    } else if (const auto* aside = std::get_if<ChunkSetAside>(&change)) {
      all.push_back("aside " + to_string(aside->chunk));
    } else if (const auto* changed = std::get_if<ReplicaChanged>(&change)) {
      all.push_back(to_string(changed->chunk) + " on " + to_string(changed->server) + " is kept");
    }
  }
  return all;
}

inline std::string in_one(const std::vector<std::string>& words) {
  std::string all;
  for (const auto& word : words) all += (all.empty() ? "" : "; ") + word;
  return all;
}
inline std::string plan_of(const Cluster& cluster) {
  return in_one(drawn(cluster.planned()));
}

}  // namespace evenkeel
