#include "tests/schedules/onlooker.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "common/checksum/checksum.h"
#include "common/model/text.h"
#include "common/wire/codec.h"
#include "services/agent/store/chunk_name.h"
#include "tests/faults/fault_vfs.h"
#include "tests/schedules/evenness.h"

namespace evenkeel::schedules {
namespace fs = std::filesystem;
using agent::parse_name;

namespace {

constexpr const char* kCluster = "evenkeel";
constexpr std::size_t kFaultsMax = 20;

}  // namespace

Onlooker::Onlooker(World& world, Disks& disks)
    : world_(world),
      disks_(disks),
      sayings_([this](const std::string& rule, const auto& what) { fault(rule, what); }) {
  disks_.on_rename = [this](const fs::path& from, const fs::path& to) { renamed(from, to); };
}

Onlooker::~Onlooker() {
  close_database();
}

void Onlooker::fault(const std::string& rule, const std::string& what) {
  if (world_.tracing()) world_.trace("FAULT " + rule + ": " + what);
  if (faults_.size() < kFaultsMax) faults_.push_back(rule + ": " + what);
}

fs::path Onlooker::live(const std::string& machine) const {
  return disks_.root() / machine / "live";
}

// ---------------------------------------------------------------------------------- the disks

bool Onlooker::is_intact(const std::string& machine, const std::string& name) const {
  const auto parsed = parse_name(name);
  std::ifstream in(live(machine) / name, std::ios::binary);
  if (!parsed || !parsed->checksum || !in) return false;
  const std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(in),
                                        std::istreambuf_iterator<char>()};
  ChunkHasher hasher;
  hasher.update(bytes);
  return chunk_checksum(hasher.finish()) == *parsed->checksum;
}

void Onlooker::storage_is(const std::string& machine, StorageId storage) {
  storages_.insert_or_assign(machine, storage);
  machines_.insert_or_assign(storage, machine);
  std::set<std::string> there;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(live(machine), ignored)) {
    const std::string name = entry.path().filename().string();
    const auto parsed = parse_name(name);
    if (!parsed || !parsed->checksum) continue;
    there.insert(name);
    const Place place{storage, parsed->key.chunk, parsed->key.version};
    if (const auto known = files_.find(place);
        known != files_.end() && known->second.gone == Gone::kNot) {
      continue;
    }
    files_.insert_or_assign(place, File{name, is_intact(machine, name)});
  }
}

std::vector<std::string> Onlooker::live_files(const std::string& machine) const {
  std::vector<std::string> names;
  const auto storage = storages_.find(machine);
  if (storage == storages_.end()) return names;
  for (const auto& [place, file] : files_) {
    if (std::get<0>(place) == storage->second && file.gone == Gone::kNot)
      names.push_back(file.name);
  }
  return names;
}

void Onlooker::hurt(const std::string& machine, const std::string& name, bool gone) {
  const auto parsed = parse_name(name);
  const auto storage = storages_.find(machine);
  if (!parsed || storage == storages_.end()) return;
  const auto found = files_.find({storage->second, parsed->key.chunk, parsed->key.version});
  if (found == files_.end() || found->second.gone != Gone::kNot) return;
  File& file = found->second;
  if (world_.tracing()) world_.trace(machine + (gone ? " loses " : " has damaged ") + name);
  if (file.intact) ++hurts_[parsed->key.chunk];
  if (gone) {
    file.gone = Gone::kHurt;
    file.went = world_.now();
  } else if (is_intact(machine, name)) {
    file.intact = true;  // the same bit once more
  } else if (file.intact) {
    file.intact = false;
    file.damaged = world_.now();
  }
}

void Onlooker::wiped(const std::string& machine) {
  for (const std::string& name : live_files(machine)) hurt(machine, name, true);
}

