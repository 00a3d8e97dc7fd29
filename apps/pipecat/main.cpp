#include "commands.hpp"

int main(int argc, char** argv) {
  tool_description pipecat;
  pipecat.name = "pipecat";
  pipecat.version = PIPECAT_VERSION;
  pipecat.about = "A server or a client on pipeactor's named pipes.";
  pipecat.footer = "More: pipecat listen --help, pipecat connect --help, pipecat list --help";
  pipecat.column_width = 22;
  return run_tool(argc, argv, pipecat, [](CLI::App& tool) {
    return std::vector<command>{add_listen(tool), add_connect(tool), add_list(tool)};
  });
}
