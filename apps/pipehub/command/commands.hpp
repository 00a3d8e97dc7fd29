#pragma once

#include <functional>

namespace CLI {
class App;
} // namespace CLI

namespace pipehub {

/// A command of the tool. Each has a file of its own, options included.
struct command {
  /// Its part of the command line; true (as a bool) once the user has named the command.
  CLI::App* line;

  /// Runs the command with the options that were parsed.
  /// @returns the exit code
  std::function<int()> run;
};

/// Adds `pipehub serve`: runs a hub.
command add_serve(CLI::App& tool);

} // namespace pipehub
