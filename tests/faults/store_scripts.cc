#include "tests/faults/scene.h"
#include "tests/faults/scripts.h"

namespace evenkeel::faults {
namespace {

using std::filesystem::path;

/// For what is made before a trial begins.
class Unheard : public Ledger {
 public:
  void acknowledged() override {}
  void published(const std::string&) override {}
};

using Story = void (*)(Scene&);

void prepare(const path& folder, int servers, Story story) {
  Unheard unheard;
  Scene scene(folder, unheard);
  scene.meet(static_cast<std::uint64_t>(servers));
  story(scene);
}

/// As the program starts: the view is loaded, the epoch raised, and a turn is taken.
void reopen(const path& folder, const std::function<void()>& at_end) {
  Unheard unheard;
  Scene scene(folder, unheard);
  scene.view().check();
  scene.pass(Duration(1'000));
  scene.view().check();
  at_end();
}

Script script(std::string name, std::function<void(const path&)> prepared,
              std::function<void(const path&, Ledger&)> run) {
  return {std::move(name), "rebalancer.db", std::move(prepared), std::move(run), reopen};
}

void first_start(const path& folder, Ledger& ledger) {
  Scene scene(folder, ledger);
  scene.meet(4);
  scene.put("a", 2);
}

/// What is left when a process was killed: the log beside the database, not copied back.
void leave_a_log(const path& folder) {
  const path work = folder / "work";
  std::filesystem::create_directory(work);
  {
    Unheard unheard;
    Scene scene(work, unheard);
    scene.meet(4);
    scene.put("a", 2);
    scene.put("b", 3);
    for (const char* name : {"rebalancer.db", "rebalancer.db-wal"}) {
      std::filesystem::copy_file(work / name, folder / name);
    }
  }
  std::filesystem::remove_all(work);
}
void start_with_a_log(const path& folder, Ledger& ledger) {
  Scene scene(folder, ledger);
  scene.meet(4);
  scene.store().checkpoint_if_due(1);
  scene.live(2);
}

void prepare_loss(const path& folder) {
  prepare(folder, 5, [](Scene& scene) {
    for (const char* name : {"a", "b", "c", "d"}) scene.put(name, 3);
  });
}
void server_lost(const path& folder, Ledger& ledger) {
  Scene scene(folder, ledger);
  scene.meet(5);
  scene.set_liveness(1, Liveness::kDead);
  scene.live(5);
  scene.set_liveness(1, Liveness::kAlive);
  scene.live(3);
}

void prepare_puts(const path& folder) {
  prepare(folder, 4, [](Scene& scene) { scene.put("old", 2); });
}
void put_and_delete(const path& folder, Ledger& ledger) {
  Scene scene(folder, ledger);
  scene.meet(4);
  scene.put("a", 2);
  scene.put("b", 3);
  scene.ask(DeleteNamed{"old"});
  scene.ask(DeleteNamed{"a"});
  scene.live(9);
}

void one_too_many(const path& folder, Ledger& ledger) {
  Scene scene(folder, ledger);
  scene.meet(5);
  scene.ask(SetGoal{"a", 2, 0, {}});
  scene.ask(SetGoal{"b", 4, 0, {}});
  scene.live(8);
}

void operators(const path& folder, Ledger& ledger) {
  Scene scene(folder, ledger);
  scene.meet(5);
  scene.ask(PausePass{Reason::kBalance, true});
  scene.ask(DrainServer{ServerId(2), false, {false, true}});
  scene.live(3);
  scene.ask(MaintainServer{ServerId(3), Duration(60'000), {false, true}});
  scene.set_liveness(3, Liveness::kDead);
  scene.live(2);
  scene.set_liveness(3, Liveness::kAlive);
  scene.ask(UndrainServer{ServerId(2)});
  scene.ask(DrainServer{ServerId(4), true, {false, true}});
  scene.ask(PausePass{std::nullopt, false});
  scene.live(3);
}

void checkpoints(const path& folder, Ledger& ledger) {
  Scene scene(folder, ledger);
  scene.meet(5);
  for (const char* name : {"e", "f", "g"}) {
    scene.put(name, 2);
    scene.store().checkpoint_if_due(1);
    scene.live(1);
    scene.store().prune({.decisions = std::chrono::hours(1), .rows = 2}, 100);
    ledger.acknowledged();
  }
  scene.store().checkpoint_if_due(1);
}

void storage_replaced(const path& folder, Ledger& ledger) {
  {
    Scene scene(folder, ledger);
    scene.meet(5);
    scene.report_changed(2);
    scene.live(1);
    scene.wipe(1);
    scene.pass(Duration(1'000));
  }
  Scene scene(folder, ledger);  // commands are open
  scene.meet(5);
  scene.live(3);
}

}  // namespace

std::vector<Script> store_scripts() {
  return {script("first_start", nullptr, first_start),
          script("start_with_a_log", leave_a_log, start_with_a_log),
          script("server_lost", prepare_loss, server_lost),
          script("put_and_delete", prepare_puts, put_and_delete),
          script("one_too_many", prepare_loss, one_too_many),
          script("operators", prepare_loss, operators),
          script("checkpoints", prepare_loss, checkpoints),
          script("storage_replaced", prepare_loss, storage_replaced)};
}

}  // namespace evenkeel::faults