void Onlooker::renamed(const fs::path& from, const fs::path& to) {
  const std::string machine = disks_.machine_of(to);
  const std::string from_folder = from.parent_path().filename().string();
  const std::string to_folder = to.parent_path().filename().string();
  world_.note(to.filename().string());
  if (!storages_.contains(machine)) return;
  const std::string name = from.filename().string();
  if (world_.tracing()) world_.trace(machine + " moved " + name + " to " + to_folder);
  if (to_folder == "live") {
    arrived(machine, to.filename().string(), name);
  } else if (from_folder == "live" && to_folder == "trash") {
    trashed(machine, name);
  } else if (from_folder == "live" && to_folder == "quarantine") {
    const auto parsed = parse_name(name);
    if (!parsed || !parsed->checksum) return;
    const auto found = files_.find({storages_.at(machine), parsed->key.chunk, parsed->key.version});
    if (found == files_.end()) return;
    // It is kept there, for people. What is whole may be taken for bad: unreadable for a while, or
    // replaced just before its agent was cut off.
    if (found->second.intact && found->second.name == name) ++hurts_[parsed->key.chunk];
    found->second.gone = Gone::kByUs;
    found->second.went = world_.now();
  }
}

void Onlooker::arrived(const std::string& machine, const std::string& name,
                       const std::string& from) {
  const auto parsed = parse_name(name);
  if (!parsed || !parsed->checksum) return;
  const StorageId storage = storages_.at(machine);
  const bool intact = is_intact(machine, name);
  if (!intact) fault("S7", machine + " placed " + name + ", whose bytes are others");
  const Place place{storage, parsed->key.chunk, parsed->key.version};
  const bool again = files_.contains(place);
  files_.insert_or_assign(place, File{.name = name, .intact = intact, .again = again});
  const std::size_t dot = from.rfind('.');
  if (!from.starts_with(name + ".") || dot == std::string::npos) return;  // adopted
  const std::uint64_t attempt = std::stoull(from.substr(dot + 1));
  if (attempt >= std::uint64_t{1} << 63) return;  // a client's
  ++copies_made_;
  copied_[machine].insert(CommandId(attempt));
  took_effect(machine, CommandId(attempt), "a copy");
}

void Onlooker::took_effect(const std::string& machine, CommandId id, const char* what) {
  const StorageId storage = storages_.at(machine);
  const std::string which = to_string(id) + ", " + what + " on " + machine;
  if (++effects_[{storage, id}] > 1) fault("S6", which + ", took effect twice");
  const auto named = named_.find({storage, id});
  if (named == named_.end()) {
    const bool other = std::any_of(named_.begin(), named_.end(),
                                   [&](const auto& item) { return item.first.second == id; });
    return other ? fault("S5", which + ", was for another storage")
                 : fault("S8", which + ", was never sent");
  }
  const auto epoch = epoch_of_(machine);
  if (epoch && !named->second.epochs.contains(*epoch)) {
    fault("S4", which + ", was not named in epoch " + to_string(*epoch));
  }
}

std::uint64_t Onlooker::intact_elsewhere(StorageId not_this, ChunkId chunk,
                                         ChunkVersion least) const {
  std::uint64_t count = 0;
  for (const auto& [place, file] : files_) {
    const auto& [storage, held, version] = place;
    count += held == chunk && version >= least && storage != not_this && file.intact &&
             file.gone == Gone::kNot;
  }
  return count;
}

