#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <functional>
#include <map>
#include <string>

#include <CLI/CLI.hpp>

#include "common/config/units.h"
#include "tools/cli/commands.h"
#include "tools/cli/manual.h"
#include "tools/cli/view.h"
#include "tools/sim/command.h"

namespace evenkeel::cli {
namespace {

constexpr const char* kEpilogue = R"(
Names: c42 is a chunk, s7 a server, k12 a command, f3 a file, a3 a proposal.

status, top, servers, chunks, commands, events, files, policies, proposals, risk, check, backup and
simulate read the rebalancer's database, read only, and work as well while it is not running. plan
reads files and asks nobody. token writes a file. The others ask the rebalancer at the control
endpoint.

delete, decommission, resume brake, approve and a goal of one replica ask first, unless --yes was
said.

Environment:
  EVENKEEL_CONTROL    the control endpoint, instead of --control
  EVENKEEL_DATABASE   the rebalancer's database, instead of --database
  EVENKEEL_CLUSTER    the cluster's name, instead of --cluster
  EVENKEEL_TOKEN_FILE the file of your token, instead of --token-file
  EVENKEEL_TOKEN      your token itself, if there is no file; for programs
  NO_COLOR            no colours
  TMPDIR              where standard input is kept while it is put

Exit codes:
  0  done; status: all chunks have their goal of replicas
  1  status: chunks are at risk or under-replicated; plan: there is not place for all; check:
     something that must hold does not
  2  wrong usage, or it could not be done; a message says what and where
  3  status: chunks are lost
  4  get: a chunk cannot be read, whole and verified, from any holder
  5  drain, decommission, maintenance, goal: it cannot be brought to its end; says which rules are
     in the way
  6  it was not done, but proposed: another person has to approve it

Examples:
  evenkeel status
  evenkeel chunks --health under_replicated
  evenkeel drain s7 --dry-run
  evenkeel drain s7 --wait
  evenkeel maintenance s7 --for 30min
  evenkeel policy set fast --goal 3 --spread rack --require "disk = ssd"
  evenkeel put --recursive photos --prefix 2026/ --goal 3
  evenkeel plan --servers servers.csv --chunks chunks.bin --task drain --out plan.csv
  tar c notes | evenkeel put - --name notes.tar
  evenkeel get notes.tar -o - | tar x
  evenkeel explain chunk c42
  . <(evenkeel completion bash))";

/// What the words of the command line said, and which command they named.
struct Parsed {
  Options options;
  std::string timeout = "10s";
  ChunkFilter chunks;
  CommandFilter commands;
  std::string chunk_word, server_word;
  std::string what, subject_word;
  TopWish top;
  bool deep = false, quick = false, wait = false, yes = false;
  std::string every = "2s", file, shell, page, folder;
  bool only_open = false, only_closed = false;
  std::int64_t limit = 100;
  PutWish put;
  GetWish get;
  DeleteWish del;
  PlanWish plan;
  RiskWish risk;
  Intent intent;
  std::string command_word, pass, length;
  Duration maintenance{};
  bool ends = false;
  int goal = 0;
  Target goal_of;
  PolicyWish policy;
  std::string policy_name;
  Target policy_target;
  std::string proposal_word, operator_name;
  bool all = false;
  std::function<Exit()> run;
};

CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& what,
                      Parsed& parsed, std::function<Exit()> run) {
  CLI::App* command = app.add_subcommand(name, what);
  if (run) command->callback([&parsed, run = std::move(run)] { parsed.run = run; });
  command->footer(kSeeProgram);
  command->fallthrough();  // global options may also follow the command
  return command;
}

/// An id with or without its letter.
template <class Id>
std::optional<Id> id_of(const std::string& word, const char* option) {
  if (word.empty()) return std::nullopt;
  const auto id = Id::parse(word);
  if (!id || id->value() > static_cast<std::uint64_t>(INT64_MAX)) {
    throw CLI::ValidationError(option, "'" + word + "' is not an id");
  }
  return id;
}

template <class Id>
Id needed_id(const std::string& word, const char* option) {
  const auto id = id_of<Id>(word, option);
  if (!id || id->value() == 0) throw CLI::ValidationError(option, "'" + word + "' is not an id");
  return *id;
}

