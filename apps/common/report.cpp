#include "common/report.hpp"

#include <cstdio>
#include <system_error>

namespace {

const char* name = "";

} // namespace

void report_as(const char* tool) {
  name = tool;
}

void report(const std::string& text) {
  // One call, so that lines of several threads do not mix.
  auto line = std::string{name} + ": " + text + "\n";
  std::fputs(line.c_str(), stderr);
  // Some C libraries of Windows buffer standard error.
  std::fflush(stderr);
}

int fail(const caf::error& error) {
  report(pipeactor::describe(error));
  return 1;
}

int fail_to_begin(const caf::error& error, pipeactor::context& ctx, pipeactor::port_kind wanted) {
  auto advice = ctx.port() || wanted == pipeactor::port_kind::automatic
                  ? ""
                  : ": try --port auto, which uses what the system allows";
  report(pipeactor::describe(error) + advice);
  return 1;
}

int fail_to_print(int os_code) {
  report("cannot write to standard output: " + std::system_category().message(os_code));
  return 1;
}
