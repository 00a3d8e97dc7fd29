// The main of every Catch2 program here. CAF 0.17 keeps its message types in each
// actor_system_config (see `pipeactor::detail::add_message_types`), so there is
// nothing global to set up. SIGPIPE keeps its default, which kills: the library must
// not depend on a program that ignores it.

#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include <cstdio>

#ifdef __linux__
#  include <unistd.h>
#endif

int main(int argc, char* argv[]) {
  // What was printed before a crash shows, also in a file.
  std::setvbuf(stdout, nullptr, _IONBF, 0);
#ifdef __linux__
  // Tests count descriptors: what the caller left open must not show.
  close_range(STDERR_FILENO + 1, ~0U, 0);
#endif
  return Catch::Session().run(argc, argv);
}
