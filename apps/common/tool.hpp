#pragma once

#include <functional>
#include <vector>

namespace CLI {
class App;
} // namespace CLI

/// A command of a tool. Each has a file of its own, options included.
struct command {
  /// Its part of the command line; true (as a bool) once the user has named the command.
  CLI::App* line;

  /// Runs the command with the options that were parsed.
  /// @returns the exit code
  std::function<int()> run;
};

/// Says of a tool what its `--help` does not take from the commands.
struct tool_description {
  /// As the user types it.
  const char* name;
  const char* version;
  const char* about;
  /// Printed behind the list of commands.
  const char* footer;
  /// How wide the column of names is in the list of commands and in those of options.
  size_t column_width;
};

/// Runs the command that the command line names. Errors are reported on standard error.
/// @param add_commands adds the commands to the command line
/// @returns the exit code: that of the command, 1 if it threw, 2 for wrong usage
int run_tool(int argc, char** argv, const tool_description& tool,
             const std::function<std::vector<command>(CLI::App&)>& add_commands);
