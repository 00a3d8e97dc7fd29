// A chat room: one ordinary actor handles the events of all clients (marshalled events). It
// keeps each client's name in the connection's custom data, and broadcasts what clients say.
#include <pipeactor/all.hpp>

#include <iostream>
#include <string>

using namespace pipeactor;

std::string& name_of(const named_pipe_connection& connection) {
  return *connection.custom_data_as<std::string>();
}

// The actor's state is the server's actor, which broadcasts.
caf::behavior chat_room(caf::stateful_actor<caf::actor>* self, const std::string& title) {
  auto say = [=](const std::string& text) {
    self->send(self->state, async_broadcast{payload{text}, {}});
  };
  auto on_ready = [=](const server_ready& e) { self->state = e.server; };
  auto on_connected = [=](const client_connected& e) {
    *e.connection.custom_data() = title + std::to_string(e.connection.id());
    say(name_of(e.connection) + " joins");
  };
  auto on_received = [=](const client_message_received& e) {
    say(name_of(e.connection) + ": " + std::string{e.data.text()});
  };
  auto on_disconnected = [=](const client_disconnected& e) {
    say(name_of(e.connection) + " leaves");
  };
  return event_handlers(on_ready, on_connected, on_received, on_disconnected);
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