/// "chunk 42", "chunk c42" or "c42", and so on.
Subject subject_of(const std::string& what, const std::string& word) {
  const auto as = [&](char letter, const char* name) {
    const bool named = what == name || (word.empty() && !what.empty() && what[0] == letter);
    if (named && what == name && word.empty()) throw CLI::RequiredError("ID");
    return named;
  };
  const std::string& id = word.empty() ? what : word;
  if (as('s', "server")) return id_of<ServerId>(id, "ID").value();
  if (as('k', "command")) return id_of<CommandId>(id, "ID").value();
  if (as('c', "chunk")) return id_of<ChunkId>(id, "ID").value();
  throw CLI::ValidationError("WHAT", "'" + what + "' is neither chunk, server nor command");
}

void add_limit(CLI::App& command, std::int64_t& limit) {
  command.add_option("--limit", limit, "Rows at most; 0: all")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 40))
      ->capture_default_str();
}

void add_globals(CLI::App& app, Parsed& parsed) {
  app.set_version_flag("--version", "evenkeel " EVENKEEL_VERSION);
  Options& options = parsed.options;
  app.add_option("--control", options.control, "The rebalancer's control endpoint")
      ->envname("EVENKEEL_CONTROL")
      ->capture_default_str();
  app.add_option("--database", options.database, "The rebalancer's database, rebalancer.db")
      ->envname("EVENKEEL_DATABASE")
      ->capture_default_str();
  app.add_option("--cluster", options.cluster, "The cluster's name")
      ->envname("EVENKEEL_CLUSTER")
      ->check([](const std::string& name) {
        const bool plain =
            name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
        return plain && !name.empty() && name.size() <= 63
                   ? std::string()
                   : "'" + name + "' is not 1 to 63 of a-z 0-9 -";
      })
      ->capture_default_str();
  app.add_option("--timeout", parsed.timeout,
                 "How long to wait for an answer; agents have three times as long")
      ->check([&options](const std::string& text) {
        const auto read = config::duration(text);
        if (!read) return read.error().what;
        options.timeout = *read;
        return read->count() < 2 ? std::string("must be at least 2ms") : std::string();
      })
      ->capture_default_str();
  app.add_option("--token-file", options.token_file, "Who asks: an operator's token")
      ->envname("EVENKEEL_TOKEN_FILE");
  app.add_flag("--json", options.json, "For programs: JSON instead of tables and words");
}

void add_lists(CLI::App& app, Parsed& parsed) {
  const Options& options = parsed.options;
  add_command(app, "status", "What is wrong first, then totals and evenness", parsed,
              [&options] { return status(options); });
  CLI::App* top_command = add_command(
      app, "top", "status again and again, with what is under way, how fast, and events", parsed,
      [&] { return top(options, parsed.top); });
  top_command->add_option("--every", parsed.every, "How often it looks")
      ->check([&parsed](const std::string& text) {
        const auto read = config::duration(text);
        if (!read) return read.error().what;
        parsed.top.every = *read;
        return read->count() < 100 ? std::string("must be at least 100ms") : std::string();
      })
      ->capture_default_str();
  top_command->add_option("--looks", parsed.top.looks, "How often in all; 0: until Ctrl-C")
      ->capture_default_str();
  add_command(app, "servers", "The chunk servers", parsed,
              [&options] { return list_servers(options); });

  CLI::App* chunks = add_command(app, "chunks", "The chunks and their health", parsed, [&] {
    parsed.chunks.chunk = id_of<ChunkId>(parsed.chunk_word, "--id");
    parsed.chunks.server = id_of<ServerId>(parsed.server_word, "--server");
    return list_chunks(options, parsed.chunks);
  });
  chunks->add_option("--health", parsed.chunks.health, "Only those in this state")
      ->check(CLI::IsMember({"lost", "at_risk", "under_replicated", "over_replicated", "healthy",
                             "creating", "retired"}));
  chunks->add_option("--id", parsed.chunk_word, "Only this chunk, such as c42");
  chunks->add_option("--server", parsed.server_word,
                     "Only those of which this server has a replica");
  add_limit(*chunks, parsed.chunks.limit);

  CLI::App* commands = add_command(app, "commands", "Commands, the newest last", parsed, [&] {
    using State = CommandFilter::State;
    parsed.commands.chunk = id_of<ChunkId>(parsed.chunk_word, "--chunk");
    parsed.commands.server = id_of<ServerId>(parsed.server_word, "--server");
    parsed.commands.state = parsed.only_open     ? State::kOpen
                            : parsed.only_closed ? State::kClosed
                                                 : State::kAny;
    return list_commands(options, parsed.commands);
  });
  CLI::Option* open = commands->add_flag("--open", parsed.only_open, "Only those under way");
  commands->add_flag("--closed", parsed.only_closed, "Only those that have ended")->excludes(open);
  commands->add_option("--chunk", parsed.chunk_word, "Only those about this chunk");
  commands->add_option("--server", parsed.server_word, "Only those that this server executes");
  add_limit(*commands, parsed.commands.limit);

  add_limit(*add_command(app, "events", "What has happened, the newest last", parsed,
                         [&] { return list_events(options, parsed.limit); }),
            parsed.limit);
  add_command(app, "policies", "Rules for where replicas may be, and goals", parsed,
              [&options] { return list_policies(options); });
  add_limit(*add_command(app, "files", "The files that were put", parsed,
                         [&] { return list_files(options, parsed.limit); }),
            parsed.limit);
}

