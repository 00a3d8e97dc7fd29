// Requests and replies: an id in the message says which request a reply belongs to. A cookie
// cannot: it never crosses the pipe, and only says which of our own writes was sent.
#include <pipeactor/all.hpp>

#include <iostream>
#include <map>

using namespace pipeactor;

// Answers "ID text" with "ID size": waits for three requests, and answers the last one first.
class length_session : public session {
  void message_received(const pipeactor::cookie&, const payload& data) override {
    requests_.push_back(data);
    if (requests_.size() == 3)
      for (; !requests_.empty(); requests_.pop_back())
        async_write(payload{std::string{requests_.back().text().substr(0, 2)}
                            + std::to_string(requests_.back().size() - 2)});
  }

  std::vector<payload> requests_;
};

// Requests without a reply yet, by id: the state of the actor below.
using texts = std::map<int, std::string>;

caf::behavior asker(caf::stateful_actor<texts>* self, const texts& requests) {
  auto on_connected = [=](const connected& e) {
    self->state = requests;
    for (auto& [id, text] : requests)
      e.connection.async_write(payload{std::to_string(id) + ' ' + text}, cookie::of(id));
  };
  auto on_sent = [](const message_sent& e) {
    std::cout << "sent " << *e.cookie.get_if<int>() << std::endl;
  };
  auto on_received = [=](const message_received& e) {
    std::string reply{e.data.text()};
    auto request = self->state.extract(std::stoi(reply));
    std::cout << request.mapped() << ": " << reply.substr(2) << " bytes" << std::endl;
    if (self->state.empty())
      self->quit();
  };
  auto on_disconnected = [=](const disconnected& e) { self->quit(e.reason); };
  auto on_connect_failed = [=](const connect_failed& e) { self->quit(e.error); };
  return event_handlers(on_connected, on_sent, on_received, on_disconnected, on_connect_failed);
}

int main(int argc, char** argv) {
  caf::actor_system_config config;
  caf::actor_system system{config};
  context context{system};
  server_options options;
  options.pipe_name = argc > 1 ? argv[1] : "request_reply";
  auto ready = context.spawn_server<length_session>(options).start();
  if (!ready) {
    std::cerr << describe(ready.error()) << '\n';
    return 1;
  }
  auto client = system.spawn(asker, texts{{1, "a pipe"}, {2, "an actor"}, {3, "a port"}});
  // Held until the end: a connection that nobody holds is closed.
  auto connection = context.spawn_client_manager({}, client).connect(options.pipe_name);
  caf::scoped_actor self{system};
  self->wait_for(client);
}
