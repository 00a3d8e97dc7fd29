// pipebench-load: the load of pipebench, in a process of its own, and the judge of the servers.
// Uses nothing of pipeactor, on purpose: see CMakeLists.txt. Prints figures as JSON.

#include "workloads.hpp"

#include <CLI/CLI.hpp>

#include <sys/resource.h>

#include <exception>
#include <iostream>

using namespace pipebench;

namespace {

using runner = nlohmann::json (*)(const load_options&);

const std::map<std::string, runner> works = {
  {"echo", run_echo},
  {"broadcast", run_broadcast},
  {"connecting", run_connecting},
  {"idle", run_idle},
};

const std::map<std::string, dialect> dialects = {
  {"packets", dialect::packets}, {"frames", dialect::frames}, {"bytes", dialect::bytes},
  {"sp", dialect::sp},           {"zmtp", dialect::zmtp},
};

void allow_many_descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"Puts load on a server, and prints figures as JSON."};
  load_options options;
  std::string work = "echo";
  app.add_option("PATH", options.path, "The server's socket.")->required();
  app.add_option("--work", work, "echo (default), broadcast, connecting or idle.")
    ->check(CLI::IsMember(works).description(""));
  app.add_option("--dialect", options.speaks, "packets (default), frames, bytes, sp or zmtp.")
    ->transform(CLI::CheckedTransformer(dialects).description(""));
  app.add_option("--publish-to", options.publisher_path,
                 "Socket for messages to broadcast (default: PATH).");
  app.add_option("--connections", options.connections, "Connections at once (default 64).")
    ->check(CLI::PositiveNumber);
  app.add_option("--active", options.active,
                 "Echo: number of connections that send (default 0: all).");
  app.add_option("--size", options.message_size, "Bytes of a message, at least 8 (default 64).")
    ->check(CLI::Range(8u, 64u << 20));
  app
    .add_option("--in-flight", options.in_flight,
                "Messages of each connection on their way at once (default 1).")
    ->check(CLI::PositiveNumber);
  app.add_option("--rate", options.rate,
                 "Messages per second over all connections (default 0: as fast as answers come).");
  app.add_option("--seconds", options.seconds, "Seconds to measure (default 2).");
  app.add_option("--warm-up", options.warm_up, "Seconds to run before measuring (default 0.5).");
  app.add_flag("--poll", options.poll, "Poll instead of sleeping.");
  app.add_option("--server", options.server,
                 "Process id of the server, to measure its CPU time and memory.");
  CLI11_PARSE(app, argc, argv);
  try {
    allow_many_descriptors();
    auto figures = works.at(work)(options);
    std::cout << figures.dump() << std::endl;
    return figures.at("faulty").get<bool>() ? 1 : 0;
  } catch (const std::exception& err) {
    std::cerr << "pipebench-load: " << err.what() << '\n';
    return 1;
  }
}
