#include "tool.hpp"

#include <cstdio>
#include <sstream>
#include <system_error>

void report(const std::string& text) {
  // One call, so that lines of several threads do not mix.
  auto line = "pipecat: " + text + "\n";
  std::fputs(line.c_str(), stderr);
  // Not every runtime library of Windows does so by itself.
  std::fflush(stderr);
}

int fail(const caf::error& error) {
  report(pipeactor::describe(error));
  return 1;
}

int fail_to_begin(const caf::error& error, pipeactor::context& ctx, pipeactor::port_kind wanted) {
  auto advice = ctx.port() || wanted == pipeactor::port_kind::automatic
                  ? ""
                  : ": try --port auto, which takes what the system allows";
  report(pipeactor::describe(error) + advice);
  return 1;
}

int fail_to_print(int os_code) {
  report("cannot write to standard output: " + std::generic_category().message(os_code));
  return 1;
}

tool_config::tool_config() {
  // As an argument: the type of the value differs between CAF's generations. The empty
  // stream keeps it from reading caf-application.ini of the working directory.
  std::istringstream no_file;
  parse({"--scheduler.policy=sharing"}, no_file);
}
