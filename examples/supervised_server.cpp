// Supervision: an actor watches over a server, starts it again when it has ended, and tries
// until it gets the name. Start the program twice: the second one takes over from the first.
#include <pipeactor/all.hpp>

#include <iostream>
#include <string>

using namespace pipeactor;

class echo_session : public session {
  void message_received(const pipeactor::cookie&, const payload& data) override {
    async_write(data);
  }
};

// Its state is the server.
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
  return {[=](const start& again) {
            self->request(self->state, caf::infinite, again)
              .then(
                [](const server_ready& e) { std::cout << "LISTENING " << e.address << std::endl; },
                [=](const caf::error& err) {
                  std::cout << "WAITING " << describe(err) << std::endl;
                  self->delayed_send(self, std::chrono::milliseconds{200}, again);
                });
          },
          [=](const std::string&) { self->send_exit(self->state, caf::exit_reason::kill); }};
}

int main(int argc, char** argv) {
  caf::actor_system_config config;
  caf::actor_system system{config};
  context context{system};
  server_options options;
  options.pipe_name = argc > 1 ? argv[1] : "supervised_server";
  auto boss = system.spawn(supervisor, &context, options);
  for (std::string line; std::getline(std::cin, line) && !line.empty();)
    caf::anon_send(boss, line); // any line kills the server, an empty one ends the program
  caf::anon_send_exit(boss, caf::exit_reason::user_shutdown);
  caf::scoped_actor {
    system
    } -> wait_for(boss);
}
