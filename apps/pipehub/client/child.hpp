#pragma once

#include <string>
#include <utility>

namespace pipehub {

/// How a command of the shell ended.
struct child_result {
  /// What it printed on standard output.
  std::string output;
  /// Empty if it ended with 0, otherwise e.g. "exit code 3".
  std::string failure;
};

/// Runs a command of the system's shell, and waits for its end.
/// @param input its standard input
child_result run_child(const std::string& command, const std::string& input);

} // namespace pipehub
