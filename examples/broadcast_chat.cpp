// A chat room: one ordinary actor takes the events of all clients (marshalled events),
// keeps each client's name in the connection's slot, and broadcasts what they say.
#include <pipeactor/all.hpp>

#include <iostream>
#include <string>

using namespace pipeactor;

std::string& name_of(const named_pipe_connection& connection) {
  return *connection.custom_data_as<std::string>();
}

// Its state is the server that it speaks through.
caf::behavior chat_room(caf::stateful_actor<caf::actor>* self, const std::string& title) {
  auto say = [=](const std::string& text) {
    self->send(self->state, async_broadcast{payload{text}, {}});
  };
  return event_handlers([=](const server_ready& e) { self->state = e.server; },
                        [=](const client_connected& e) {
                          *e.connection.custom_data() = title + std::to_string(e.connection.id());
                          say(name_of(e.connection) + " joins");
                        },
                        [=](const client_message_received& e) {
                          say(name_of(e.connection) + ": " + std::string{e.data.text()});
                        },
                        [=](const client_disconnected& e) {
                          say(name_of(e.connection) + " leaves");
                        });
}

int main(int argc, char** argv) {
  caf::actor_system_config config;
  caf::actor_system system{config};
  context context{system};
  server_options options;
  options.pipe_name = argc > 1 ? argv[1] : "broadcast_chat";
  auto ready = context.spawn_server(options, system.spawn(chat_room, "guest ")).start();
  if (!ready) {
    std::cerr << describe(ready.error()) << '\n';
    return 1;
  }
  std::cout << "LISTENING " << ready->address << "\nPress return to stop." << std::endl;
  std::cin.get();
}