void add_yes(CLI::App& command, bool& yes) {
  command.add_flag("--yes", yes, "Do not ask");
}

void add_target(CLI::App& command, Target& target) {
  command.add_option("what", target.what, "A file by its name, or a chunk such as c42")->required();
  command.add_flag("--name", target.is_name, "It is a name, even if it looks like a chunk");
}

void add_data(CLI::App& app, Parsed& parsed) {
  const Options& options = parsed.options;
  CLI::App* put_command = add_command(app, "put", "Puts files into the cluster", parsed,
                                      [&] { return put(options, parsed.put); });
  SourceOptions& sources = parsed.put.sources;
  put_command->add_option("FILE", sources.paths, "Files to put; - is standard input")->required();
  put_command->add_option("--goal", parsed.put.goal, "Replicas of each chunk [the policy's]")
      ->check(CLI::Range(1, 16));
  put_command->add_option("--policy", parsed.put.policy, "Where its replicas may be [default]");
  put_command->add_option("--name", sources.name, "Its name in the cluster [the path as given]");
  put_command->add_option("--prefix", sources.prefix, "Put before each name");
  put_command->add_flag("--recursive", sources.recursive, "Directories with all that is in them");
  put_command
      ->add_option("--parallel", parsed.put.parallel, "Chunks being stored at once on each server")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();

  CLI::App* get_command = add_command(app, "get", "Reads a file or a chunk back, verified", parsed,
                                      [&] { return get(options, parsed.get); });
  add_target(*get_command, parsed.get.target);
  get_command->add_option("-o,--output", parsed.get.output,
                          "Where to; - is standard output [the last part of the name]");
  get_command->add_flag("--first-holder-only", parsed.get.first_holder_only,
                        "Do not go to another holder when the first one fails");

  CLI::App* delete_command =
      add_command(app, "delete", "Deletes a file or a chunk, and in time its replicas", parsed,
                  [&] { return delete_named(options, parsed.del); });
  add_target(*delete_command, parsed.del.target);
  add_yes(*delete_command, parsed.del.yes);

  CLI::App* explain_command = add_command(
      app, "explain", "What stands in the way of a chunk, a server or a command", parsed,
      [&] { return explain(options, subject_of(parsed.what, parsed.subject_word)); });
  explain_command
      ->add_option("WHAT", parsed.what, "chunk, server or command; or its id alone, such as c42")
      ->required();
  explain_command->add_option("ID", parsed.subject_word, "Its id, with or without its letter");

  CLI::App* risk_command =
      add_command(app, "risk", "How likely chunks are lost if several servers fail at once", parsed,
                  [&] { return risk(options, parsed.risk); });
  risk_command->add_option("--failures", parsed.risk.failures, "Up to so many servers [5]")
      ->check(CLI::Range(1, 1000));
  risk_command
      ->add_option("--samples", parsed.risk.samples,
                   "Ways to fail that are drawn for each number of servers [100000]")
      ->check(CLI::Range(1, 100'000'000));

  add_command(app, "ping", "Whether the rebalancer answers, and what it is doing", parsed,
              [&options] { return ping(options); });
}

void add_plan(CLI::App& app, Parsed& parsed) {
  using offline::Task;
  CLI::App* command =
      add_command(app, "plan", "Plans for a cluster that is described in files, to the end", parsed,
                  [&parsed] { return plan_offline(parsed.options, parsed.plan); });
  PlanWish& wish = parsed.plan;
  command->add_option("--servers", wish.cluster.servers, "The servers: servers.csv")->required();
  command->add_option("--chunks", wish.cluster.chunks, "Their chunks: chunks.bin")->required();
  command
      ->add_option("--task", wish.cluster.task,
                   "What to do: repair, drain (both: copy what is lost or drains) or rebalance "
                   "(that, and even out)")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Task>{
          {"repair", Task::kRepair}, {"drain", Task::kDrain}, {"rebalance", Task::kRebalance}}))
      ->required();
  command
      ->add_option("--limit", wish.cluster.limit,
                   "Share of its capacity beyond which no server is filled")
      ->check(CLI::Range(0.001, 1.0))
      ->capture_default_str();
  command->add_option("--out", wish.out, "Rows chunk,old,target,source; - is standard output")
      ->required();
  command->add_option("--stats", wish.stats, "JSON: moves, bytes, seconds, memory; - is stdout");
}

