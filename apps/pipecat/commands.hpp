#pragma once

#include <functional>

namespace CLI {
class App;
} // namespace CLI

/// A command of the tool. Each has a file of its own, options included.
struct command {
  /// Its part of the command line; true (as a bool) once the user has named the command.
  CLI::App* line;

  /// Runs the command with the options that were parsed.
  /// @returns the exit code
  std::function<int()> run;
};

/// Adds `pipecat connect`: sends standard input, and prints what comes back.
command add_connect(CLI::App& tool);

/// Adds `pipecat list`: prints the names of live servers.
command add_list(CLI::App& tool);

/// Adds `pipecat listen`: runs a server.
command add_listen(CLI::App& tool);
