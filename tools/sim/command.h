#pragma once
#include <functional>

#include <CLI/CLI.hpp>

#include "tools/cli/session.h"

namespace evenkeel::sim {

/// Adds `evenkeel simulate` to the command line. When it is chosen, `run` becomes what carries it
/// out. `options`: what all commands share; looked at when it runs.
void add_simulate(CLI::App& app, const cli::Options& options, std::function<cli::Exit()>& run);

}  // namespace evenkeel::sim