void Onlooker::trashed(const std::string& machine, const std::string& name) {
  const auto parsed = parse_name(name);
  if (!parsed || !parsed->checksum) return;
  const StorageId storage = storages_.at(machine);
  const auto& [chunk, version] = parsed->key;
  ++deletes_done_;
  const auto found = files_.find({storage, chunk, version});
  if (found != files_.end()) {
    found->second.gone = Gone::kByUs;
    found->second.went = world_.now();
  }
  const auto epoch = epoch_of_(machine);
  const Named* order = nullptr;
  std::optional<CommandId> by;
  for (const auto& [key, named] : named_) {
    const CommandId id = key.second;
    if (named.kind != CommandKind::kDelete || key.first != storage) continue;
    if (named.content->chunk != chunk || named.content->version != version) continue;
    if (effects_.contains({storage, id})) continue;
    // Of several, the last that is of the epoch: one before it may have failed without effect.
    const auto of_epoch = [&](const Named& one) { return epoch && one.epochs.contains(*epoch); };
    if (order && of_epoch(*order) && !of_epoch(named)) continue;
    order = &named;
    by = id;
  }
  if (!order) {
    fault("S5", machine + " deleted " + name + ", and no command that is left says so");
    return;
  }
  if (found != files_.end()) found->second.by = by;
  took_effect(machine, *by, "a delete");
  if (order->retired) {
    for (const auto& [file, content] : promised_) {
      if (name != agent::file_name(content)) continue;
      fault("S1", to_string(*by) + " retires " + to_string(chunk) + ", which is " + file);
    }
    return;
  }
  const auto told = epoch ? order->epochs.find(*epoch) : order->epochs.end();
  int goal = told != order->epochs.end() ? told->second : 1;  // if not, S4 is broken
  // Of a database that was lost since: the one of now knows no such delete, and has another goal.
  if (restored_ && !knows(*by)) goal = std::min(goal, goal_now(chunk));
  const std::uint64_t left = intact_elsewhere(storage, chunk, version) + hurts_[chunk];
  if (left < static_cast<std::uint64_t>(goal)) {
    fault("S1", to_string(*by) + " deletes " + name + " on " + machine + " and leaves " +
                    std::to_string(left) + " of " + std::to_string(goal));
  }
}

void Onlooker::agent_ended(const std::string& machine, const fs::path& journal) {
  const auto run = copied_.extract(machine);
  if (run.empty() || !fs::exists(journal)) return;
  const StorageId storage = storages_.at(machine);
  faults::FaultVfs::Quiet quiet;
  sqlite::Database db(journal, sqlite::OpenMode::kReadOnly);
  sqlite::Statement row(db,
                        "SELECT 1 FROM result WHERE command = ? UNION ALL "
                        "SELECT 1 FROM identity WHERE watermark >= ?");
  for (const CommandId id : run.mapped()) {
    row.open(id, id);
    if (!row.step()) effects_.erase({storage, id});
    row.reset();
  }
}

/// What its journal says that it holds must be there, and whole, whatever has befallen the machine.
void Onlooker::look_at_disk(const std::string& machine, const fs::path& journal) {
  if (!storages_.contains(machine)) return;
  const StorageId storage = storages_.at(machine);
  std::map<std::string, bool> there;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(live(machine), ignored)) {
    const std::string name = entry.path().filename().string();
    const auto parsed = parse_name(name);
    if (parsed && parsed->checksum) there.emplace(name, is_intact(machine, name));
  }
  std::set<std::pair<ChunkId, ChunkVersion>> kept;
  if (fs::exists(journal)) {
    faults::FaultVfs::Quiet quiet;
    sqlite::Database db(journal, sqlite::OpenMode::kReadOnly);
    sqlite::Statement row(db,
                          "SELECT chunk, version FROM content_check WHERE finding = 'ok' AND "
                          "(chunk, version) NOT IN (SELECT chunk, version FROM tombstone)");
    for (row.open(); row.step();) {
      kept.emplace(ChunkId(static_cast<std::uint64_t>(row.integer(0))),
                   ChunkVersion(static_cast<std::uint64_t>(row.integer(1))));
    }
  }
  for (auto& [place, file] : files_) {
    const auto& [held_by, chunk, version] = place;
    if (held_by != storage) continue;
    const auto found = there.find(file.name);
    const bool should =
        file.intact && !file.again && file.gone == Gone::kNot && kept.contains({chunk, version});
    if (should && found == there.end()) {
      fault("S7", machine + " has lost " + file.name + " with the power, though it was journalled");
    } else if (should && !found->second) {
      fault("S7", machine + " has lost the bytes of " + file.name + " with the power");
    }
    if (found == there.end()) {
      if (file.gone == Gone::kNot) file.gone = Gone::kHurt;
      continue;
    }
    if (file.gone == Gone::kByUs) --deletes_done_;  // it had not been durable, and is done again
    if (file.by) effects_.erase({storage, *std::exchange(file.by, std::nullopt)});
    file.gone = Gone::kNot;
    file.intact = found->second;
  }
}

