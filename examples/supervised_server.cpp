// Supervision: an actor monitors a server, and starts another when it ends. If the name is in
// use, the actor tries again. Start the program twice: the second takes over from the first.
#include <pipeactor/all.hpp>

#include <iostream>
#include <string>

using namespace pipeactor;

class echo_session : public session {
  void message_received(const pipeactor::cookie&, const payload& data) override {
    async_write(data);
  }
};

// The supervisor's state is the server's actor.
caf::behavior supervisor(caf::stateful_actor<caf::actor>* self, context* pipes,
                         const server_options& options) {
  auto replace = [=] {
    self->state = pipes->spawn_server<echo_session>(options).actor();
    self->monitor(self->state);
    self->send(self, start{});
  };
  self->set_down_handler([=](const caf::down_msg& down) {
    std::cout << "ENDED " << describe(down.reason) << std::endl;
    replace();
  });
  replace();
  auto on_ready = [](const server_ready& e) {
    std::cout << "LISTENING " << e.address << std::endl;
  };
  auto on_error = [=](const caf::error& err) {
    std::cout << "WAITING " << describe(err) << std::endl;
    self->delayed_send(self, std::chrono::milliseconds{200}, start{});
  };
  auto try_to_start = [=](const start& request) {
    self->request(self->state, caf::infinite, request).then(on_ready, on_error);
  };
  auto kill_server = [=](const std::string&) {
    self->send_exit(self->state, caf::exit_reason::kill);
  };
  return {try_to_start, kill_server};
}

int main(int argc, char** argv) {
  caf::actor_system_config config;
  caf::actor_system system{config};
  context context{system};
  server_options options;
  options.pipe_name = argc > 1 ? argv[1] : "supervised_server";
  auto boss = system.spawn(supervisor, &context, options);
  for (std::string line; std::getline(std::cin, line) && !line.empty();)
    caf::anon_send(boss, line); // a line kills the server; an empty one ends the program
  caf::anon_send_exit(boss, caf::exit_reason::user_shutdown);
  caf::scoped_actor self{system};
  self->wait_for(boss);
}
