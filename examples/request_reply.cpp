// Requests and replies: an id inside the message tells which request a reply belongs to. A
// cookie cannot: it never leaves the process, and tells what became of one's own write.
#include <pipeactor/all.hpp>

#include <iostream>
#include <map>

using namespace pipeactor;

// Answers "ID text" with "ID bytes", of three requests the last one first.
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

// Its state: the requests that have no reply yet.
using texts = std::map<int, std::string>;

caf::behavior asker(caf::stateful_actor<texts>* self, const texts& requests) {
  return event_handlers(
    [=](const connected& e) {
      self->state = requests;
      for (auto& [id, text] : self->state)
        self
          ->request(e.connection.actor(), caf::infinite,
                    async_write{payload{std::to_string(id) + ' ' + text}, cookie::of(id)})
          .then([] {}, [=](const caf::error& err) { self->quit(err); });
    },
    [](const message_sent& e) { std::cout << "sent " << *e.cookie.get_if<int>() << std::endl; },
    [=](const message_received& e) {
      std::string reply{e.data.text()};
      auto request = self->state.extract(std::stoi(reply));
      std::cout << request.mapped() << ": " << reply.substr(2) << " bytes" << std::endl;
      if (self->state.empty())
        self->quit();
    },
    [=](const connect_failed& e) { self->quit(e.error); });
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
  auto connection = context.spawn_client_manager({}, client).connect(options.pipe_name);
  caf::scoped_actor {
    system
    } -> wait_for(client);
}
