#include "command/commands.hpp"

int main(int argc, char** argv) {
  tool_description pipehub_tool;
  pipehub_tool.name = "pipehub";
  pipehub_tool.version = PIPEHUB_VERSION;
  pipehub_tool.about
    = "An MQTT hub on a local pipe: MQTT 3.1.1 and 5.0, without TCP and passwords.";
  pipehub_tool.footer
    = "More: pipehub serve --help, pipehub pub --help, ...\n"
      "Exit codes: 0 done, 1 it failed (the reason is on standard error), 2 wrong usage;\n"
      "those of req and sub: see there.";
  pipehub_tool.column_width = 24;
  return run_tool(argc, argv, pipehub_tool, [](CLI::App& tool) {
    return std::vector<command>{pipehub::add_serve(tool), pipehub::add_pub(tool),
                                pipehub::add_sub(tool), pipehub::add_req(tool),
                                pipehub::add_reply(tool)};
  });
}
