#include "command/commands.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>

namespace {

constexpr int usage_error = 2;

int run_tool(int argc, char** argv) {
  CLI::App tool{"An MQTT hub on a local pipe: MQTT 3.1.1 and 5.0, without TCP and passwords."};
  tool.name("pipehub");
  tool.set_version_flag("--version", PIPEHUB_VERSION);
  tool.get_formatter()->column_width(24);
  tool.require_subcommand(1);
  tool.footer("More: pipehub serve --help\n"
              "Exit codes: 0 done, 1 it failed (the reason is on standard error), 2 wrong usage.");
  const pipehub::command commands[] = {pipehub::add_serve(tool)};
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
    std::fprintf(stderr, "pipehub: %s\n", err.what());
    return 1;
  }
}
