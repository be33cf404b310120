#include "tests/schedules/town.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "common/sqlite/migrate.h"
#include "services/agent/io/agent.h"
#include "services/membership/io/membership.h"
#include "services/rebalancer/io/service.h"
#include "services/rebalancer/store/histories.h"

namespace evenkeel::schedules {

void use_for_streams(Network* network);  // reactor.cc

namespace fs = std::filesystem;
using faults::FaultVfs;
using faults::Unsynced;

namespace {

constexpr const char* kCluster = "evenkeel";

StorageId drawn_id(World& world) {
  StorageId::Array bytes{};
  for (auto& byte : bytes) byte = world.random_byte();
  return StorageId(bytes);
}

bool is_injected(const std::string& why) {
  return why.empty() || why.find("cannot sync") != std::string::npos ||
         why.find("another rebalancer has raised the epoch") != std::string::npos ||
         why.find("No space left") != std::string::npos ||
         why.find("Input/output error") != std::string::npos;
}

void write_file(const fs::path& path, const Buffer& bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
}

void remove_database(FaultVfs& vfs, const fs::path& file) {
  for (const char* ending : {"", "-wal", "-shm"}) {
    const fs::path path = file.string() + ending;
    fs::remove(path);
    vfs.forget(path);
  }
}

}  // namespace

struct Town::Program {
  Program(World& world, Network& network, std::shared_ptr<Run> its)
      : run(std::move(its)), loop(world, run), context(network) {}
  virtual ~Program() = default;
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  virtual void begin() = 0;