// ---------------------------------------------------------------------------------- the wires

void Onlooker::sent(const Run& from, std::string_view message) {
  sayings_.heard(from, message);
  if (!from.program.starts_with("rebalancer")) return;
  if (message.substr(0, 64).find("commands") == std::string_view::npos) return;
  const auto decoded = wire::decode(kCluster, message);
  const auto* commands = decoded ? std::get_if<Commands>(&*decoded) : nullptr;
  if (!commands) return;
  for (const Command& command : commands->items) {
    Named& named = named_[{command.storage, command.id}];
    const auto* order = std::get_if<Delete>(&command.order);
    int& goal = named.epochs.try_emplace(commands->epoch, order ? order->goal : 0).first->second;
    if (const auto* copy = std::get_if<Replicate>(&command.order)) {
      named.kind = CommandKind::kReplicate;
      named.content = copy->content;
    } else if (order) {
      named.kind = CommandKind::kDelete;
      named.content = order->content;
      goal = std::min(goal, order->goal);
      named.retired = order->retired;
    }
    if (!std::exchange(named.known, true) && !knows(command.id)) {
      fault("S8", to_string(command.id) + " was sent and is not in the database");
    }
  }
}

// ------------------------------------------------------------------------------- the database

void Onlooker::database_is(const fs::path& file) {
  close_database();
  file_ = file;
  last_command_ = 0;
  if (file.empty()) return;
  for (const auto& row : rows("SELECT coalesce(max(command_id), 0) FROM command", 1)) {
    last_command_ = std::stoll(row[0]);
  }
}

void Onlooker::close_database() {
  faults::FaultVfs::Quiet quiet;
  for (const auto& [sql, statement] : std::exchange(statements_, {})) sqlite3_finalize(statement);
  reader_.reset();
}

sqlite::Database* Onlooker::database() {
  if (reader_) return reader_.get();
  if (file_.empty() || !fs::exists(file_)) return nullptr;
  faults::FaultVfs::Quiet quiet;
  reader_ = std::make_unique<sqlite::Database>(file_, sqlite::OpenMode::kReadOnly);
  return reader_.get();
}

std::vector<std::vector<std::string>> Onlooker::rows(const std::string& sql, int columns) {
  std::vector<std::vector<std::string>> all;
  sqlite::Database* db = database();
  if (!db) return all;
  faults::FaultVfs::Quiet quiet;
  sqlite3_stmt*& row = statements_[sql];
  if (!row && sqlite3_prepare_v2(db->handle(), sql.c_str(), -1, &row, nullptr) != SQLITE_OK) {
    throw sqlite::SqliteError(db->handle(), sql);
  }
  while (sqlite3_step(row) == SQLITE_ROW) {
    auto& texts = all.emplace_back();
    for (int i = 0; i < columns; ++i) {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(row, i));
      texts.emplace_back(text ? text : "");
    }
  }
  sqlite3_reset(row);
  return all;
}

bool Onlooker::knows(CommandId id) {
  sqlite::Database* db = database();
  if (!db) return false;
  faults::FaultVfs::Quiet quiet;
  sqlite::Statement& row = db->cached("SELECT 1 FROM command WHERE command_id = ?");
  row.open(id);
  const bool found = row.step();
  row.reset();
  return found;
}

int Onlooker::goal_now(ChunkId chunk) {
  sqlite::Database* db = database();
  if (!db) return 1;
  faults::FaultVfs::Quiet quiet;
  sqlite::Statement& row = db->cached("SELECT goal FROM chunk WHERE chunk_id = ? AND life <> 2");
  row.open(chunk);
  const int goal = row.step() ? static_cast<int>(row.integer(0)) : 1;
  row.reset();
  return goal;
}

void Onlooker::after_step() {
  if (!std::exchange(commit_seen_, false)) return;
  ++commits_;
  look_at_commit();
}

