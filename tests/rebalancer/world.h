#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/sqlite/migrate.h"
#include "services/rebalancer/rebalancer.h"
#include "tests/rebalancer/cluster_builder.h"
#include "tests/support/temp_dir.h"

namespace evenkeel {

/// What is persisted of a view, in words; two views that know the same read the same.
inline std::string persisted(const ClusterView& view) {
  std::ostringstream out;
  out << "epoch " << view.epoch().value() << " chunk " << view.next_chunk().value() << " file "
      << view.next_file().value() << " event " << view.last_event().value() << " membership "
      << view.membership_number().value() << " held " << view.deletes_held().value_or("no") << "\n";
  for (const auto& [id, slot] : view.servers()) {
    const Server& s = view.server(slot);
    out << to_string(id) << " " << to_string(s.member.storage) << " "
        << s.member.incarnation.value() << " " << s.member.location << " "
        << to_text(s.member.liveness) << " " << s.member.capacity.count() << " acked "
        << s.acked_journal.value() << " report " << s.report_journal.value() << " inventory "
        << s.inventory_number.value() << " gone "
        << (s.gone_since ? s.gone_since->time_since_epoch().count() : -1) << s.gone_excused
        << " awaited " << (s.awaited_until ? s.awaited_until->time_since_epoch().count() : -1)
        << " used " << s.used.count() << " incoming " << s.incoming.count() << " leaving "
        << s.leaving.count() << " copies " << s.copies_in << "/" << s.copies_out << " checks "
        << s.checks << "\n";
  }
  std::map<ChunkId, std::string> chunks;
  for (ChunkSlot slot = 0; slot < view.chunk_count(); ++slot) {
    const Chunk c = view.chunk(slot);
    std::ostringstream words;
    words << " v" << c.version.value() << " " << c.size.count() << " " << to_string(c.checksum)
          << " goal " << int{c.goal} << " life " << static_cast<int>(c.life) << " on";
    std::map<ServerId, std::string> holders;
    for (const Replica& r : c.replicas) {
      holders[view.server(r.server).id()] =
          std::to_string(static_cast<int>(r.state)) + "@" + to_string(view.version_of(c, r));
    }
    for (const auto& [server, state] : holders) words << " " << to_string(server) << ":" << state;
    chunks[c.id] = words.str();
  }
  for (const auto& [id, words] : chunks) out << to_string(id) << words << "\n";
  for (const auto& [id, c] : view.in_flight()) {
    out << to_string(id) << " " << to_text(c.kind) << " " << to_text(c.reason) << " "
        << (c.chunk ? to_string(*c.chunk) : "-") << " v" << c.version.value() << " on "
        << to_string(c.server) << " " << to_string(c.storage) << " from "
        << (c.source ? to_string(*c.source) : "-") << " drop "
        << (c.drop ? to_string(*c.drop) : "-") << " " << c.retired << " [";
    std::set<ServerId> leant_on;
    for (const Holder& h : c.evidence) leant_on.insert(h.server);
    for (const ServerId server : leant_on) out << to_string(server) << " ";
    out << "]\n";
  }
  return out.str();
}

/// A cluster that can be hurt: agents with disks, which execute what is ordered and tell of it, and
/// the real rebalancer with its database. Looks on from outside: a delete that leaves fewer intact
/// copies on disks than the goal, faults since it was ordered aside, fails the test.
class World {
 public:
  struct File {
    ChunkContent content;
    bool damaged = false;
  };
  struct Agent {
    Member member;
    std::map<ChunkId, File> disk;
    std::uint64_t journal = 0;
    std::uint64_t inventory = 0;
    bool reachable = true;
    std::map<CommandId, CommandResult> results;
    std::set<CommandId> received;
    std::map<CommandId, CommandRecord> orders;
    std::set<CommandId> confirmed;  // results that the rebalancer has taken in
  };
  struct Setup {
    int servers = 5;
    Limits limits = hurried();
    std::function<std::string(int)> location = [](int server) {
      return "r" + std::to_string(server % 3) + "/h" + std::to_string(server);
    };
    std::uint64_t capacity = 100'000;
    std::uint64_t compare_every = 7;  // turns: what is stored with what is known
  };
  /// A history of a few minutes sees all of it.
  static Limits hurried() {
    Limits limits;
    limits.retire_after = 1min;
    limits.safe_mode_time = 5s;
    limits.put_allowed = 2min;
    return limits;
  }

