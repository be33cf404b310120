#pragma once
#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "tools/cli/render.h"

/// Man pages and completion, read off the same table of commands and options that parses the
/// command line and prints its help.
namespace evenkeel::cli {

/// What the help of a command ends with that has nothing of its own to say there.
inline constexpr const char* kSeeProgram =
    "Options of all commands, environment and exit codes: evenkeel --help";

/// All commands that the help lists, "policy set" among them, with what each takes: one row for
/// each command, option and argument.
Rows command_table(const CLI::App& app);

/// The page of the program, or of one of its commands if `command` names one; in the man macros.
/// Empty: there is no such command.
std::string man_page(const CLI::App& app, const std::string& command, const std::string& version);
/// Names of all pages: "evenkeel", "evenkeel-drain"...
std::vector<std::string> man_pages(const CLI::App& app);

/// What asks `complete()` at each press of the Tab key. `shell`: bash or zsh.
std::string completion_script(const std::string& shell);

/// What may stand in place of the last of `words`, which has been begun: a line for each, with what
/// it means behind a tab. `servers` is asked only where a server may stand.
std::string complete(const CLI::App& app, const std::vector<std::string>& words,
                     const std::function<std::vector<std::string>()>& servers);

}  // namespace evenkeel::cli