  std::shared_ptr<Run> run;
  Loop loop;
  zmq::context_t context;
};

struct Town::MembershipProgram : Program {
  MembershipProgram(World& world, Network& network, std::shared_ptr<Run> its, const Plan& plan,
                    const Clock& its_clock, fs::path its_file)
      : Program(world, network, std::move(its)), clock(its_clock), file(std::move(its_file)) {
    options.cluster = kCluster;
    options.events_endpoint = "members";
    options.requests_endpoint = "heartbeats";
    options.patience = {plan.suspect_after, plan.dead_after};
  }
  void begin() override {
    auto opened = membership::MemberStore::open(file, kCluster, drawn_id(loop.world()));
    store = std::make_unique<membership::MemberStore>(std::move(opened).value());
    service = std::make_unique<membership::Membership>(options, loop, context, clock, *store);
  }
  const Clock& clock;
  const fs::path file;
  membership::Options options;
  std::unique_ptr<membership::MemberStore> store;
  std::unique_ptr<membership::Membership> service;
};

struct Town::RebalancerProgram : Program {
  RebalancerProgram(World& world, Network& network, std::shared_ptr<Run> its, const Plan& plan,
                    const Clock& its_clock, fs::path its_file)
      : Program(world, network, std::move(its)), clock(its_clock), file(std::move(its_file)) {
    settings.cluster = settings.membership.cluster = settings.commands.cluster =
        settings.agents.cluster = settings.control.cluster = kCluster;
    settings.membership.events = "members";
    settings.membership.requests = "heartbeats";
    settings.commands.endpoint = "commands";
    settings.agents.endpoint = "agents";
    settings.control.endpoint = "control";
    settings.events_endpoint = "events";
    settings.limits = plan.limits;
    settings.keep = {std::chrono::hours(24), 100'000};
  }
  void begin() override {
    store = std::make_unique<Store>(file, sqlite::schema_directory("rebalancer"), kCluster,
                                    epoch_at(clock.wall_now()));
    // Small clusters write little: so that its copying back is met by faults, too.
    if (const char* pages = std::getenv("EVENKEEL_LONG_LOG")) store->set_long_log(std::atoi(pages));
    rebalancer = std::make_unique<Rebalancer>(*store, clock, settings.limits);
    service = std::make_unique<Service>(loop, context, settings, clock, *store, *rebalancer);
  }
  const Clock& clock;
  const fs::path file;
  RebalancerSettings settings;
  std::unique_ptr<Store> store;
  std::unique_ptr<Rebalancer> rebalancer;
  std::unique_ptr<Service> service;
};

struct Town::AgentProgram : Program {
  AgentProgram(World& world, Network& network, std::shared_ptr<Run> its, const Plan& plan,
               const Clock& its_clock, const fs::path& folder)
      : Program(world, network, std::move(its)), clock(its_clock) {
    const std::string& name = run->program;
    const auto number = static_cast<std::size_t>(std::stoul(name.substr(1)));
    settings.cluster = kCluster;
    settings.server = ServerId(number);
    settings.location = plan.locations.at(number - 1);
    settings.directory.data_dir = folder;
    settings.directory.capacity = Bytes(plan.capacity);
    settings.directory.reserve = Bytes(plan.capacity / 50);
    settings.directory.trash_keep = plan.trash_keep;
    settings.directory.rescan_interval = plan.rescan;
    settings.membership.endpoint = "heartbeats";
    settings.rebalancer.commands = "commands";
    settings.rebalancer.agents = "agents";
    settings.data_port.listen = name + ":9000";
    settings.work.presence_fresh = plan.limits.presence_fresh;
    settings.work.content_fresh = plan.limits.content_fresh;
    settings.scrub.pause = plan.scrub_pause;
    settings.scrub.rate = Bytes(1 << 20);
  }
  void begin() override { agent = std::make_unique<agent::Agent>(loop, context, clock, settings); }
  const Clock& clock;
  agent::Settings settings;
  std::unique_ptr<agent::Agent> agent;
};

// --------------------------------------------------------------------------------------------

Town::Town(std::uint64_t seed, const Plan& plan, const fs::path& root)
    : world_(seed),
      plan_(plan),
      vfs_(FaultVfs::install()),
      disks_(root),
      network_(world_),
      onlooker_(world_, disks_),
      rng_(world_.stream("town")) {
  use_for_streams(&network_);
  fs::remove_all(root);
  for (const char* machine : {"membership", "rebalancer"}) make_machine(machine);
  put_template("membership", "membership.db");
  put_template("rebalancer", "rebalancer.db");
  for (int i = 1; i <= plan.agents; ++i) {
    agents_.push_back("s" + std::to_string(i));
    make_machine(agents_.back());
    put_template(agents_.back(), "journal.db");
    for (const char* folder : {"live", "tmp", "trash", "quarantine"}) {
      fs::create_directory(folder_of(agents_.back()) / folder);
    }
  }
  clocks_.emplace("client", world_);
  vfs_.watch(root);
  for (const auto& [machine, clock] : clocks_) {
    for (const char* name : {"membership.db", "rebalancer.db", "journal.db"}) {
      if (fs::exists(root / machine / name)) vfs_.take_for_synced(root / machine / name);
    }
  }
  backup_ = root / "backup.db";
  vfs_.on_change = [this](const std::string& path, bool is_sync) {
    const std::string machine = disks_.machine_of(path);
    if (is_sync && machine == "rebalancer" && path.ends_with("-wal")) onlooker_.committed();
    if (!world_.running() || !dooms(world_.running()->program)) return FaultVfs::Cut::kNone;
    return cut_->second == How::kPower ? FaultVfs::Cut::kPower : FaultVfs::Cut::kKilled;
  };
  world_.on_act = [this](Run& run, const char*) {
    if (dooms(run.program)) throw CutOff();
  };
  world_.on_end = [this](const std::shared_ptr<Run>& run, const std::string& why) {
    ended(run, why);
  };
  network_.on_message = [this](const Run& from, std::string_view message) {
    onlooker_.sent(from, message);
  };
  onlooker_.epoch_of([this](const std::string& machine) -> std::optional<Epoch> {
    const auto program = programs_.find(machine);
    if (program == programs_.end()) return std::nullopt;
    const auto& agent = static_cast<AgentProgram&>(*program->second).agent;
    return agent ? std::optional(agent->storage().identity().epoch) : std::nullopt;
  });
  client_run_ = std::make_shared<Run>(Run{"client", "client"});
  client_context_ = std::make_unique<zmq::context_t>(network_);
  client_ = std::make_unique<Client>(world_, *client_context_, client_run_);
}

Town::~Town() {
  world_.on_act = nullptr;
  vfs_.on_change = nullptr;
  onlooker_.close_database();
  for (auto& [name, program] : programs_) {
    program->run->over = true;
    vfs_.cut_off(folder_of(name));
    disks_.of(program->run->machine).unplugged = true;
  }
  client_.reset();
  programs_.clear();
  use_for_streams(nullptr);
  fs::remove_all(disks_.root());
}

fs::path Town::folder_of(const std::string& program) const {
  return disks_.root() / (program == "rebalancer-2" ? "rebalancer" : program);
}

void Town::make_machine(const std::string& machine) {
  fs::create_directories(disks_.root() / machine);
  clocks_.try_emplace(machine, world_);
}

/// A new database takes longer to make than all that a schedule does with it: it is made once.
void Town::put_template(const std::string& machine, const char* file) {
  static std::map<std::string, std::vector<char>> made;
  auto& bytes = made[file];
  if (bytes.empty()) {
    const fs::path aside = disks_.root() / "template";
    fs::create_directories(aside);
    const fs::path path = aside / file;
    const std::string name = file;
    {
      FaultVfs::Quiet quiet;
      sqlite::Database db(path);
      sqlite::migrate(db, sqlite::schema_directory(name == "journal.db"      ? "agent"
                                                   : name == "membership.db" ? "membership"
                                                                             : "rebalancer"));
      sqlite3_wal_checkpoint_v2(db.handle(), "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
    }
    std::ifstream in(path, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    fs::remove_all(aside);
  }
  std::ofstream out(disks_.root() / machine / file, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

void Town::start_all() {
  start("membership");
  start("rebalancer");
  for (const std::string& agent : agents_) start(agent);
}

void Town::start(const std::string& name) {
  to_start_.erase(name);
  if (programs_.contains(name)) return;
  const auto run = std::make_shared<Run>(Run{name, name});
  run->tick_at_least = plan_.tick;
  const Clock& clock = clocks_.try_emplace(name, world_).first->second;
  std::unique_ptr<Program> program;
  if (name == "membership") {
    program = std::make_unique<MembershipProgram>(world_, network_, run, plan_, clock,
                                                  folder_of(name) / "membership.db");
  } else if (name.starts_with("rebalancer")) {
    program = std::make_unique<RebalancerProgram>(world_, network_, run, plan_, clock,
                                                  folder_of(name) / "rebalancer.db");
  } else {
    program = std::make_unique<AgentProgram>(world_, network_, run, plan_, clock, folder_of(name));
  }
  Program& begun = *program;
  programs_.insert_or_assign(name, std::move(program));
  if (name == "rebalancer") watch_database();
  world_.as(run, [&begun] { begun.begin(); });
  if (run->over) return;
  world_.note(name);
  if (auto* agent = dynamic_cast<AgentProgram*>(&begun)) {
    onlooker_.storage_is(name, agent->agent->storage().identity().storage);
  }
}

void Town::watch_database() {
  if (onlooker_.has_database()) return;
  onlooker_.database_is(folder_of("rebalancer") / "rebalancer.db");
}

bool Town::dooms(const std::string& program) {
  if (cut_) return cut_->first == program;  // it is over already
  if (programs_.contains("rebalancer-2") && program.starts_with("rebalancer")) return false;
  const auto doom = dooms_.find(program);
  if (doom == dooms_.end() || --doom->second.left > 0) return false;
  cut_.emplace(program, doom->second.how);
  world_.fire(doom->second.how == How::kPower ? "power lost in an act" : "killed in an act");
  dooms_.erase(doom);
  return true;
}

/// An exception has ended it: our cut, a fault of its disk, or a fault of its own.
void Town::ended(const std::shared_ptr<Run>& run, const std::string& why) {
  How how = How::kKilled;
  if (cut_ && cut_->first == run->program) {
    how = cut_->second;
    cut_.reset();
  } else {
    if (!is_injected(why)) onlooker_.fault("ended", run->program + " ended: " + why);
    if (why.find("another rebalancer") != std::string::npos) {
      world_.fire("a rebalancer was superseded");
    }
    if (healed_ && ++ended_after_heal_ > 20) return;
  }
  if (world_.tracing()) world_.trace(run->program + " ended: " + why);
  take_down(run->program, how);
  if (run->program == "rebalancer-2" && !healed_) return;
  start_later(run->program, healed_ ? kSecond : static_cast<Nanos>(rng_.below(4 * kSecond)));
}

void Town::take_down(const std::string& name, How how) {
  const auto found = programs_.find(name);
  if (found == programs_.end()) return;
  const std::string machine = found->second->run->machine;
  const auto run = found->second->run;
  run->over = true;
  dooms_.erase(name);
  const bool shared = name.starts_with("rebalancer") &&
                      programs_.contains(name == "rebalancer" ? "rebalancer-2" : "rebalancer");
  if (shared) {
    // The other one has the same files open: they stay as they are.
    programs_.erase(found);
    world_.forget(run);
    return;
  }
  // Whoever reads the database stays connected over a kill, as operators do; not over a loss of
  // power, after which the file is another.
  if (name.starts_with("rebalancer") && how == How::kPower) onlooker_.close_database();
  vfs_.cut_off(folder_of(name));
  disks_.of(machine).unplugged = true;
  programs_.erase(found);
  world_.forget(run);
  disks_.of(machine).unplugged = false;
  const bool power = how == How::kPower;
  Rng rng(rng_.next());
  vfs_.bring_back(folder_of(name),
                  !power             ? Unsynced::kKept
                  : rng.chance(1, 2) ? Unsynced::kTorn
                  : rng.chance(1, 2) ? Unsynced::kSome
                                     : Unsynced::kLost,
                  rng);
  const fs::path journal = folder_of(name) / "journal.db";
  onlooker_.agent_ended(machine, journal);
  if (power) {
    disks_.lose_power(machine, rng);
    onlooker_.look_at_disk(machine, journal);
  }
}

void Town::end(const std::string& name, How how, std::optional<Nanos> again_after) {
  if (!programs_.contains(name)) return;
  world_.fire(how == How::kPower ? "power lost" : "killed");
  take_down(name, how);
  if (again_after) start_later(name, *again_after);
}

void Town::start_later(const std::string& name, Nanos wait) {
  to_start_.insert(name);
  world_.after(wait, nullptr, [this, name] {
    if (to_start_.contains(name)) start(name);
  });
}

void Town::doom(const std::string& program, std::uint64_t nth, How how) {
  if (programs_.contains(program)) dooms_.insert_or_assign(program, Doom{nth, how});
}

void Town::pause(const std::string& program, Nanos how_long) {
  const auto found = programs_.find(program);
  if (found == programs_.end()) return;
  found->second->run->stopped_until = world_.now() + how_long;
  onlooker_.stands_still(program, world_.now() + how_long);
  world_.fire("stood still");
}

void Town::stall_disk(const std::string& agent, Nanos how_long) {
  world_.disk_stalled_until[agent] = world_.now() + how_long;
  onlooker_.stands_still(agent, world_.now() + how_long);
}

void Town::run_until(Nanos when) {
  bool there = false;
  world_.at(when, nullptr, [&there] { there = true; });
  while (!there && world_.step()) {
    onlooker_.after_step();
    if (echo_) echo_->after_step();
  }
}

void Town::echo_messages() {
  echo_ = std::make_unique<Echo>(world_, network_, onlooker_, disks_.root());
}

std::set<std::string> Town::alive() const {
  std::set<std::string> all;
  for (const std::string& agent : agents_) {
    if (programs_.contains(agent)) all.insert(agent);
  }
  return all;
}

// ------------------------------------------------------------------------------- what befalls it

void Town::wipe(const std::string& agent) {
  if (programs_.contains(agent)) take_down(agent, How::kKilled);
  onlooker_.wiped(agent);
  world_.fire("disk replaced");
  for (const char* folder : {"live", "tmp", "trash", "quarantine"}) {
    fs::remove_all(folder_of(agent) / folder);
  }
  remove_database(vfs_, folder_of(agent) / "journal.db");
  start_later(agent, static_cast<Nanos>(rng_.below(3 * kSecond)));
}

std::optional<std::string> Town::any_file(const std::string& agent, Rng& rng) const {
  const auto names = onlooker_.live_files(agent);
  return names.empty() ? std::nullopt : std::optional(rng.pick(names));
}

void Town::flip_bit(const std::string& agent, Rng& rng) {
  const auto name = any_file(agent, rng);
  if (!name) return;
  const fs::path path = folder_of(agent) / "live" / *name;
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error || size == 0) return;
  const int fd = ::open(path.c_str(), O_RDWR);
  if (fd < 0) return;
  const auto at = static_cast<off_t>(rng.below(size));
  std::uint8_t byte = 0;
  EK_CHECK(::pread(fd, &byte, 1, at) == 1);
  byte = static_cast<std::uint8_t>(byte ^ (1U << rng.below(8)));
  EK_CHECK(::pwrite(fd, &byte, 1, at) == 1);
  ::close(fd);
  onlooker_.hurt(agent, *name, false);
  world_.fire("bit flipped");
}

void Town::lose_file(const std::string& agent, Rng& rng) {
  const auto name = any_file(agent, rng);
  if (!name) return;
  if (!fs::remove(folder_of(agent) / "live" / *name)) return;
  onlooker_.hurt(agent, *name, true);
  world_.fire("file lost");
}

void Town::cut_file(const std::string& agent, Rng& rng) {
  const auto name = any_file(agent, rng);
  if (!name) return;
  const fs::path path = folder_of(agent) / "live" / *name;
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error || size == 0) return;
  EK_CHECK(::truncate(path.c_str(), static_cast<off_t>(rng.below(size))) == 0);
  onlooker_.hurt(agent, *name, false);
  world_.fire("file cut short");
}

void Town::raise(const std::string& agent, Rng& rng) {
  const auto names = onlooker_.live_files(agent);
  if (names.empty() || !programs_.contains(agent)) return;
  const std::string& name = rng.pick(names);
  const auto parsed = agent::parse_name(name);
  ChunkVersion& newest = versions_.try_emplace(parsed->key.chunk, ChunkVersion(1)).first->second;
  if (parsed->key.version < newest) return;  // whose master writes does so where the newest is
  newest = newest.next();
  Buffer bytes(1 + rng.below(2'000));
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
  leave_to_adopt(agent, {parsed->key.chunk, newest}, bytes);
  fs::remove(folder_of(agent) / "live" / name);
  onlooker_.hurt(agent, name, true);
  world_.fire("newer version appeared");
}

void Town::leave_to_adopt(const std::string& agent, const agent::ReplicaKey& key,
                          const Buffer& bytes) {
  const std::string name = agent::file_name(key, Checksum({}));
  write_file(folder_of(agent) / "live" / name.substr(0, name.rfind('.')), bytes);
}

void Town::back_up_database() {
  const fs::path file = folder_of("rebalancer") / "rebalancer.db";
  for (const char* ending : {"", "-wal"}) {
    fs::remove(backup_.string() + ending);
    if (fs::exists(file.string() + ending)) {
      fs::copy_file(file.string() + ending, backup_.string() + ending);
    }
  }
  if (!fs::exists(backup_)) return;  // it was lost, or is being made
  FaultVfs::Quiet quiet;
  sqlite::Database copy(backup_);
  sqlite::Statement made(copy, "SELECT 1 FROM sqlite_master WHERE name = 'meta'");
  made.open();
  if (!made.step()) return;
  made.reset();
  copy.execute("UPDATE meta SET hold_deletes = 'a backup' WHERE hold_deletes IS NULL");  // view.cc
}

void Town::restore_database() {
  if (!fs::exists(backup_)) return;
  for (const char* name : {"rebalancer", "rebalancer-2"}) take_down(name, How::kKilled);
  onlooker_.database_is({});
  const fs::path file = folder_of("rebalancer") / "rebalancer.db";
  remove_database(vfs_, file);
  for (const char* ending : {"", "-wal"}) {
    if (!fs::exists(backup_.string() + ending)) continue;
    fs::copy_file(backup_.string() + ending, file.string() + ending);
    vfs_.take_for_synced(file.string() + ending);
  }
  world_.fire("database restored");
  onlooker_.restored();
  start_later("rebalancer", static_cast<Nanos>(rng_.below(2 * kSecond)));
}

void Town::lose_database() {
  for (const char* name : {"rebalancer", "rebalancer-2"}) take_down(name, How::kKilled);
  onlooker_.database_is({});
  remove_database(vfs_, folder_of("rebalancer") / "rebalancer.db");
  world_.fire("database lost");
  onlooker_.restored();
  start_later("rebalancer", static_cast<Nanos>(rng_.below(2 * kSecond)));
}

void Town::start_second() {
  if (!programs_.contains("rebalancer") || programs_.contains("rebalancer-2")) return;
  world_.fire("two rebalancers");
  start("rebalancer-2");
}

void Town::move_wall_clock(const std::string& machine, Duration by) {
  clocks_.at(machine).move_wall(by);
  world_.fire("wall clock moved");
}

void Town::heal() {
  healed_ = true;
  dooms_.clear();
  network_.mend();
  network_.weather = {};
  world_.disk_stalled_until.clear();
  for (const std::string& agent : agents_) disks_.of(agent) = {};
  for (auto& [name, program] : programs_) program->run->stopped_until = 0;
  if (programs_.contains("rebalancer-2")) take_down("rebalancer-2", How::kKilled);
  for (const char* name : {"membership", "rebalancer"}) start(name);
  for (const std::string& agent : agents_) start(agent);
}

}  // namespace evenkeel::schedules
