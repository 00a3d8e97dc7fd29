#include "list.hpp"

#include "tool.hpp"

#include <pipeactor/all.hpp>

#include <iostream>

int list(const std::string& pattern) {
  tool_config config;
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