void Onlooker::look_at_commit() {
  sqlite::Database* db = database();
  if (!db) return;
  std::vector<std::tuple<CommandId, ChunkId, ChunkVersion>> deletes;
  {
    faults::FaultVfs::Quiet quiet;
    sqlite::Statement& row = db->cached(
        "SELECT command_id, kind, chunk_id, version, detail FROM command WHERE command_id > ? "
        "ORDER BY command_id");
    for (row.open(last_command_); row.step();) {
      last_command_ = row.integer(0);
      if (row.integer(1) != 1 || row.integer(4) == 1) continue;
      deletes.emplace_back(CommandId(static_cast<std::uint64_t>(row.integer(0))),
                           ChunkId(static_cast<std::uint64_t>(row.integer(2))),
                           ChunkVersion(static_cast<std::uint64_t>(row.integer(3))));
    }
  }
  for (const auto& [id, chunk, version] : deletes) look_at_evidence(id, chunk, version);
  look_at_members();
}

/// What the map says of a server is what membership had said of it, up to the event that the map
/// says it has heard: none may be missing in between (S16).
void Onlooker::look_at_members() {
  const auto heard = rows(
      "SELECT membership_stream, membership_number FROM meta WHERE membership_stream IS NOT NULL",
      2);
  if (heard.empty()) return;
  const std::pair as_of(heard[0][0], heard[0][1]);
  if (std::exchange(members_as_of_, as_of) == as_of) return;
  std::map<std::string, std::vector<std::string>> mapped;
  for (auto& row : rows("SELECT server_id, liveness, incarnation, storage FROM server", 4)) {
    mapped.emplace(row[0], std::move(row));
  }
  const auto stream = StorageId::parse(as_of.first);
  for (const auto& [server, member] :
       sayings_.members_at(*stream, EventNumber(std::stoull(as_of.second)))) {
    const auto row = mapped.find(std::to_string(server.value()));
    const std::string what = "event " + as_of.second + ", of " + to_string(server);
    if (row == mapped.end()) {
      fault("S16", what + ": it is not in the map");
      continue;
    }
    const auto& held = row->second;
    const bool same = held[1] == to_text(member.liveness) &&
                      held[2] == std::to_string(member.incarnation.value()) &&
                      held[3] == to_string(member.storage);
    if (same) continue;
    fault("S16", "as of " + what + ": " + held[1] + " in the map, incarnation " + held[2] +
                     ", and " + std::string(to_text(member.liveness)) + ", incarnation " +
                     std::to_string(member.incarnation.value()) + ", as membership says");
  }
}

void Onlooker::stands_still(const std::string& machine, Nanos until) {
  standstills_[machine].emplace_back(world_.now(), until);
}

/// How long what has happened to its files at `since` may be unknown to an agent.
Nanos Onlooker::time_to_see(const std::string& machine, Nanos since) const {
  Nanos time = seen_within_;
  const auto all = standstills_.find(machine);
  if (all == standstills_.end()) return time;
  for (const auto& [from, until] : all->second) {
    if (until > since && from < since + time) time += until - std::max(from, since);
  }
  return time;
}

