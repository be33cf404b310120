#include "tests/faults/town.h"

#include <sstream>

#include "common/base/overloaded.h"
#include "common/sqlite/migrate.h"
#include "services/agent/core/evidence.h"
#include "tests/faults/trial.h"

namespace evenkeel::faults {

using agent::CommandBook;
using agent::Journal;
using agent::Refusal;
using agent::ReplicaKey;

namespace {

ReplicaKey key_of(const ChunkContent& content) {
  return {content.chunk, content.version};
}

CommandResult result_of(CommandId id, Outcome outcome, Why why, const std::string& detail = "") {
  return {id, outcome, why, detail, JournalNumber(0), {}, {}, {}};
}

}  // namespace

Town::Town(const std::filesystem::path& folder, std::optional<Crash> crash)
    : folder_(folder), crash_(crash) {
  limits_.retire_after = Duration(3'000);
  limits_.safe_mode_time = Duration(2'000);
  limits_.patience_planned_stop = limits_.patience_server = limits_.patience_rack =
      limits_.patience_report = Duration(1'000);
  std::filesystem::remove_all(folder_);
  for (std::uint64_t server = 0; server <= 6; ++server) {
    std::filesystem::create_directories(folder_of(server));
  }
  FaultVfs::install().watch(folder_of(crash ? crash->server : 0));
  reopen_rebalancer();
}

Town::~Town() = default;

std::filesystem::path Town::folder_of(std::uint64_t server) const {
  return folder_ / (server == 0 ? "rebalancer" : "s" + std::to_string(server));
}

/// Runs `write`, which is one commit of `server`. False: it was cut off there, and has to start
/// anew with what it then finds.
bool Town::commit(std::uint64_t server, const std::function<void()>& write) {
  FaultVfs& vfs = FaultVfs::install();
  const bool here =
      crash_ && !crashed_ && crash_->server == server && commits_[server] + 1 == crash_->commit;
  ++commits_[server];
  if (!here) {
    write();
    return true;
  }
  crashed_ = true;
  Unsynced unsynced = Unsynced::kLost;
  switch (crash_->place) {
    case Place::kBefore:
      vfs.lose_power_at(vfs.changes() + 1);
      break;
    case Place::kInside:
      vfs.lose_power_at(vfs.changes() + 3);
      unsynced = Unsynced::kTorn;
      break;
    case Place::kSyncing:
      vfs.lose_power_at_sync();
      unsynced = Unsynced::kSome;
      break;
    case Place::kAfter:
    case Place::kPublished:
      break;
  }
  try {
    write();
    if (crash_->place == Place::kPublished && server == 0) act_unheard();
  } catch (const sqlite::SqliteError&) {
    if (!vfs.power_lost()) throw;
  }
  vfs.lose_power();
  if (server == 0) {
    rebalancer_.reset();
    store_.reset();
  } else {
    Agent& agent = agents_.at(ServerId(server));
    agent.book.reset();
    agent.journal.reset();
    agent.tasks.clear();
  }
  Rng rng(crash_->commit);
  vfs.heal(unsynced, rng);
  return false;
}

void Town::reopen_rebalancer() {
  rebalancer_.reset();
  store_.reset();
  store_ = std::make_unique<Store>(folder_of(0) / "rebalancer.db",
                                   sqlite::schema_directory("rebalancer"), "evenkeel");
  rebalancer_ = std::make_unique<Rebalancer>(*store_, clock_, limits_);
  view().check();
}

void Town::reopen_agent(Agent& agent) {
  agent.book.reset();
  agent.journal.reset();
  agent.tasks.clear();
  const std::uint64_t server = agent.member.server.value();
  agent.journal = std::make_unique<Journal>(folder_of(server) / "journal.db",
                                            Journal::Owner{"evenkeel", agent.member.server},
                                            agent.member.storage);
  const auto& identity = agent.journal->identity();
  agent.book = std::make_unique<CommandBook>(identity.storage, identity.epoch,
                                             agent.journal->past(), CommandBook::Limits{});
  agent.member.incarnation = identity.incarnation;
  agent.inventory = 0;
}

/// False: it was cut off, and is running again by now. Nothing more of what was under way counts.
bool Town::handle(const std::vector<Event>& events, const std::vector<Asked>& asked) {
  const bool whole = commit(0, [&] {
    rebalancer_->handle(events, asked);
    view().check();
  });
  if (whole) return true;
  reopen_rebalancer();
  introduce();
  return false;
}

std::optional<Answer> Town::ask(const Request& request) {
  std::optional<Answer> answer;
  handle({}, {Asked{request, [&](Answer given) { answer = std::move(given); }}});
  return answer;
}

void Town::ask_until_answered(const Request& request) {
  if (!ask(request)) ask(request);
}

void Town::meet(std::uint64_t servers) {
  for (std::uint64_t i = 1; i <= servers; ++i) {
    Agent agent{
        .member = member_of(i, "r" + std::to_string(i % 3) + "/h" + std::to_string(i), 1'000'000)};
    Agent& met = agents_.insert_or_assign(ServerId(i), std::move(agent)).first->second;
    reopen_agent(met);
  }
  introduce();
  live(1);
}

/// After a start of the rebalancer: membership and all agents say who they are.
void Town::introduce() {
  MembersListed listed{storage_of(99), EventNumber(view().membership_number().value() + 1), {}};
  for (const auto& [id, agent] : agents_) listed.members.push_back(agent.member);
  if (!handle({listed})) return;  // whoever was cut off has introduced them again
  for (auto& [id, agent] : agents_) {
    if (alive(agent)) greet(agent);
  }
}

void Town::tell(const Agent& agent) {
  const Member member = agent.member;
  handle({MemberChanged{storage_of(99), EventNumber(view().membership_number().value() + 1),
                        MemberEventKind::kUpdated, member}});
}

AgentIdentity Town::from(const Agent& agent) const {
  return {agent.member.server, agent.member.incarnation, agent.member.storage,
          agent.journal->identity().epoch};
}

/// Hello, welcome, the inventory, and all open commands; what was not among them is over.
void Town::greet(Agent& agent) {
  if (!handle({AgentGreeted{
          {from(agent), agent.journal->identity().journal, agent.book->highest()}}})) {
    return;
  }
  const Epoch epoch = view().epoch();
  if (epoch > agent.journal->identity().epoch) {
    const std::uint64_t server = agent.member.server.value();
    if (!commit(server, [&] { agent.journal->raise_epoch(epoch); })) return restart_agent(server);
    agent.book->raise(epoch);
  }
  report(agent);
  receive(agent);
  for (const CommandId id : agent.book->end_unendorsed()) {
    std::erase_if(agent.tasks, [&](const Command& task) { return task.id == id; });
    if (!end(agent, result_of(id, Outcome::kFailed, Why::kStaleEpoch))) return;
  }
}

void Town::report(Agent& agent) {
  const Server* known = view().find(agent.member.server);
  InventoryRead read{
      .server = agent.member.server,
      .incarnation = agent.member.incarnation,
      .storage = agent.member.storage,
      .number = InventoryNumber(++agent.inventory),
      .full = true,
      .last = true,
      .journal = agent.journal->identity().journal,
      .asked = known && known->inventory_asked ? *known->inventory_asked : view().started()};
  const Inventory header{
      .from = from(agent), .number = read.number, .basis = std::nullopt, .journal = read.journal};
  if (!known || !acceptable(*known, header)) return;
  for (const auto& [chunk, content] : agent.disk) {
    const bool bad = agent.damaged.contains(chunk);
    read.rows.push_back(
        {content, bad ? ReplicaFinding::kCorrupt : ReplicaFinding::kOk, Duration(0)});
    read.listed.push_back(chunk);
  }
  handle({read});
}

Command Town::message_of(const CommandRecord& record) const {
  Command command{.id = record.id,
                  .reason = record.reason,
                  .storage = record.storage,
                  .allowed = Duration(600'000),
                  .order = Report{}};
  if (record.kind == CommandKind::kReport) return command;
  ChunkContent content = view().find(*record.chunk)->content();
  content.version = record.version;
  const int goal = view().find(*record.chunk)->goal;
  switch (record.kind) {
    case CommandKind::kReplicate:
      command.order = Replicate{content, {}, Bytes(0)};
      break;
    case CommandKind::kDelete: {
      const int domains = std::min(static_cast<int>(record.evidence.size()), goal);
      command.order =
          Delete{content, goal, domains, SpreadLevel::kHost, record.retired, record.evidence};
      break;
    }
    case CommandKind::kVerify:
      command.order = Verify{content, record.level};
      break;
    case CommandKind::kReport:
      break;
  }
  return command;
}

void Town::receive(Agent& agent) {
  std::vector<Command> commands;
  for (const auto& [id, record] : view().in_flight()) {
    if (record.server == agent.member.server) commands.push_back(message_of(record));
  }
  const std::uint64_t incarnation = agent.member.incarnation.value();
  for (const Command& command : commands) {
    take(agent, command);
    if (agent.member.incarnation.value() != incarnation) return;  // it was cut off
  }
}

void Town::take(Agent& agent, const Command& command) {
  const Epoch epoch = view().epoch();
  const auto receipt = agent.book->receive(command, epoch, clock_.now());
  std::visit(
      Overloaded{
          [&](const agent::Begin&) { agent.tasks.push_back(command); },
          [](const agent::UnderWay&) {},
          [&](const agent::Endorse&) {
            for (Command& task : agent.tasks) {
              if (task.id == command.id) task = command;
            }
          },
          [&](const agent::Repeat& repeat) { agent.book->say_again(repeat.result, clock_.now()); },
          [&](const agent::Decline& decline) {
            end(agent, result_of(command.id, Outcome::kRefused, decline.refusal.why,
                                 decline.refusal.detail));
          },
          [&](const agent::TooOld& old) {
            agent.book->say_again(result_of(command.id, Outcome::kRefused, old.refusal.why),
                                  clock_.now());
          }},
      receipt);
}

/// The journal, then the book; nothing is said before. False: it was cut off.
bool Town::end(Agent& agent, CommandResult result,
               const std::function<void(Journal::Batch&)>& more) {
  const std::uint64_t server = agent.member.server.value();
  const bool whole = commit(server, [&] {
    Journal::Batch batch(*agent.journal, clock_.wall_now());
    if (more) more(batch);
    result = batch.add(std::move(result));
    batch.commit();
  });
  if (!whole) {
    restart_agent(server);
    return false;
  }
  agent.book->finish(result, clock_.now());
  return true;
}

void Town::work(Agent& agent) {
  std::deque<Command> later;
  while (!agent.tasks.empty()) {
    const Command command = agent.tasks.front();
    agent.tasks.pop_front();
    if (const auto refusal = agent.book->fence(command.id, clock_.now())) {
      if (!end(agent, result_of(command.id, Outcome::kRefused, refusal->why))) return;
    } else if (!agent.book->endorsed(command.id)) {
      later.push_back(command);
    } else if (!do_it(agent, command)) {
      return;
    }
  }
  agent.tasks = std::move(later);
}

bool Town::do_it(Agent& agent, const Command& command) {
  return std::visit(
      Overloaded{[&](const Report&) {
                   const std::uint64_t incarnation = agent.member.incarnation.value();
                   report(agent);
                   if (agent.member.incarnation.value() != incarnation) return false;
                   return end(agent, result_of(command.id, Outcome::kDone, Why::kNone));
                 },
                 [&](const Verify& order) {
                   const auto held = agent.disk.find(order.content.chunk);
                   if (held == agent.disk.end()) {
                     return end(agent, result_of(command.id, Outcome::kFailed, Why::kMissing));
                   }
                   const bool bad = agent.damaged.contains(order.content.chunk);
                   return end(agent, result_of(command.id, bad ? Outcome::kFailed : Outcome::kDone,
                                               bad ? Why::kCorrupt : Why::kNone));
                 },
                 [&](const Replicate& order) { return copy(agent, command, order); },
                 [&](const Delete& order) { return remove(agent, command, order); }},
      command.order);
}

void Town::effect(Agent& agent, CommandId id) {
  if (++agent.effects[id] > 1) fault(to_string(id) + " took effect twice");
  FaultVfs::Quiet quiet;
  sqlite::Database db(folder_of(0) / "rebalancer.db", sqlite::OpenMode::kReadOnly);
  sqlite::Statement row(db, "SELECT count(*) FROM command WHERE command_id = ?");
  row.open(id);
  if (!row.step() || row.integer(0) != 1) fault(to_string(id) + " is not in the database");
}

bool Town::copy(Agent& agent, const Command& command, const Replicate& order) {
  const ChunkId chunk = order.content.chunk;
  const auto held = agent.disk.find(chunk);
  const bool whole =
      held != agent.disk.end() && held->second == order.content && !agent.damaged.contains(chunk);
  if (whole) return end(agent, result_of(command.id, Outcome::kDone, Why::kNone, "it was here"));
  const Agent* source = nullptr;
  for (const auto& [id, other] : agents_) {
    const auto file = other.disk.find(chunk);
    if (&other == &agent || !alive(other) || file == other.disk.end()) continue;
    if (file->second == order.content && !other.damaged.contains(chunk)) source = &other;
  }
  agent.book->begin(command.id);
  if (!source) return end(agent, result_of(command.id, Outcome::kFailed, Why::kNoSource));
  agent.book->place(command.id);
  agent.disk.insert_or_assign(chunk, order.content);
  agent.damaged.erase(chunk);
  effect(agent, command.id);
  return end(agent, result_of(command.id, Outcome::kDone, Why::kNone),
             [&](Journal::Batch& batch) { batch.came(key_of(order.content)); });
}

bool Town::remove(Agent& agent, const Command& command, const Delete& order) {
  const ReplicaKey key = key_of(order.content);
  const auto held = agent.disk.find(order.content.chunk);
  const bool here = held != agent.disk.end() && held->second.version == order.content.version;
  if (!here && agent.journal->tombstone(key) == command.id) {
    return end(agent, result_of(command.id, Outcome::kDone, Why::kNone, "before a restart"));
  }
  if (agent::evidence_fault(order, agent.member.storage, {})) {
    return end(agent, result_of(command.id, Outcome::kRefused, Why::kEvidence));
  }
  if (!here) return end(agent, result_of(command.id, Outcome::kFailed, Why::kMissing));
  agent.book->begin(command.id);
  const std::uint64_t server = agent.member.server.value();
  const bool intended = commit(server, [&] {
    Journal::Batch batch(*agent.journal, clock_.wall_now());
    batch.intend_delete(key, command.id);
    batch.commit();
  });
  if (!intended) {
    restart_agent(server);
    return false;
  }
  agent.book->place(command.id);
  look_at_delete(agent, command, order);
  agent.disk.erase(order.content.chunk);
  agent.damaged.erase(order.content.chunk);
  effect(agent, command.id);
  return end(agent, result_of(command.id, Outcome::kDone, Why::kNone),
             [&](Journal::Batch& batch) { batch.went(key); });
}

void Town::look_at_delete(const Agent& agent, const Command& command, const Delete& order) {
  if (order.retired) {
    for (const auto& [name, promise] : promised_) {  // a put that was begun anew is no promise
      if (promise.first == order.content.chunk) fault(to_string(command.id) + " deletes " + name);
    }
    return;
  }
  int intact = hurt_[order.content.chunk];
  for (const auto& [id, other] : agents_) {
    const auto file = other.disk.find(order.content.chunk);
    intact += &other != &agent && file != other.disk.end() && file->second == order.content &&
              !other.damaged.contains(order.content.chunk);
  }
  if (intact < order.goal) {
    fault("S1: " + to_string(command.id) + " deletes " + to_string(order.content.chunk) +
          " and leaves " + std::to_string(intact));
  }
}

void Town::acknowledge(Agent& agent) {
  const auto results = agent.book->due(clock_.now(), 100);
  if (results.empty()) return;
  std::vector<Event> events;
  JournalNumber highest(0);
  for (const CommandResult& result : results) {
    events.push_back(CommandAcknowledged{from(agent), result});
    highest = std::max(highest, result.journal);
  }
  events.push_back(JournalAcknowledged{agent.member.server, agent.member.storage, highest});
  if (!handle(events)) return;
  std::vector<CommandId> confirmed;
  for (const CommandResult& result : results) {
    if (agent.book->confirm(result.command)) confirmed.push_back(result.command);
  }
  if (confirmed.empty()) return;
  const std::uint64_t server = agent.member.server.value();
  const bool whole = commit(server, [&] {
    Journal::Batch batch(*agent.journal, clock_.wall_now());
    for (const CommandId id : confirmed) batch.confirm(id);
    batch.commit();
  });
  if (!whole) restart_agent(server);
}

void Town::act_unheard() {
  for (auto& [id, agent] : agents_) {
    if (!alive(agent) || agent.journal->identity().epoch != view().epoch()) continue;
    receive(agent);
    work(agent);
  }
}

void Town::live(int seconds) {
  for (int i = 0; i < seconds; ++i) {
    clock_.advance(Duration(1'000));
    handle({TimePassed{}});
    for (auto& [id, agent] : agents_) {
      if (!alive(agent)) continue;
      receive(agent);
      work(agent);
      acknowledge(agent);
    }
  }
}

void Town::restart_rebalancer() {
  reopen_rebalancer();
  introduce();
}

void Town::restart_agent(std::uint64_t server) {
  Agent& agent = agents_.at(ServerId(server));
  reopen_agent(agent);
  tell(agent);
  greet(agent);
}

void Town::put(const std::string& name, int goal) {
  const Checksum checksum = checksum_of(++contents_);
  for (int attempt = 0; attempt < 3; ++attempt) {  // a client that is not answered begins anew
    const auto opened = ask(PutOpen{name, goal, Bytes(1'000)});
    if (!opened) continue;
    const auto* open = std::get_if<PutOpened>(&*opened);
    if (!open) return fault("put " + name + ": " + std::get<Refused>(*opened).what);
    const auto placed = ask(PutPlace{open->file, {{0, Bytes(1'000), checksum, {}}}});
    if (!placed || !std::holds_alternative<PutPlaced>(*placed)) continue;
    const auto item = std::get<PutPlaced>(*placed).items.at(0);
    const ChunkContent content{item.chunk, item.version, Bytes(1'000), checksum};
    ChunksStored stored;
    for (const Source& target : item.targets) {
      Agent& agent = agents_.at(target.server);
      JournalNumber number(0);
      agent.disk.insert_or_assign(item.chunk, content);
      const bool whole = commit(target.server.value(), [&] {
        Journal::Batch batch(*agent.journal, clock_.wall_now());
        number = batch.add_stored(key_of(content));
        batch.commit();
      });
      if (!whole) {
        restart_agent(target.server.value());
        continue;  // the client hears nothing of this one
      }
      stored.items.push_back({item.chunk, target.server, target.storage, number});
    }
    if (!handle({stored})) continue;
    const auto closed = ask(PutClose{open->file, {}, true});
    if (closed && std::holds_alternative<PutClosed>(*closed)) {
      promised_.insert_or_assign(name, std::pair(item.chunk, goal));
      return;
    }
    // It may have been closed all the same.
    const auto found = ask(Locate{name, 0});
    if (found && std::holds_alternative<Located>(*found)) {
      promised_.insert_or_assign(
          name, std::pair(std::get<Located>(*found).chunks.at(0).content.chunk, goal));
      return;
    }
  }
  fault("put " + name + " came to nothing");
}

void Town::remove(const std::string& name) {
  removed_.insert(promised_.at(name).first);
  promised_.erase(name);
  ask_until_answered(DeleteNamed{name});
}

void Town::set_goal(const std::string& name, int goal) {
  promised_.at(name).second = goal;
  ask_until_answered(SetGoal{name, goal, 0, {false, true}});
}

void Town::die(std::uint64_t server) {
  Agent& agent = agents_.at(ServerId(server));
  agent.member.liveness = Liveness::kDead;
  tell(agent);
}

void Town::come_back(std::uint64_t server) {
  Agent& agent = agents_.at(ServerId(server));
  agent.member.liveness = Liveness::kAlive;
  restart_agent(server);
}

void Town::wipe(std::uint64_t server) {
  Agent& agent = agents_.at(ServerId(server));
  for (const auto& [chunk, content] : agent.disk) ++hurt_[chunk];
  agent.disk.clear();
  agent.damaged.clear();
  agent.book.reset();
  agent.journal.reset();
  for (const char* name : {"journal.db", "journal.db-wal", "journal.db-shm"}) {
    std::filesystem::remove(folder_of(server) / name);
  }
  if (crash_ && crash_->server == server && !crashed_) {
    FaultVfs::install().watch(folder_of(server));
  }
  agent.member.storage = storage_of(server + 100 * ++wipes_, 'W');
  agent.member.liveness = Liveness::kAlive;
  restart_agent(server);
}

ChunkId Town::some_chunk(const Agent& agent, std::size_t which) const {
  return std::next(agent.disk.begin(), static_cast<std::ptrdiff_t>(which % agent.disk.size()))
      ->first;
}

void Town::damage(std::uint64_t server, std::size_t which) {
  Agent& agent = agents_.at(ServerId(server));
  if (agent.disk.empty()) return;
  const ChunkId chunk = some_chunk(agent, which);
  agent.damaged.insert(chunk);
  ++hurt_[chunk];
  report(agent);
}

void Town::lose_file(std::uint64_t server, std::size_t which) {
  Agent& agent = agents_.at(ServerId(server));
  if (agent.disk.empty()) return;
  const ChunkId chunk = some_chunk(agent, which);
  agent.disk.erase(chunk);
  agent.damaged.erase(chunk);
  ++hurt_[chunk];
  report(agent);
}

/// What the database says of what is not as it should be, and of how it came to it.
std::string Town::why_not() const {
  FaultVfs::Quiet quiet;
  sqlite::Database db(folder_of(0) / "rebalancer.db", sqlite::OpenMode::kReadOnly);
  std::string all;
  for (const char* sql :
       {"SELECT 'chunk ' || chunk_id || ' is ' || health || ': ' || why FROM violations",
        "SELECT 'chunk ' || chunk_id || ' on ' || server_id || ': ' || state || ' ' || admin "
        "FROM replica_status ORDER BY 1",
        "SELECT command_id || ' ' || kind || ' ' || chunk_id || ' on ' || server_id || ' ' || "
        "state || ' ' || coalesce(why, '') || ': ' || because FROM command_history "
        "WHERE chunk_id IS NOT NULL",
        "SELECT kind || ' ' || subject || ' ' || text FROM events"}) {
    sqlite::Statement row(db, sql);
    for (row.open(); row.step();) all += row.text(0) + "\n";
  }
  return all;
}

std::string Town::rest() {
  constexpr int kRounds = 90;
  int quiet = 0;
  for (int round = 0; round < kRounds && (quiet < 8 || round < 16); ++round) {
    const auto before = view().next_command();
    if (round > 4) clock_.advance(Duration(9'000));  // what was set aside is looked at again
    live(1);
    quiet = view().in_flight().empty() && view().next_command() == before ? quiet + 1 : 0;
  }
  std::ostringstream wrong;
  for (const std::string& what : faults_) wrong << what << "\n";
  if (quiet < 8) wrong << "no rest after " << kRounds << " rounds\n";
  for (const auto& [name, promise] : promised_) {
    int intact = 0;
    for (const auto& [id, agent] : agents_) {
      intact += agent.disk.contains(promise.first) && !agent.damaged.contains(promise.first) &&
                alive(agent);
    }
    if (intact != promise.second) {
      wrong << name << " (" << to_string(promise.first) << ") has " << intact << " of "
            << promise.second << " replicas\n";
    }
  }
  for (const ChunkId chunk : removed_) {
    for (const auto& [id, agent] : agents_) {
      if (agent.disk.contains(chunk) && alive(agent)) {
        wrong << to_string(chunk) << " was deleted, and is on " << to_string(id) << "\n";
      }
    }
  }
  for (const auto& [id, slot] : view().servers()) {
    std::set<ChunkId> mapped;
    for (ChunkSlot chunk = 0; chunk < view().chunk_count(); ++chunk) {
      if (view().replica(view().chunk(chunk), id)) mapped.insert(view().chunk(chunk).id);
    }
    std::set<ChunkId> held;
    for (const auto& [chunk, content] : agents_.at(id).disk) held.insert(chunk);
    if (alive(agents_.at(id)) && mapped != held) {
      wrong << to_string(id) << " holds " << held.size() << " chunks, mapped are " << mapped.size()
            << "\n";
    }
  }
  wrong << complaints(folder_of(0) / "rebalancer.db");
  if (!wrong.str().empty()) wrong << why_not();
  return wrong.str();
}

}  // namespace evenkeel::faults
