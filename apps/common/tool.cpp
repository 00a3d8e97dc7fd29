#include "common/tool.hpp"

#include "common/report.hpp"

#include <CLI/CLI.hpp>

#include <exception>

namespace {

constexpr int usage_error = 2;

int run_command(int argc, char** argv, const tool_description& tool,
                const std::function<std::vector<command>(CLI::App&)>& add_commands) {
  CLI::App line{tool.about};
  line.name(tool.name);
  line.set_version_flag("--version", tool.version);
  line.get_formatter()->column_width(tool.column_width);
  line.require_subcommand(1);
  line.footer(tool.footer);
  auto commands = add_commands(line);
  try {
    line.parse(argc, argv);
  } catch (const CLI::ParseError& err) {
    return line.exit(err) == 0 ? 0 : usage_error;
  }
  for (auto& command : commands)
    if (*command.line)
      return command.run();
  return usage_error;
}

} // namespace

int run_tool(int argc, char** argv, const tool_description& tool,
             const std::function<std::vector<command>(CLI::App&)>& add_commands) {
  report_as(tool.name);
  try {
    return run_command(argc, argv, tool, add_commands);
  } catch (const std::exception& err) {
    report(err.what());
    return 1;
  }
}