/// At the moment of the decision: each replica that it leans on was intact when it was last looked
/// at, which is not longer ago than it is said to be.
void Onlooker::look_at_evidence(CommandId id, ChunkId chunk, ChunkVersion version) {
  ++deletes_judged_;
  // When a client stored a replica is known from its receipt, which may come late.
  constexpr Nanos kReceipt = 120 * kSecond, kRounding = 20 * kMs;
  faults::FaultVfs::Quiet quiet;
  sqlite::Statement& row = database()->cached(
      "SELECT storage, version, presence_age_ms, content_age_ms, location, vouched_by FROM "
      "evidence "
      "WHERE command_id = ?");
  for (row.open(id); row.step();) {
    const auto storage = StorageId::parse(row.text(0));
    const ChunkVersion held(static_cast<std::uint64_t>(row.integer(1)));
    // An inventory tells what the agent knows, which may be as old as its last look at the folder.
    const bool seen = row.text(5) == "command";
    const Nanos present = world_.now() - row.integer(2) * kMs - kRounding;
    const Nanos whole = world_.now() - row.integer(3) * kMs - kRounding - kReceipt;
    const std::string leans =
        to_string(id) + " leans on " + to_string(chunk) + " of " + row.text(4);
    const auto found = storage ? files_.find({*storage, chunk, held}) : files_.end();
    if (held < version) fault("S1", leans + ", whose version is lower");
    if (found == files_.end()) {
      fault("S1", leans + ", which was never there");
      continue;
    }
    const File& file = found->second;
    if (file.gone == Gone::kByUs) {
      fault("S1", leans + ", which we have deleted");
    } else if (file.gone == Gone::kHurt &&
               file.went + (seen ? 0 : time_to_see(machines_.at(*storage), file.went)) < present) {
      fault("S1", leans + ", which was gone when it was last looked at");
    } else if (!file.intact && file.damaged < whole) {
      fault("S1", leans + ", which was damaged when it was last read");
    }
  }
  row.reset();
}

void Onlooker::scan() {
  if (!database()) return;
  for (const char* view : {"invariant_delete_without_evidence", "invariant_outbox_is_open_commands",
                           "invariant_copy_onto_holder", "invariant_replica_ahead_of_chunk"}) {
    if (!rows(std::string("SELECT 1 FROM ") + view + " LIMIT 1", 1).empty()) {
      fault("view", std::string(view) + " is not empty");
    }
  }
  // A replica that we have deleted ourselves, and that is in the map again.
  for (const auto& row :
       rows("SELECT r.chunk_id, r.version, s.storage, r.server_id FROM replica r "
            "JOIN server s USING (server_id) JOIN meta m WHERE r.state <= 1 AND "
            "s.reported_epoch = m.epoch AND s.liveness = 'alive' AND NOT EXISTS (SELECT 1 FROM "
            "command c WHERE c.chunk_id = r.chunk_id AND c.server_id = r.server_id AND c.kind = 1 "
            "AND c.state = 0)",
            4)) {
    const auto storage = StorageId::parse(row[2]);
    const Place place{*storage, ChunkId(std::stoull(row[0])), ChunkVersion(std::stoull(row[1]))};
    const auto found = files_.find(place);
    if (found == files_.end()) {
      fault("S9", "chunk " + row[0] + " is in the map on s" + row[3] + " and was never there");
    } else if (found->second.gone == Gone::kByUs) {
      fault("S9", "chunk " + row[0] + " is in the map on s" + row[3] + ", where we deleted it");
    }
  }
}

// ----------------------------------------------------------------------------------- the end