void add_intent(CLI::App& command, Parsed& parsed) {
  command.add_flag("--dry-run", parsed.intent.dry_run, "Only say what would come of it");
  command.add_flag("--force", parsed.intent.force, "Also if it cannot be brought to its end");
}

CLI::App* add_server_command(CLI::App& app, const std::string& name, const std::string& what,
                             Parsed& parsed, std::function<Exit(ServerId)> run) {
  CLI::App* command = add_command(app, name, what, parsed, [&parsed, run = std::move(run)] {
    return run(needed_id<ServerId>(parsed.server_word, "SERVER"));
  });
  command->add_option("SERVER", parsed.server_word, "The server, such as s7")->required();
  return command;
}

void add_server_commands(CLI::App& app, Parsed& parsed) {
  const Options& options = parsed.options;
  CLI::App* drain_command = add_server_command(
      app, "drain", "Has all that a server holds copied elsewhere", parsed, [&](ServerId server) {
        return drain(options, {server, false, parsed.intent, false, parsed.wait});
      });
  add_intent(*drain_command, parsed);
  drain_command->add_flag("--wait", parsed.wait, "Until it is drained");
  add_server_command(app, "undrain", "Takes a server that drains, or has, back into service",
                     parsed, [&](ServerId server) { return undrain(options, server); });
  CLI::App* decommission = add_server_command(
      app, "decommission", "Drains a server, and then forgets it for good", parsed,
      [&](ServerId server) {
        return drain(options, {server, true, parsed.intent, parsed.yes, parsed.wait});
      });
  add_intent(*decommission, parsed);
  decommission->add_flag("--wait", parsed.wait, "Until it is forgotten");
  add_yes(*decommission, parsed.yes);
  CLI::App* maintenance = add_server_command(
      app, "maintenance", "A server goes away for a while: what it holds is not made up for",
      parsed, [&](ServerId server) {
        if (!parsed.ends && parsed.length.empty()) throw CLI::RequiredError("--for or --end");
        return maintain(options, {server, parsed.maintenance, parsed.intent});
      });
  CLI::Option* length =
      maintenance->add_option("--for", parsed.length, "How long, such as 30min")
          ->check([&parsed](const std::string& text) {
            const auto read = config::duration(text);
            if (!read) return read.error().what;
            parsed.maintenance = *read;
            return read->count() < 1000 ? std::string("must be at least 1s") : std::string();
          });
  maintenance->add_flag("--end", parsed.ends, "It is back")->excludes(length);
  add_intent(*maintenance, parsed);
}

void add_planner_commands(CLI::App& app, Parsed& parsed) {
  const Options& options = parsed.options;
  const std::vector<std::string> passes{"repair", "drain", "spread", "trim", "balance", "all"};
  add_command(app, "pause", "Orders nothing more for a reason", parsed,
              [&] { return pause(options, parsed.pass, true); })
      ->add_option("PASS", parsed.pass, "repair, drain, spread, trim, balance or all")
      ->required()
      ->check(CLI::IsMember(passes));
  std::vector<std::string> resumed = passes;
  resumed.emplace_back("brake");
  CLI::App* resume = add_command(
      app, "resume", "Orders again for a reason, or though many servers went at once", parsed, [&] {
        if (parsed.pass == "brake") return release_brake(options, parsed.yes);
        return pause(options, parsed.pass, false);
      });
  add_yes(*resume, parsed.yes);
  resume
      ->add_option("WHAT", parsed.pass,
                   "A pass, or brake: the servers that are away will not be back")
      ->required()
      ->check(CLI::IsMember(resumed));
  CLI::App* cancel_command = add_command(app, "cancel", "Cancels a copy", parsed, [&] {
    return cancel(options, needed_id<CommandId>(parsed.command_word, "COMMAND"));
  });
  cancel_command->add_option("COMMAND", parsed.command_word, "The command, such as k12")
      ->required();
  CLI::App* goal =
      add_command(app, "goal", "Changes how many replicas there should be", parsed, [&] {
        return set_goal(options, {parsed.goal_of, parsed.goal, parsed.intent, parsed.yes});
      });
  add_target(*goal, parsed.goal_of);
  goal->add_option("N", parsed.goal, "Replicas of each chunk")
      ->required()
      ->check(CLI::Range(1, 16));
  add_intent(*goal, parsed);
  add_yes(*goal, parsed.yes);
  add_command(app, "rebalance", "Lets balancing go on, and says how evenly servers are filled",
              parsed, [&] { return rebalance(options, parsed.wait); })
      ->add_flag("--wait", parsed.wait, "Until there is nothing left to move");
}

