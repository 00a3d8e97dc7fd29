// An echo server: the session is the state of each connection's actor.
#include <pipeactor/all.hpp>

#include <iostream>

class echo_session : public pipeactor::session {
  void message_received(const pipeactor::cookie&, const pipeactor::payload& data) override {
    async_write(data);
  }
};

int main(int argc, char** argv) {
  caf::actor_system_config config;
  caf::actor_system system{config};
  pipeactor::context context{system};
  pipeactor::server_options options;
  options.pipe_name = argc > 1 ? argv[1] : "echo";
  auto server = context.spawn_server<echo_session>(options);
  auto ready = server.start();
  if (!ready) {
    std::cerr << pipeactor::describe(ready.error()) << '\n';
    return 1;
  }
  std::cout << "LISTENING " << ready->address << "\nPress return to stop." << std::endl;
  std::cin.get();
}