std::string Onlooker::unrest(const std::set<std::string>& alive) {
  if (!database()) return "no database";
  if (const auto open = rows("SELECT count(*), min(command_id) FROM outbox", 2);
      open[0][0] != "0") {
    return open[0][0] + " commands are open, k" + open[0][1] + " among them";
  }
  for (const auto& row : rows("SELECT server_id FROM server WHERE liveness <> 'alive' OR "
                              "reported_epoch < (SELECT epoch FROM meta)",
                              1)) {
    if (alive.contains("s" + row[0])) return "s" + row[0] + " is not at work";
  }
  for (const auto& row : rows("SELECT hold_deletes FROM meta WHERE hold_deletes IS NOT NULL", 1)) {
    return "deletes are held: " + row[0];
  }
  // What is intact is on the disks, and nowhere else.
  std::map<std::string, int> intact, any;
  std::map<StorageId, std::string> running;
  for (const auto& machine : alive) running.emplace(storages_.at(machine), machine);
  for (const auto& [place, file] : files_) {
    const auto& [storage, chunk, version] = place;
    if (file.gone != Gone::kNot || !running.contains(storage)) continue;
    intact[file.name] += file.intact;
    ++any[file.name];
  }
  // Of what is lost nothing may be deleted, and nothing can be made. Nor can a copy be made where
  // something damaged claims a higher version; that is said, and is for people to look at.
  for (const auto& row :
       rows("SELECT chunk_id, goal, life, version, lower(hex(checksum)), (SELECT count(*) FROM "
            "server WHERE admin = "
            "'in_service') FROM chunk WHERE chunk_id NOT IN (SELECT chunk_id FROM violations "
            "WHERE health = 'lost' OR why LIKE '%: version')",
            6)) {
    const ChunkId chunk(std::stoull(row[0]));
    const std::string name =
        agent::file_name({chunk, ChunkVersion(std::stoull(row[3]))}, *Checksum::parse(row[4]));
    if (row[2] == "2") {
      if (any[name] > 0) return to_string(chunk) + " was deleted, and is still on disks";
      continue;
    }
    if (row[2] == "0") continue;
    const int goal = std::min(std::stoi(row[1]), std::stoi(row[5]));
    const int there = intact[name];
    if (there != goal) {
      return to_string(chunk) + " has " + std::to_string(there) + " intact replicas, its goal is " +
             std::to_string(goal);
    }
  }
  if (const std::string found = lost_and_intact(running); !found.empty()) return found;
  for (const auto& row :
       rows("SELECT chunk_id, health, why FROM violations WHERE health <> 'lost' AND "
            "why NOT LIKE '%: version'",
            3)) {
    return "chunk " + row[0] + " is " + row[1] + ": " + row[2];
  }
  // What the map says is what the disks hold (S21).
  std::set<Place> mapped;
  for (const auto& row : rows("SELECT s.storage, r.chunk_id, r.version, r.state, r.server_id "
                              "FROM replica r JOIN server s USING (server_id)",
                              5)) {
    const Place place{*StorageId::parse(row[0]), ChunkId(std::stoull(row[1])),
                      ChunkVersion(std::stoull(row[2]))};
    if (!running.contains(std::get<0>(place))) continue;
    mapped.insert(place);
    const auto found = files_.find(place);
    // One that is damaged and claims a version above the map's is mapped without that version.
    const auto above = files_.upper_bound(place);
    const bool claims_more = row[3] == "3" && above != files_.end() &&
                             std::get<0>(above->first) == std::get<0>(place) &&
                             std::get<1>(above->first) == std::get<1>(place);
    if (!claims_more && (found == files_.end() || found->second.gone != Gone::kNot)) {
      return "chunk " + row[1] + " is in the map on s" + row[4] + " and not on its disk";
    }
  }
  for (const auto& [place, file] : files_) {
    if (file.gone != Gone::kNot || !running.contains(std::get<0>(place))) continue;
    // Damaged, and of a chunk that was not known yet: there is nothing to go by. And of two
    // versions on one disk the map knows the newer.
    const auto& [storage, chunk, version] = place;
    const auto newer = mapped.upper_bound(place);
    const bool outdated =
        newer != mapped.end() && std::get<0>(*newer) == storage && std::get<1>(*newer) == chunk;
    if (file.intact && !outdated && !restored_ && !mapped.contains(place)) {
      return file.name + " is on a disk and not in the map";
    }
  }
  return only_evenness_counts_ ? unevenness() : "";
}

/// Of what is intact on a disk nothing is lost, whatever that disk may have said for a while.
std::string Onlooker::lost_and_intact(const std::map<StorageId, std::string>& running) {
  for (const auto& row :
       rows("SELECT chunk_id, version, lower(hex(checksum)) FROM chunk WHERE life = 1 "
            "AND chunk_id IN (SELECT chunk_id FROM violations WHERE health = 'lost' AND why NOT "
            "LIKE '%: version')",
            3)) {
    const ChunkId chunk(std::stoull(row[0]));
    const ChunkVersion version(std::stoull(row[1]));
    const std::string name = agent::file_name({chunk, version}, *Checksum::parse(row[2]));
    for (const auto& [storage, machine] : running) {
      const auto file = files_.find({storage, chunk, version});
      if (file == files_.end() || file->second.name != name) continue;
      if (file->second.gone != Gone::kNot || !file->second.intact) continue;
      return to_string(chunk) + " is called lost, and is intact on " + machine;
    }
  }
  return "";
}

