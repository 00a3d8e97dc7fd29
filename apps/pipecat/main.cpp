#include "commands.hpp"
#include "report.hpp"

#include <CLI/CLI.hpp>

#include <exception>

namespace {

constexpr int usage_error = 2;

int run_tool(int argc, char** argv) {
  CLI::App tool{"A server or a client on pipeactor's named pipes."};
  tool.name("pipecat");
  tool.set_version_flag("--version", PIPECAT_VERSION);
  tool.get_formatter()->column_width(22);
  tool.require_subcommand(1);
  tool.footer("More: pipecat listen --help, pipecat connect --help, pipecat list --help");
  const command commands[] = {add_listen(tool), add_connect(tool), add_list(tool)};
  try {
    tool.parse(argc, argv);
  } catch (const CLI::ParseError& err) {
    return tool.exit(err) == 0 ? 0 : usage_error;
  }
  for (auto& command : commands)
    if (*command.line)
      return command.run();
  return usage_error;
}

} // namespace

int main(int argc, char** argv) {
  try {
    return run_tool(argc, argv);
  } catch (const std::exception& err) {
    report(err.what());
    return 1;
  }
}
