#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/model/control.h"
#include "common/model/ids.h"
#include "tools/cli/session.h"
#include "tools/cli/sources.h"
#include "tools/plan/offline.h"

/// The commands, one function each: they print what they have to say and give the exit code.
namespace evenkeel::cli {

/// What is wrong first, then how much there is and how evenly it lies.
Exit status(const Options& options);

struct TopWish {
  Duration every{2'000};
  std::uint64_t looks = 0;  ///< 0: until it is interrupted
};
/// The same again and again, with what is under way, how fast, and the last events.
Exit top(const Options& options, const TopWish& wish);

/// Whether the database is sound and what must always hold does. kUnhealthy: it is not, or does
/// not. Reads every page and row; kQuick leaves out what grows with chunks, kDeep compares indexes
/// and counts too.
enum class CheckDepth { kQuick, kUsual, kDeep };
Exit check(const Options& options, CheckDepth depth);
/// A copy of the database that is whole, and was read once, in the new file `to`.
Exit backup(const Options& options, const std::string& to);

struct ChunkFilter {
  std::string health;  ///< one of chunk_health's words; empty: any
  std::optional<ServerId> server;
  std::optional<ChunkId> chunk;
  std::int64_t limit = 100;  ///< rows; 0: all
};
struct CommandFilter {
  enum class State { kAny, kOpen, kClosed };
  State state = State::kAny;
  std::optional<ServerId> server;
  std::optional<ChunkId> chunk;
  std::int64_t limit = 50;
};
Exit list_servers(const Options& options);
Exit list_chunks(const Options& options, const ChunkFilter& filter);
Exit list_commands(const Options& options, const CommandFilter& filter);
Exit list_events(const Options& options, std::int64_t limit);
Exit list_files(const Options& options, std::int64_t limit);

Exit list_policies(const Options& options);

struct RiskWish {
  std::size_t failures = 5;       ///< up to so many servers at once
  std::size_t samples = 100'000;  ///< ways to fail that are drawn for each number
};
/// How likely chunks are lost if several servers fail at once.
Exit risk(const Options& options, const RiskWish& wish);

struct PutWish {
  SourceOptions sources;
  int goal = 0;
  std::string policy = {};
  std::size_t parallel = 8;
};
Exit put(const Options& options, const PutWish& wish);

/// A file by its name, or a chunk by "c42" unless that is said to be a name.
struct Target {
  std::string what;
  bool is_name = false;
};
struct GetWish {
  Target target;
  std::string output;  ///< "-": stdout; empty: the last part of the name, which must be new
  bool first_holder_only = false;
};
Exit get(const Options& options, const GetWish& wish);

struct DeleteWish {
  Target target;
  bool yes = false;  ///< do not ask
};
Exit delete_named(const Options& options, const DeleteWish& wish);
Exit ping(const Options& options);
/// Servers that are away are made up for, however many went at once.
Exit release_brake(const Options& options, bool yes);
/// What a chunk, a server or a command is, and what stands in its way.
Exit explain(const Options& options, const Subject& what);

struct PlanWish {
  offline::Wish cluster;
  std::string out;    ///< of the moves; "-": stdout
  std::string stats;  ///< the same of what they come to; empty: not written
};
/// The rebalancer's planner on a cluster in files. kUnhealthy: there is no place for all.
Exit plan_offline(const Options& options, const PlanWish& wish);

/// What is asked of the rebalancer by operators. `dry_run`: only what would come of it; `force`:
/// also what cannot be brought to its end.
struct DrainWish {
  ServerId server;
  bool forget = false;  ///< decommission
  Intent intent;
  bool yes = false;   ///< do not ask
  bool wait = false;  ///< until it is done
};
struct MaintenanceWish {
  ServerId server;
  Duration length{};  ///< 0: ends it
  Intent intent;
};
struct GoalWish {
  Target target;
  int goal = 0;
  Intent intent;
  bool yes = false;  ///< do not ask
};
Exit drain(const Options& options, const DrainWish& wish);
Exit undrain(const Options& options, ServerId server);
/// Lets balancing go on if it was paused, and says how evenly servers are filled. `wait`: until
/// there is nothing left to move.
Exit rebalance(const Options& options, bool wait);
Exit maintain(const Options& options, const MaintenanceWish& wish);
/// `pass`: the word of a pass, or "all".
Exit pause(const Options& options, const std::string& pass, bool paused);
Exit cancel(const Options& options, CommandId command);
Exit set_goal(const Options& options, const GoalWish& wish);

/// What was not said stays as it is.
struct PolicyWish {
  std::string name;
  std::optional<int> goal;
  std::optional<std::string> spread;  ///< host, rack or zone
  std::optional<std::string> require, prefer;
};
Exit set_policy(const Options& options, const PolicyWish& wish);
Exit remove_policy(const Options& options, const std::string& name);
Exit apply_policy(const Options& options, const std::string& name, const Target& target);

/// What another person has proposed is done, or is not to be done.
struct ApprovalWish {
  ProposalId proposal;
  bool dry_run = false;  ///< only whether it could be, and what it takes now
  bool yes = false;      ///< do not ask
};
Exit approve(const Options& options, const ApprovalWish& wish);
Exit reject(const Options& options, ProposalId proposal);
/// Those that are pending, or all that are kept.
Exit list_proposals(const Options& options, bool all, std::int64_t limit);
/// A new token of an operator in the new file `path`, and the line for the rebalancer's settings.
Exit make_token(const Options& options, const std::string& name, const std::string& path);
/// Says that what was asked for is left for a second person to approve.
Exit left_to_another(const Options& options, const ProposalTold& told);

/// Whether it may be done: `yes` was said, or somebody at the terminal says so to `question`.
Result<void> agreed(bool yes, const std::string& what, const std::string& question);

/// Looks at the database until server `server` is drained or, if it is to be forgotten, removed.
/// An error if somebody takes it back meanwhile.
Exit wait_for_drain(const Options& options, ServerId server, bool forget);

/// What a target names.
Named named(const Target& target);

}  // namespace evenkeel::cli
