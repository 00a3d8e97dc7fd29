// A connection that another node uses, over CAF's middleman. Start the program twice:
//   remote_connection serve NAME PORT   serves the pipe NAME, and publishes its server at PORT
//   remote_connection greet PORT        writes to every client of that server
#include <pipeactor/all.hpp>

#include <caf/io/middleman.hpp>

#include <iostream>

using namespace pipeactor;

int serve(caf::actor_system& system, const std::string& name, uint16_t port) {
  context ctx{system};
  server_options options;
  options.pipe_name = name;
  auto server = ctx.spawn_server(options);
  auto ready = server.start();
  auto published = system.middleman().publish(server.actor(), port, "127.0.0.1");
  if (!ready || !published) {
    std::cerr << describe(ready ? published.error() : ready.error()) << '\n';
    return 1;
  }
  std::cout << "LISTENING " << ready->address << "\nPORT " << *published << std::endl;
  std::cin.get();
  return 0;
}

int greet(caf::actor_system& system, uint16_t port) {
  auto actor = system.middleman().remote_actor("127.0.0.1", port);
  if (!actor) {
    std::cerr << describe(actor.error()) << '\n';
    return 1;
  }
  auto connections = named_pipe_server{*actor}.connections();
  if (!connections) {
    std::cerr << describe(connections.error()) << '\n';
    return 1;
  }
  caf::scoped_actor self{system};
  async_write greetings{payload{"greetings"}, {}};
  for (auto& connection : *connections)
    self->request(connection.actor(), std::chrono::seconds{5}, greetings)
      .receive([&] { std::cout << "greeted client " << connection.id() << std::endl; },
               [](const caf::error& err) { std::cerr << describe(err) << '\n'; });
  return 0;
}

int main(int argc, char** argv) {
  caf::actor_system_config config;
  add_message_types(config);
  config.load<caf::io::middleman>();
  caf::actor_system system{config};
  auto what = argc > 1 ? std::string{argv[1]} : std::string{};
  if (what == "serve" && argc == 4)
    return serve(system, argv[2], static_cast<uint16_t>(std::stoi(argv[3])));
  if (what == "greet" && argc == 3)
    return greet(system, static_cast<uint16_t>(std::stoi(argv[2])));
  std::cerr << "usage: remote_connection serve NAME PORT | remote_connection greet PORT\n";
  return 2;
}