/// Of a town where all are alike, and nothing is on its way or waits.
std::string Onlooker::unevenness() {
  const bool unlike =
      !rows(
           "SELECT 1 FROM server WHERE admin <> 'in_service' OR liveness <> 'alive' UNION ALL "
           "SELECT 1 FROM chunk WHERE life <> 1 UNION ALL SELECT 1 FROM replica WHERE state <> 0 "
           "UNION ALL SELECT 1 FROM set_aside LIMIT 1",
           1)
           .empty();
  if (unlike) return "";
  Holdings holdings;
  for (const auto& row : rows("SELECT server_id FROM server", 1)) holdings["s" + row[0]];
  for (const auto& row :
       rows("SELECT server_id, chunk_id, size_bytes FROM replica JOIN chunk USING (chunk_id)", 3)) {
    holdings["s" + row[0]].emplace(std::stoull(row[1]), std::stoull(row[2]));
  }
  return uneven(holdings).value_or("");
}

void Onlooker::look_at_rest(const std::set<std::string>& alive) {
  scan();
  if (const auto check = rows("PRAGMA integrity_check", 1); check.empty() || check[0][0] != "ok") {
    fault("database", "integrity_check is not ok");
  }
  for (const auto& row : rows("PRAGMA foreign_key_check", 1))
    fault("database", "foreign " + row[0]);
  // A chunk that was promised to a client is there, unless faults have taken it.
  for (const auto& [name, content] : promised_) {
    if (hurts_[content.chunk] > 0) continue;
    bool there = std::any_of(files_.begin(), files_.end(), [&](const auto& item) {
      const auto& [place, file] = item;
      return file.intact && file.gone == Gone::kNot && file.name == agent::file_name(content);
    });
    for (const auto& [storage, machine] : machines_) {
      std::error_code ignored;
      for (const auto& entry :
           fs::directory_iterator(disks_.root() / machine / "quarantine", ignored)) {
        there |= entry.path().filename().string().starts_with(agent::file_name(content));
      }
    }
    if (!there) fault("lost", name + ", " + to_string(content.chunk) + ", is nowhere");
  }
  // No two replicas of a chunk on one host.
  for (const auto& row :
       rows("SELECT chunk_id FROM replica r JOIN server s USING (server_id) WHERE r.state <= 1 "
            "GROUP BY chunk_id, location HAVING count(*) > 1",
            1)) {
    fault("spread", "chunk " + row[0] + " has two replicas on one host");
  }
  // Nothing has gone by other ways than those that were seen (S11).
  for (const std::string& machine : alive) {
    for (const std::string& name : live_files(machine)) {
      if (!fs::exists(live(machine) / name)) fault("S11", machine + " has no " + name);
    }
  }
}

std::string Onlooker::story() {
  std::string all;
  for (const auto& row : rows(
           "SELECT * FROM (SELECT command_id, kind || ' ' || coalesce(chunk_id, '-') || ' on s' || "
           "server_id || ' ' || state || ' ' || coalesce(why, '') || ': ' || "
           "because FROM command_history ORDER BY command_id DESC LIMIT 30) ORDER BY 1",
           2)) {
    all += "  k" + row[0] + " " + row[1] + "\n";
  }
  for (const auto& row :
       rows("SELECT chunk_id || ' is ' || health || ': ' || why FROM violations UNION ALL "
            "SELECT chunk_id || ' on s' || server_id || ': ' || state || ' ' || admin "
            "FROM replica_status UNION ALL SELECT 's' || server_id || ' ' || location || ' ' || "
            "liveness || ' ' || admin || ' reported ' || reported_epoch || ' of ' || "
            "(SELECT epoch FROM meta) FROM server UNION ALL SELECT 'goal of ' || chunk_id || ' ' "
            "|| goal || ' life ' || life FROM chunk",
            1)) {
    all += "  " + row[0] + "\n";
  }
  return all;
}

}  // namespace evenkeel::schedules
