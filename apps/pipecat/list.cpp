#include "commands.hpp"
#include "common/report.hpp"

#include <pipeactor/all.hpp>

#include <CLI/CLI.hpp>

#include <iostream>
#include <memory>

namespace {

/// Prints the names of the live servers that match `pattern`, one on each line.
/// @returns the exit code: 1 if no server matches
int list(const std::string& pattern) {
  caf::actor_system_config config;
  pipeactor::let_scheduler_sleep(config);
  caf::actor_system system{config};
  pipeactor::context ctx{system};
  auto names = ctx.spawn_client_manager({}).find_named_pipes(pattern);
  if (!names)
    return fail(names.error());
  for (auto& name : *names)
    std::cout << name << '\n';
  if (!std::cout.flush()) {
    report("cannot write to standard output");
    return 1;
  }
  return names->empty() ? 1 : 0;
}

// -- the command line -------------------------------------------------------------------------

const char* help = R"(Examples:
  pipecat list
      prints the names of all live servers, one on each line
  pipecat list 'log*'
      prints the names that begin with log; the quotes keep the shell from
      replacing the star
  pipecat list my_service && pipecat connect my_service
      connects if the server lives

On Linux the command looks in your own directory and in /run/pipeactor. It connects to no
server, so no server notices it. A pipe whose name is a path is not listed. The exit code is 0
if a name was printed, and 1 if not.)";

} // namespace

command add_list(CLI::App& tool) {
  auto& app = *tool.add_subcommand("list", "Print the names of live servers");
  app.footer(help);
  auto pattern = std::make_shared<std::string>("*");
  app.add_option("PATTERN", *pattern,
                 "Names to print: * matches any number of characters,\n? matches one (default *).");
  return {&app, [pattern] { return list(*pattern); }};
}