  World(std::uint64_t seed, const Setup& setup)
      : rng_(seed), limits_(setup.limits), compare_every_(setup.compare_every) {
    reopen();
    for (int i = 1; i <= setup.servers; ++i) {
      Agent agent{.member =
                      member_of(static_cast<std::uint64_t>(i), setup.location(i), setup.capacity)};
      agents_.emplace(agent.member.server, agent);
    }
    snapshot();
    for (auto& [id, agent] : agents_) greet(agent);
  }

  Rng& rng() { return rng_; }
  std::map<ServerId, Agent>& agents() { return agents_; }
  const ClusterView& view() const { return rebalancer_->view(); }
  Store& store() { return *store_; }

  void handle(std::vector<Event> events, std::vector<Asked> asked = {}) {
    const std::vector<Asked>& questions = asked;
    const CommandId next = view().next_command();
    const Committed committed = rebalancer_->handle(events, questions);
    view().check();
    note_issued();
    for (const CommandId id : committed.issued) {
      if (id >= next && view().find(id)) expect_in_order(*view().find(id));
    }
    withdraw(committed);
    if (++turns_ % compare_every_ == 0) compare();
  }
  void compare() {
    const ClusterView loaded = store_->load_view(clock_.now());
    loaded.check();
    const std::string from_store = persisted(loaded), live = persisted(view());
    ASSERT_TRUE(from_store == live) << "from the store:\n" << from_store << "live:\n" << live;
  }
  /// Takes an event in twice: the second time nothing may come of it.
  void handle_twice(const Event& event) {
    handle({event});
    for (const Change& change : facts_of(view(), event, limits_, clock_.now())) {
      const bool news = !std::holds_alternative<MembershipHeard>(change) &&
                        !std::holds_alternative<Noted>(change) &&
                        !std::holds_alternative<ReplicaVouched>(change) &&
                        !std::holds_alternative<DeletesHeld>(change);
      ASSERT_FALSE(news) << "change " << change.index() << " of event " << event.index();
    }
  }

  void reopen() {
    rebalancer_.reset();
    store_.reset();
    store_ = std::make_unique<Store>(dir_.path() / "rebalancer.db",
                                     sqlite::schema_directory("rebalancer"), "evenkeel");
    rebalancer_ = std::make_unique<Rebalancer>(*store_, clock_, limits_);
    view().check();
  }
  void restart() {
    reopen();
    snapshot();
    for (auto& [id, agent] : agents_) greet(agent);
  }
  void snapshot() {
    MembersListed listed{storage_of(99), EventNumber(++event_), {}};
    for (const auto& [id, agent] : agents_) listed.members.push_back(agent.member);
    handle({listed});
  }
  void tell(Agent& agent) {
    handle_twice(MemberChanged{storage_of(99), EventNumber(++event_), MemberEventKind::kUpdated,
                               agent.member});
  }
  void greet(Agent& agent) {
    if (!agent.reachable || agent.member.liveness == Liveness::kDead) return;
    const auto last =
        agent.results.empty() ? std::nullopt : std::optional(agent.results.rbegin()->first);
    handle_twice(AgentGreeted{{identity(agent), JournalNumber(agent.journal), last}});
    report(agent);
  }
  void report(Agent& agent) {
    if (!agent.reachable) return;
    Inventory header{.from = identity(agent),
                     .number = InventoryNumber(++agent.inventory),
                     .basis = std::nullopt,
                     .journal = JournalNumber(agent.journal)};
    const Server* server = view().find(agent.member.server);
    if (!server || !acceptable(*server, header)) return;
    InventoryRead read{.server = agent.member.server,
                       .incarnation = agent.member.incarnation,
                       .storage = agent.member.storage,
                       .number = header.number,
                       .full = true,
                       .last = true,
                       .journal = header.journal,
                       .asked = server->inventory_asked.value_or(view().started())};
    for (const auto& [id, file] : agent.disk) {
      const bool seen = file.damaged && rng_.chance(1, 2);
      read.rows.push_back(
          {file.content, seen ? ReplicaFinding::kCorrupt : ReplicaFinding::kOk, std::nullopt});
      read.listed.push_back(id);
    }
    handle_twice(read);
  }