void add_approval(CLI::App& app, Parsed& parsed) {
  const Options& options = parsed.options;
  const auto proposal = [&parsed] {
    return needed_id<ProposalId>(parsed.proposal_word, "PROPOSAL");
  };
  const auto add_proposal = [&parsed](CLI::App& command) {
    command.add_option("PROPOSAL", parsed.proposal_word, "Such as a3")->required();
  };
  CLI::App* list = add_command(app, "proposals", "What wants a second person to approve it", parsed,
                               [&] { return list_proposals(options, parsed.all, parsed.limit); });
  list->add_flag("--all", parsed.all, "Also those that were decided about, or expired");
  add_limit(*list, parsed.limit);
  CLI::App* yes = add_command(
      app, "approve", "Has done what another person has proposed", parsed, [&, proposal] {
        return approve(options, {proposal(), parsed.intent.dry_run, parsed.yes});
      });
  add_proposal(*yes);
  yes->add_flag("--dry-run", parsed.intent.dry_run, "Only say what it takes now");
  add_yes(*yes, parsed.yes);
  add_proposal(*add_command(app, "reject", "Has not done what was proposed", parsed,
                            [&, proposal] { return reject(options, proposal()); }));
  CLI::App* token =
      add_command(app, "token", "Makes an operator's token, and the line for the settings", parsed,
                  [&] { return make_token(options, parsed.operator_name, parsed.file); });
  token->add_option("NAME", parsed.operator_name, "The operator, such as ann")
      ->required()
      ->check([](const std::string& name) {
        const bool plain =
            name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == std::string::npos;
        return plain && !name.empty() && name.size() <= 63
                   ? std::string()
                   : "'" + name + "' is not 1 to 63 of a-z 0-9 - _";
      });
  token->add_option("FILE", parsed.file, "Where to; must not be there yet")->required();
}

void add_care(CLI::App& app, Parsed& parsed) {
  const Options& options = parsed.options;
  CLI::App* check_command = add_command(
      app, "check", "Whether the database is sound, and what must always hold does", parsed, [&] {
        return check(options, parsed.deep    ? CheckDepth::kDeep
                              : parsed.quick ? CheckDepth::kQuick
                                             : CheckDepth::kUsual);
      });
  CLI::Option* deep = check_command->add_flag(
      "--deep", parsed.deep, "Compare indexes too, and count anew what is kept counted");
  check_command
      ->add_flag("--quick", parsed.quick, "Leave out what takes longer the more chunks there are")
      ->excludes(deep);
  add_command(app, "backup", "A copy of the database that is whole, while it is in use", parsed,
              [&] { return backup(options, parsed.file); })
      ->add_option("FILE", parsed.file, "Where to; must not be there yet")
      ->required();
}

/// One after the other, as a shell's word list wants them: "s1".
std::vector<std::string> server_words(const Options& options) {
  std::vector<std::string> words;
  if (const auto view = View::open(options.database, options.cluster)) {
    view->each("SELECT server_id FROM server WHERE admin <> 'removed' ORDER BY 1 LIMIT 2000",
               [&](const auto& row) { words.push_back("s" + std::to_string(row(0))); });
  }
  return words;
}

Exit write_man_pages(const CLI::App& app, const std::string& folder) {
  for (const std::string& page : man_pages(app)) {
    const std::string command = page == "evenkeel" ? "" : page.substr(sizeof "evenkeel");
    const std::string path = folder + "/" + page + ".1";
    std::ofstream file(path);
    file << man_page(app, command, EVENKEEL_VERSION);
    if (!file.flush()) return error("man: " + path + ": cannot be written");
  }
  return Exit::kOk;
}