  void die(Agent& agent) {
    agent.member.liveness = Liveness::kDead;
    agent.member.planned = rng_.chance(1, 3);
    agent.reachable = rng_.chance(1, 2);  // or only membership does not hear it
    tell(agent);
  }
  void come_back(Agent& agent, bool other_run, bool wiped) {
    agent.reachable = true;
    agent.member.liveness = Liveness::kAlive;
    agent.member.planned = false;
    if (wiped) {
      for (const auto& [id, file] : agent.disk) fault(id);
      agent = Agent{.member = agent.member};
      agent.member.storage =
          storage_of(agent.member.server.value(), static_cast<char>('a' + ++wipes_ % 26));
      while (!storages_.insert(agent.member.storage).second) {
        agent.member.storage = storage_of(agent.member.server.value() + 1000 * ++wipes_, 'w');
      }
    }
    if (other_run || wiped) {
      agent.member.incarnation = agent.member.incarnation.next();
      agent.inventory = 0;
    }
    tell(agent);
    if (other_run || wiped) greet(agent);
  }

  void receive(Agent& agent) {
    if (!agent.reachable) return;
    for (const auto& [id, command] : view().in_flight()) {
      if (command.server != agent.member.server || command.storage != agent.member.storage)
        continue;
      agent.orders.emplace(id, command);
      if (!agent.results.contains(id)) agent.received.insert(id);
    }
  }
  /// Executes one of the orders that it has received, though it may be closed meanwhile.
  void execute(Agent& agent) {
    if (agent.received.empty()) return;
    const CommandId id = *agent.received.begin();
    agent.received.erase(id);
    agent.results.insert_or_assign(id, do_it(agent, agent.orders.at(id)));
  }
  void acknowledge(Agent& agent) {
    if (!agent.reachable || agent.results.empty()) return;
    std::vector<Event> events;
    JournalNumber highest(0);
    const bool again = rng_.chance(1, 20);
    for (auto result = agent.results.begin(); result != agent.results.end(); ++result) {
      // Said until it is confirmed, and sometimes again: it may have been under way for long.
      if (!agent.confirmed.insert(result->first).second && !again) continue;
      events.push_back(CommandAcknowledged{identity(agent), result->second});
      if (rng_.chance(1, 4)) events.push_back(events.back());
      highest = std::max(highest, result->second.journal);
    }
    if (events.empty()) return;
    events.push_back(JournalAcknowledged{agent.member.server, agent.member.storage, highest});
    handle(events);
  }

  std::optional<ChunkId> put(const std::string& name) {
    std::optional<FileId> file;
    ask(PutOpen{name, static_cast<int>(rng_.between(1, 3)), Bytes(100)}, [&](const Answer& answer) {
      if (const auto* opened = std::get_if<PutOpened>(&answer)) file = opened->file;
    });
    if (!file) return std::nullopt;
    std::optional<PutPlaced::Item> item;
    const Bytes size(rng_.between(0, 3'000));
    const Checksum checksum = checksum_of(rng_.next());
    ask(PutPlace{*file, {{0, size, checksum, {}}}}, [&](const Answer& answer) {
      if (const auto* placed = std::get_if<PutPlaced>(&answer)) item = placed->items.at(0);
    });
    if (!item) return std::nullopt;
    ChunksStored stored;
    for (const Source& target : item->targets) {
      Agent& agent = agents_.at(target.server);
      if (!agent.reachable || agent.member.storage != target.storage || rng_.chance(1, 10))
        continue;
      agent.disk.insert_or_assign(item->chunk, File{{item->chunk, item->version, size, checksum}});
      stored.items.push_back(
          {item->chunk, target.server, target.storage, JournalNumber(++agent.journal)});
    }
    if (rng_.chance(1, 10)) return std::nullopt;  // the client goes away
    handle_twice(stored);
    ask(PutClose{*file, {}, true}, [](const Answer&) {});
    receipts_.push_back(stored);
    return item->chunk;
  }
  Answer release_brake() {
    Answer answer = Deleted{};
    ask(ReleaseBrake{}, [&](const Answer& made) { answer = made; });
    return answer;
  }
  /// A file of so many chunks, stored by everybody who was asked to.
  void fill(const std::string& name, int goal, std::uint64_t chunks, Rng& rng) {
    constexpr std::uint64_t kAtOnce = 100;
    FileId file{0};
    ask(PutOpen{name, goal, Bytes(chunks)},
        [&](const Answer& answer) { file = std::get<PutOpened>(answer).file; });
    for (std::uint64_t first = 0; first < chunks; first += kAtOnce) {
      PutPlace place{file, {}};
      for (std::uint64_t i = first; i < std::min(first + kAtOnce, chunks); ++i) {
        place.items.push_back({i, Bytes(1'000), checksum_of(rng.next()), {}});
      }
      ChunksStored stored;
      ask(place, [&](const Answer& answer) {
        const auto& items = std::get<PutPlaced>(answer).items;
        for (std::size_t i = 0; i < items.size(); ++i) {
          for (const Source& target : items[i].targets) {
            Agent& agent = agents_.at(target.server);
            const ChunkContent content{items[i].chunk, items[i].version, place.items[i].size,
                                       place.items[i].checksum};
            agent.disk.insert_or_assign(content.chunk, File{content});
            stored.items.push_back(
                {content.chunk, target.server, target.storage, JournalNumber(++agent.journal)});
          }
        }
      });
      handle({stored});
    }
    ask(PutClose{file, {}, true}, [](const Answer&) {});
  }
  void remove(const std::string& name) {
    ask(DeleteNamed{name}, [](const Answer&) {});
  }
  void old_receipts() {
    if (!receipts_.empty()) handle_twice(rng_.pick(receipts_));
  }
  void raise(Agent& agent) {
    if (agent.disk.empty()) return;
    auto file =
        std::next(agent.disk.begin(), static_cast<std::ptrdiff_t>(rng_.below(agent.disk.size())));
    fault(file->first);
    ++agent.journal;
    file->second.content.version = file->second.content.version.next();
    file->second.content.checksum = checksum_of(rng_.next());
    file->second.damaged = false;
    report(agent);
  }
  void corrupt(Agent& agent) {
    if (agent.disk.empty()) return;
    auto file =
        std::next(agent.disk.begin(), static_cast<std::ptrdiff_t>(rng_.below(agent.disk.size())));
    fault(file->first);
    file->second.damaged = true;
  }

  void pass(Duration time) {
    clock_.advance(time);
    handle({TimePassed{}});
  }

  /// No more faults: everything comes back, and the rest is awaited. Gives whether it came.
  bool settle() {
    for (auto& [id, agent] : agents_) {
      if (agent.member.liveness != Liveness::kAlive || !agent.reachable)
        come_back(agent, true, false);
    }
    for (auto& [id, agent] : agents_) {
      while (!agent.received.empty()) execute(agent);
      acknowledge(agent);
      report(agent);  // of what clients stored and never told of
    }
    int quiet = 0;
    for (int round = 0; round < 3'000 && quiet < 150; ++round) {
      const std::string before = persisted(view());
      pass(Duration(1'000));
      for (auto& [id, agent] : agents_) {
        receive(agent);
        while (!agent.received.empty()) execute(agent);
        acknowledge(agent);
      }
      quiet = persisted(view()) == before && view().in_flight().empty() ? quiet + 1 : 0;
    }
    return quiet >= 150;
  }

  /// Every chunk that can be helped is at its goal on hosts of its own, nothing is left over, the
  /// disks hold what the map says, and no server is over its limit.
  void expect_rest() {
    std::size_t in_service = agents_.size();
    std::map<ServerId, std::set<ChunkId>> mapped;
    for (ChunkSlot slot = 0; slot < view().chunk_count(); ++slot) {
      const Chunk chunk = view().chunk(slot);
      const ReplicaCount count = view().count(chunk);
      std::set<std::string> hosts;
      for (const Replica& replica : chunk.replicas) {
        mapped[view().server(replica.server).id()].insert(chunk.id);
        hosts.insert(view().server(replica.server).member.location);
      }
      if (chunk.life == ChunkLife::kRetired) {
        EXPECT_TRUE(chunk.replicas.empty()) << to_string(chunk.id);
      } else if (chunk.life == ChunkLife::kLive && count.valid > 0) {
        EXPECT_EQ(count.valid, std::min<int>(chunk.goal, static_cast<int>(in_service)))
            << to_string(chunk.id);
        EXPECT_EQ(hosts.size(), chunk.replicas.size());
        EXPECT_EQ(count.garbage + count.suspect, 0) << to_string(chunk.id);
      }
    }
    for (const auto& [id, agent] : agents_) {
      std::set<ChunkId> there;
      std::uint64_t used = 0;
      for (const auto& [chunk, file] : agent.disk) {
        used += file.content.size.count();
        const auto slot = view().slot_of(chunk);
        const bool other = slot && file.content.version == view().chunk(*slot).version &&
                           file.content.checksum != view().chunk(*slot).checksum;
        if (!other) there.insert(chunk);  // whose bytes these are nobody knows: they are left alone
      }
      EXPECT_EQ(there, mapped[id]) << to_string(id);
      EXPECT_LE(used, 92'500U);
    }
  }
  /// What the database says must be empty, always; looked at as an operator does.
  void expect_invariants() {
    for (const char* name :
         {"invariant_delete_without_evidence", "invariant_outbox_is_open_commands",
          "invariant_copy_onto_holder", "invariant_replica_ahead_of_chunk"}) {
      expect_none(std::string("SELECT 1 FROM ") + name);
    }
    // What is kept counted is what there is, at every commit.
    expect_none("SELECT replicas FROM gauge WHERE replicas <> (SELECT count(*) FROM replica)");
    expect_none("SELECT files FROM gauge WHERE files <> (SELECT count(*) FROM file WHERE state)");
    expect_none(
        "SELECT 1 FROM (SELECT kind, reason, sum(state = 0) AS open, "
        "sum(iif(state = 0, size_bytes, 0)) AS open_bytes, sum(state = 1) AS done, "
        "sum(iif(state = 1, size_bytes, 0)) AS done_bytes, sum(state = 2) AS failed, "
        "sum(state = 3) AS refused, sum(state = 4) AS superseded FROM command GROUP BY 1, 2 "
        "EXCEPT SELECT * FROM command_count)");
    expect_none(
        "SELECT 1 FROM command_count WHERE (kind, reason) NOT IN "
        "(SELECT kind, reason FROM command)");
  }
  /// The same of what is a second old at most, and of chunks whose holders have all reported.
  void expect_counted() {
    for (const char* health : {"healthy", "lost", "at_risk", "under_replicated", "over_replicated",
                               "creating", "retired"}) {
      expect_none(std::string("SELECT 1 FROM gauge WHERE ") + health +
                  " <> (SELECT count(*) FROM chunk_health WHERE health = '" + health + "')");
    }
    expect_none(
        "SELECT s.server_id FROM server_status s JOIN server_load l USING (server_id) WHERE "
        "(l.replicas, l.used_bytes) IS NOT (SELECT count(*), coalesce(sum(size_bytes), 0) "
        "FROM replica JOIN chunk USING (chunk_id) WHERE replica.server_id = s.server_id)");
    expect_none(
        "SELECT server_id FROM server WHERE server_id NOT IN "
        "(SELECT server_id FROM server_load)");
  }

 private:
  void expect_none(const std::string& sql) {
    sqlite::Database reader(dir_.path() / "rebalancer.db", sqlite::OpenMode::kReadOnly);
    sqlite::Statement row(reader, sql);
    row.open();
    ASSERT_FALSE(row.step()) << sql;
  }
  AgentIdentity identity(const Agent& agent) const {
    return {agent.member.server, agent.member.incarnation, agent.member.storage, view().epoch()};
  }
  void ask(Request request, std::function<void(Answer)> take) {
    handle({}, {Asked{std::move(request), std::move(take)}});
  }
  void fault(ChunkId chunk) { faults_[chunk].push_back(++step_); }
  void note_issued() {
    for (const auto& [id, command] : view().in_flight()) issued_.try_emplace(id, step_);
  }

  /// What is superseded is withdrawn; who hears of it in time does not do it.
  void withdraw(const Committed& committed) {
    for (const auto& [id, server] : committed.superseded) {
      Agent& agent = agents_.at(server);
      if (!agent.reachable || rng_.chance(1, 2) || agent.received.erase(id) == 0) continue;
      agent.results.insert_or_assign(id, CommandResult{.command = id,
                                                       .outcome = Outcome::kRefused,
                                                       .why = Why::kCancelled,
                                                       .detail = "",
                                                       .journal = JournalNumber(++agent.journal),
                                                       .blamed = {}});
    }
  }

  /// Who is awaited is not made up for, and the brake lets nothing through but what is at risk.
  void expect_in_order(const CommandRecord& issued) {
    if (issued.kind == CommandKind::kReport || issued.kind == CommandKind::kVerify) return;
    const ReplicaCount count = view().count(*view().find(*issued.chunk));
    if (issued.reason == Reason::kRepair) {
      EXPECT_LE(count.projected, view().find(*issued.chunk)->goal)
          << to_string(issued.id) << " makes up for a server that is awaited";
    }
    if (!view().braked()) return;
    EXPECT_EQ(issued.kind, CommandKind::kReplicate) << to_string(issued.id) << ": the brake holds";
    EXPECT_LE(count.valid, 1) << to_string(issued.id) << ": the brake holds";
  }

  CommandResult do_it(Agent& agent, const CommandRecord& c) {
    CommandResult result{
        .command = c.id, .detail = "", .journal = JournalNumber(agent.journal), .blamed = {}};
    const auto no = [&](Outcome outcome, Why why) {
      result.outcome = outcome;
      result.why = why;
      result.journal = JournalNumber(++agent.journal);
      return result;
    };
    if (c.kind == CommandKind::kReport) {
      report(agent);
      return no(Outcome::kDone, Why::kNone);
    }
    const auto held = agent.disk.find(*c.chunk);
    const bool there = held != agent.disk.end();
    if (c.kind == CommandKind::kVerify) {
      if (!there) return no(Outcome::kFailed, Why::kMissing);
      if (held->second.content.version != c.version) return no(Outcome::kFailed, Why::kVersion);
      if (held->second.damaged && c.level == VerifyLevel::kContent) {
        return no(Outcome::kFailed, Why::kCorrupt);
      }
      return no(Outcome::kDone, Why::kNone);
    }
    if (c.kind == CommandKind::kDelete) {
      if (!there) return no(Outcome::kRefused, Why::kMissing);
      if (held->second.content.version != c.version) return no(Outcome::kRefused, Why::kVersion);
      look_at_delete(agent, c);
      agent.disk.erase(held);
      return no(Outcome::kDone, Why::kNone);
    }
    const auto chunk = view().find(*c.chunk);
    // Other bytes of the same version are put out of the way, and not taken from a source.
    const auto is_it = [&](const File& file) {
      return file.content.version == c.version && chunk && file.content.checksum == chunk->checksum;
    };
    if (there && !held->second.damaged &&
        (held->second.content.version > c.version || is_it(held->second))) {
      return no(Outcome::kDone, Why::kNone);
    }
    for (auto& [id, source] : agents_) {
      if (&source == &agent || !source.reachable) continue;
      const auto file = source.disk.find(*c.chunk);
      if (file == source.disk.end() || !is_it(file->second)) continue;
      if (file->second.damaged) {
        result.blamed.push_back({id, Fault::kCorrupt});
        continue;
      }
      agent.disk.insert_or_assign(*c.chunk, file->second);
      return no(Outcome::kDone, Why::kNone);
    }
    return no(Outcome::kFailed, Why::kNoSource);
  }

  void look_at_delete(const Agent& agent, const CommandRecord& c) {
    if (c.retired) return;
    std::size_t intact = 0, since = 0;
    for (const auto& [id, other] : agents_) {
      const auto file = other.disk.find(*c.chunk);
      intact += &other != &agent && file != other.disk.end() && !file->second.damaged;
    }
    // Content was last read within two weeks: all faults of a history count.
    since = faults_[*c.chunk].size();
    EXPECT_GE(intact + since, static_cast<std::size_t>(view().find(*c.chunk)->goal))
        << "S1: " << to_string(c.id) << " deletes " << to_string(*c.chunk);
  }

  Rng rng_;
  ManualClock clock_{Timestamp(Duration(1'000'000))};
  const Limits limits_;
  const std::uint64_t compare_every_;
  TempDir dir_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Rebalancer> rebalancer_;
  std::map<ServerId, Agent> agents_;
  std::map<ChunkId, std::vector<std::uint64_t>> faults_;
  std::map<CommandId, std::uint64_t> issued_;
  std::vector<ChunksStored> receipts_;
  std::set<StorageId> storages_;
  std::uint64_t event_ = 0, step_ = 0, turns_ = 0, wipes_ = 0;
};

}  // namespace evenkeel