void add_manual(CLI::App& app, Parsed& parsed) {
  CLI::App* man =
      add_command(app, "man", "The manual page of a command, for man -l -", parsed, [&] {
        if (!parsed.folder.empty()) return write_man_pages(app, parsed.folder);
        if (parsed.options.json) {
          std::fputs(json(command_table(app)).c_str(), stdout);
          return Exit::kOk;
        }
        const std::string page = man_page(app, parsed.page, EVENKEEL_VERSION);
        if (page.empty()) return error("man: '" + parsed.page + "' is not a command");
        std::fputs(page.c_str(), stdout);
        return Exit::kOk;
      });
  man->add_option("COMMAND", parsed.page, "The command; none: the program");
  man->add_option("--all", parsed.folder, "Write the pages of all commands into this folder");
  add_command(app, "completion", "What has a shell complete these words", parsed,
              [&] {
                const std::string script = completion_script(parsed.shell);
                std::fputs(parsed.options.json
                               ? json(Fields{{"shell", parsed.shell}, {"script", script}}).c_str()
                               : script.c_str(),
                           stdout);
                return Exit::kOk;
              })
      ->add_option("SHELL", parsed.shell, "bash or zsh")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh"}));
}

void add_policy(CLI::App& app, Parsed& parsed) {
  const Options& options = parsed.options;
  CLI::App* policy = add_command(app, "policy", "Sets, removes and applies policies", parsed, {});
  policy->require_subcommand(1);
  PolicyWish& wish = parsed.policy;
  CLI::App* set = add_command(*policy, "set", "Makes a policy, or changes what is said of it",
                              parsed, [&] { return set_policy(options, wish); });
  set->add_option("NAME", wish.name, "1 to 63 of a-z 0-9 - _ .")->required();
  set->add_option("--goal", wish.goal, "Replicas of each chunk that gets it from now on")
      ->check(CLI::Range(1, 16));
  set->add_option("--spread", wish.spread, "No two replicas of a chunk in one of these")
      ->check(CLI::IsMember({"host", "rack", "zone"}));
  set->add_option("--require", wish.require,
                  "Only servers with these labels: \"disk in (ssd, nvme), not exists retired\"");
  set->add_option("--prefer", wish.prefer, "Servers with these labels first: \"tier = hot\"");

  CLI::App* remove = add_command(*policy, "remove", "Removes a policy that no chunk has", parsed,
                                 [&] { return remove_policy(options, parsed.policy_name); });
  remove->add_option("NAME", parsed.policy_name, "The policy")->required();

  CLI::App* apply =
      add_command(*policy, "apply", "Gives a file or a chunk a policy, and its goal", parsed,
                  [&] { return apply_policy(options, parsed.policy_name, parsed.policy_target); });
  apply->add_option("NAME", parsed.policy_name, "The policy")->required();
  add_target(*apply, parsed.policy_target);
}

Exit main_of(int argc, char** argv) {
  CLI::App app("Looks at an Evenkeel cluster, and puts, gets and deletes what it keeps.",
               "evenkeel");
  app.footer(kEpilogue);
  app.require_subcommand(0, 1);  // so that a word that is none is named, and not said to be missing
  Parsed parsed;
  add_globals(app, parsed);
  add_lists(app, parsed);
  add_data(app, parsed);
  add_server_commands(app, parsed);
  add_planner_commands(app, parsed);
  add_policy(app, parsed);
  add_approval(app, parsed);
  sim::add_simulate(app, parsed.options, parsed.run);
  add_plan(app, parsed);
  add_care(app, parsed);
  add_manual(app, parsed);
  if (argc > 1 && std::string(argv[1]) == "__complete") {
    if (const char* set = std::getenv("EVENKEEL_DATABASE")) parsed.options.database = set;
    if (const char* set = std::getenv("EVENKEEL_CLUSTER")) parsed.options.cluster = set;
    std::fputs(complete(app, {argv + 2, argv + argc}, [&] { return server_words(parsed.options); })
                   .c_str(),
               stdout);
    return Exit::kOk;
  }
  try {
    app.parse(argc, argv);
    if (!parsed.run) throw CLI::RequiredError("A subcommand");
    return parsed.run();
  } catch (const CLI::ParseError& fault) {
    return app.exit(fault) == 0 ? Exit::kOk : Exit::kError;
  }
}

}  // namespace
}  // namespace evenkeel::cli

int main(int argc, char** argv) {
  try {
    return static_cast<int>(evenkeel::cli::main_of(argc, argv));
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "evenkeel: %s\n", failure.what());
    return static_cast<int>(evenkeel::cli::Exit::kError);
  }
}
